/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err - an error as a value on the caller's stack
 *
 * Nothing to free and no allocation while failing. A function that takes a struct err sets it
 * exactly when its result is negative; context is added on the way up, outermost first.
 */
#pragma once

#include "lib/base/cleanup.h"

/* Only codes that some caller acts on. */
enum err_code {
	ERR_NONE,
	ERR_SYS, /* sys_errno says which */
	ERR_NOMEM,
	ERR_PARSE,     /* bad input: the text says what, where and what was expected */
	ERR_INVALID,   /* well-formed, but refused (HTTP 422, a wrong option) */
	ERR_NOT_FOUND, /* HTTP 404 */
	ERR_EXISTS,    /* HTTP 409, reason AlreadyExists */
	ERR_CONFLICT,  /* HTTP 409: the object changed meanwhile, or a precondition failed */
	ERR_GONE,      /* HTTP 410: list again */
	ERR_DENIED,    /* HTTP 401, 403 */
	ERR_TIMEOUT,
	ERR_UNAVAILABLE, /* no connection, HTTP 429 or 5xx: try again later */
};

struct err {
	enum err_code code;
	int sys_errno;
	char text[512];
};

/**
 * err_set() - describe a failure
 * @e:         may be NULL when the caller does not care
 * @sys_errno: 0, or errno; its text is appended when it is not 0
 *
 * Return: always -1, so that `return err_set(...)` reads well.
 */
int err_set(struct err *e, enum err_code code, int sys_errno, const char *fmt, ...)
        PRINTF_LIKE(4, 5);

/** err_wrap() - put context before the text that is there. Return: always -1. */
int err_wrap(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** err_code_name() - the code as a stable lower-case word, for logs and metrics */
const char *err_code_name(enum err_code code);
