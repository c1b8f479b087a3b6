/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd - many connections that each have sent one request and stay
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct crowd;

struct crowd_opts {
	const char *address; /* IPv4 */
	uint16_t port;
	const char *host; /* of the request */
	unsigned count;   /* connections */
	/* Return when each has its answer, and leave them idle; else as soon as all is sent. */
	bool wants_answer;
};

/** crowd_open() - connect so often and send a GET on each connection */
int crowd_open(const struct crowd_opts *opts, struct crowd **ret_crowd, struct err *err);
/** crowd_answered() - how many of them have something to read, or have been closed */
unsigned crowd_answered(const struct crowd *c);
void crowd_close(struct crowd *c);
