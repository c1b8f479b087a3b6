/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logtail - what was added to a program's log since the last look
 *
 * Of our own programs in logfmt, as they are written or as the kubelet keeps them (with a prefix).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct logtail {
	const char *path; /* borrowed; NULL or no such file: never a line */
	long offset;
};

typedef void (*logtail_fn)(void *arg, uint64_t wall_ms, const char *line);

/** logtail_skip() - what is there now is not told */
void logtail_skip(struct logtail *t);
/** logtail_read() - @on_line for each new line that has a time; the line begins after its prefix */
void logtail_read(struct logtail *t, logtail_fn on_line, void *arg);
