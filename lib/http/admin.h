/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin - a program's own small HTTP server: /healthz, /readyz, /metrics and what it adds
 *
 * /healthz and /readyz answer anybody; everything else wants the bearer token when one is
 * configured (its file is read again when it changes). Requests are limited: 8 KiB of head, 64 KiB
 * of body, 64 connections, 2 s until a whole request is there; a connection that says nothing
 * makes room for a new one (admin_conns). GET and POST only. Built on libevent's evhttp.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

struct event_base;
struct metrics;
struct admin;

struct admin_request {
	const char *method; /* "GET" */
	const char *path;   /* "/v1/quiesce", without the query */
	const char *query;  /* or "" */
	const char *body;   /* NUL-terminated, "" when empty */
	size_t body_bytes;
	void *reply; /* for admin_reply() */
};

struct admin_opts {
	const char *listen;     /* "127.0.0.1:9090", "[::1]:0" */
	const char *token_file; /* or NULL: no authentication (loopback, or behind a policy) */
	struct metrics *metrics;
	/* Why the program is not ready: NULL when it is. */
	const char *(*why_not_ready)(void *arg);
	/* Any other path. Answer now or later with admin_reply(), exactly once.
	 * Return false when the path is unknown (404 is answered then). */
	bool (*on_request)(void *arg, const struct admin_request *req);
	void *arg;
	/* What /readyz says besides, ready or not: lines, or NULL. The function may be NULL. */
	const char *(*trouble)(void);
	/*
	 * File with the key that requests for other paths than /metrics are sealed with (seal.h),
	 * and their answers: the bearer token is good for /metrics only then. Or NULL.
	 */
	const char *seal_key_file;
};

/**
 * admin_new() - listen; logs admin.listening with the port
 * @opts: copied, but for what @listen and @arg point to
 */
int admin_new(struct event_base *base, const struct admin_opts *opts, struct admin **ret_admin,
              struct err *err);
void admin_free(struct admin *admin);
unsigned admin_port(const struct admin *admin);

/**
 * admin_reply() - answer a request, exactly once: now or later
 * @reply: of the request; freed. The connection may have ended, and admin_free() have been called.
 * @json:  borrowed text, or NULL for an empty body
 */
void admin_reply(void *reply, int status, const char *json);
