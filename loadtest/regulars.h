/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regulars - well-behaved clients: so many small requests a second, whatever the answers take
 *
 * A request waits from the moment at which it was due, so that what holds up one also counts for
 * those behind it. Most go over kept connections, each fourth is the last of its connection.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/histogram.h"

enum { REGULARS_MAX = 512 };

struct regular {
	int fd;
	bool busy;
	bool sent;
	bool last; /* its connection ends with this answer */
	uint64_t due_us;
};

struct regulars {
	uint16_t port;
	const char *host;
	uint64_t per_s;
	uint64_t asked_count;
	struct regular open[REGULARS_MAX];
	unsigned open_count;
};

struct regulars_waits {
	struct histogram histogram;
	uint64_t asked_count;
	uint64_t failed_count;
};

/** regulars_run() - for @ms, and until all are answered; adds to @waits */
void regulars_run(struct regulars *r, uint64_t ms, struct regulars_waits *waits);
/** regulars_close() - their connections */
void regulars_close(struct regulars *r);
