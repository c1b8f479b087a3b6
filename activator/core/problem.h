/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem - the body of an answer of our own: problem details (RFC 9457), or a line of text
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "activator/core/end_reason.h"
#include "activator/core/head.h"

/* Room for a detail of PROBLEM_DETAIL_MAX bytes, escaped, and all around it. */
enum { PROBLEM_DETAIL_MAX = 600, PROBLEM_BYTES = 2 * PROBLEM_DETAIL_MAX + 800 };

struct problem {
	enum end_reason reason;
	const char *detail;     /* added to the reason's text; or NULL */
	const char *request_id; /* plain, see request_id.h */
	bool delivered;         /* the container may have seen the request */
};

/** problem_as_text() - whether the client asks for text (Accept) and not for JSON: a browser */
bool problem_as_text(const struct head *h);

/** problem_write() - Return: bytes written to @buf, without the NUL */
size_t problem_write(const struct problem *p, bool as_text, char buf[PROBLEM_BYTES]);
