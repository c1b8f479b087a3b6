/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe - one HTTP GET, with the moment of its first answer byte
 *
 * A refused connection is tried again at once, a millisecond later at the latest, so that a port
 * which opens is seen without delay. A connection that was taken is not given up: it waits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct event;
struct event_base;

struct probe {
	struct event_base *base;
	const char *address; /* IPv4; borrowed */
	uint16_t port;
	const char *host;       /* of the Host header; borrowed */
	struct event *event;    /* of the socket, or the timer for the next try */
	int fd;                 /* or -1 */
	bool is_sent;           /* the request is written */
	uint64_t first_byte_us; /* monotonic; 0: not yet */
	int status;             /* of the answer */
	bool is_failed;         /* the connection ended without an answer */
};

/** probe_start() - @p->base, address, port and host are set; the rest is set here */
int probe_start(struct probe *p, struct err *err);
void probe_stop(struct probe *p);
/** probe_is_over() - an answer's first byte came, or it failed (for loop_until) */
bool probe_is_over(const void *probe);
