/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_log - the runner's side of GET …/pods/NAME/log, as the HTTP server calls it
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct pod_log;

struct pod_log_query {
	const char *ns;
	const char *pod;
	const char *container; /* NULL: the only or the first one */
	bool follow;
	bool previous;
	bool timestamps;
	int64_t tail_lines;    /* -1: all */
	int64_t since_seconds; /* 0: all */
	/* @bytes 0 ends the stream. */
	void (*on_data)(void *arg, const char *data, size_t bytes);
	void *arg;
};

struct pod_log_source {
	/* Return: 0, *ret_log until pod_log close or the end was told; negative with err (404,
	 * 400). */
	int (*open)(void *source_arg, const struct pod_log_query *query, struct pod_log **ret_log,
	            struct err *err);
	void (*close)(void *source_arg, struct pod_log *log);
	void *arg;
};
