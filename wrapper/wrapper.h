/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrapper - process 1 of a container, linked statically against musl
 *
 * No stdio, no malloc, no large static buffers: while it waits it must fit in a few pages.
 */
#pragma once

#include "wrapper/proto.h"

enum {
	WRAPPER_EXIT_USAGE = 2,
	WRAPPER_EXIT_REFUSED = 125, /* no root filesystem, or no socket: Docker's code for such */
	WRAPPER_EXIT_CANNOT_EXECUTE = 126,
	WRAPPER_EXIT_NOT_FOUND = 127,
	WRAPPER_EXIT_SIGNAL_BASE = 128,
};

/** wrapper_say() - "sc-wrapper: A: B" to the container's log; @b may be NULL */
void wrapper_say(const char *a, const char *b);

struct wrapper_opts {
	const char *socket_path; /* where to listen */
	int stop_signal;         /* what SIGTERM is passed on as */
	bool process_one;        /* the user's process takes this one's place */
	char **argv;             /* what to start, NULL-terminated, at least one */
};

/**
 * wrapper_run() - wait for the root filesystem, start the user's process, stay until it ends
 * Return: the exit code.
 */
int wrapper_run(const struct wrapper_opts *opts);

/**
 * wrapper_exec() - become another command of the container, once the root filesystem is there
 * @argv: NULL-terminated, at least one
 *
 * Return: the exit code, when that failed.
 */
int wrapper_exec(char **argv);

/** wrapper_pause() - hold a container open: reap, end with 0 on SIGTERM or SIGINT */
int wrapper_pause(void);

/** wrapper_copy() - this binary to @dest, whole or not at all. Return: the exit code. */
int wrapper_copy(const char *dest);

/** wrapper_listen() - a listening socket that appears at @path ready for connections; or -1 */
int wrapper_listen(const char *path);

/** wrapper_send() - never blocks, never raises SIGPIPE; a text that does not go is lost */
void wrapper_send(int fd, enum proto_kind kind, int number, const char *text);
