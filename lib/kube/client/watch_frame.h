/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch_frame - a stream of bytes cut into lines, each with one watch event
 *
 * Pieces may end anywhere. A line longer than the limit is an error; empty lines are skipped.
 */
#pragma once

#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

enum { WATCH_FRAME_BYTES_MAX = 16 * 1024 * 1024 };

struct watch_frame {
	struct buf line; /* the beginning of one whose end has not come */
	size_t bytes_max;
	int (*on_line)(void *arg, const char *line, size_t bytes);
	void *arg;
};

/**
 * watch_frame_init() - an empty one
 * @on_line: each whole line without its end; borrowed, not NUL-terminated. Not 0: stop.
 */
void watch_frame_init(struct watch_frame *f, size_t bytes_max,
                      int (*on_line)(void *arg, const char *line, size_t bytes), void *arg);
void watch_frame_done(struct watch_frame *f);

/**
 * watch_frame_feed() - more bytes
 * Return: 0, what on_line returned to stop, or negative with err set.
 */
int watch_frame_feed(struct watch_frame *f, const char *data, size_t bytes, struct err *err);
