/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixture - a proxy with one target; the test plays clients, container and API in one event loop
 */
#pragma once

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "activator/proxy/proxy.h"

enum { DEADLINE_MS = 10000, FDS_MAX = 600, TEXT_MAX = 1 << 20 };

#define GET "GET / HTTP/1.1\r\nHost: app\r\n\r\n"
#define OK2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

struct fixture {
	struct event_base *base;
	struct proxy *proxy;
	struct target *target;
	struct target *others[2]; /* of hosts "twin" and "other": add_others() */
	unsigned port;
	int backend; /* listening */
	struct sockaddr_in backend_address;
	int fds[FDS_MAX];
	unsigned fds_count;
	unsigned wakes;
	int64_t generation;
	bool ready;
};

extern char text[TEXT_MAX]; /* what hear() read */

int setup(void **state);
/** setup_with() - @change: what is other than usual in the proxy's options */
int setup_with(void **state, void (*change)(struct proxy_opts *opts));
int teardown(void **state);
void turn(struct fixture *f);
int keep(struct fixture *f, int fd); /* closed by teardown() */

/* @message: of one that failed; NULL: it is on its way */
void observe(struct fixture *f, bool running, bool ready, const char *message);
/** answer_wake() - the API answers the wake; the cache has seen the answer first */
void answer_wake(struct fixture *f);
void make_ready(struct fixture *f);
/** add_others() - "twin" in the namespace of "app", "other" in another one; both asleep */
void add_others(struct fixture *f);

int client(struct fixture *f);
void say(struct fixture *f, int fd, const char *what);
int take(struct fixture *f); /* accept what the proxy dialled */
/** hear() - read until @want was seen. Return: all that was read */
const char *hear(struct fixture *f, int fd, const char *want);
void hear_end(struct fixture *f, int fd);
uint64_t ended(const struct fixture *f, enum end_reason reason);
