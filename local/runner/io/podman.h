/* SPDX-License-Identifier: Apache-2.0 */
/*
 * podman - calls to libpod's REST API on its unix socket, asynchronous
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct event_base;
struct podman;
struct podman_call;

struct podman_result {
	int status;          /* 0: no answer came */
	const json_t *json;  /* borrowed; NULL when the body is not one JSON document */
	const char *text;    /* the body, NUL-terminated */
	const char *message; /* NULL for a 2xx or 304 answer; else what went wrong */
};

typedef void (*podman_done_fn)(void *arg, const struct podman_result *res);

struct podman_request {
	const char *method;
	const char *path;   /* below /v4.0.0/libpod: "/containers/create" */
	const json_t *json; /* or NULL */
	const char *raw;    /* or NULL: a tar archive */
	size_t raw_bytes;
	uint64_t timeout_ms; /* 0: 60 s */
	podman_done_fn done;
	void *arg;
};

int podman_new(struct event_base *base, const char *socket_path, struct podman **ret_podman,
               struct err *err);
void podman_free(struct podman *p); /* cancels what is under way */
DEFINE_CLEANUP(struct podman *, podman_free);

/** podman_start() - done runs exactly once, later, unless the call was cancelled
 * Return: the call, valid until done returns; NULL when it could not begin (err is set). */
struct podman_call *podman_start(struct podman *p, const struct podman_request *req,
                                 struct err *err);
void podman_cancel(struct podman_call *call); /* NULL is fine */

/** podman_stream_error() - the "error" in a body of JSON lines, as image pulls answer
 * Return: new string, or NULL when there is none */
char *podman_stream_error(const char *text);
