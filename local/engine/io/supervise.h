/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervise - the engine's programs as children: started in order, started again, stopped in order
 *
 * A program of one stage starts when all of the stage before answer. RUN/status.json says at any
 * time how they are; `sc-local status` prints it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct event_base;
struct supervise;

enum { SUPERVISE_ARGS_MAX = 48, SUPERVISE_CHILDREN_MAX = 8 };

struct supervise_program {
	const char *name;
	unsigned stage;
	char *argv[SUPERVISE_ARGS_MAX]; /* owned by the supervisor from supervise_add() on */
	/* How to see that it answers: a path on one of these. */
	char *ready_url;        /* "http://127.0.0.1:9440", or NULL */
	char *ready_socket;     /* a unix socket, or NULL */
	char *ready_kubeconfig; /* or NULL */
	const char *ready_path;
	const char *cgroup_root; /* not NULL: it runs in the monitors' cgroup below */
	const char *dir;         /* not NULL: its working directory */
};

struct supervise_opts {
	const char *log_dir;
	const char *status_file;
	uint64_t log_bytes_max;
	uint64_t stop_timeout_ms;    /* then SIGKILL */
	void (*on_ready)(void *arg); /* all answer, for the first time */
	void *arg;
};

int supervise_new(struct event_base *base, const struct supervise_opts *opts,
                  struct supervise **ret_supervise, struct err *err);
void supervise_free(struct supervise *s);
DEFINE_CLEANUP(struct supervise *, supervise_free);

/** supervise_add() - takes the strings of @program */
int supervise_add(struct supervise *s, const struct supervise_program *program, struct err *err);

void supervise_start(struct supervise *s);
/** supervise_stop() - in reverse order; ends the event loop when none runs any more */
void supervise_stop(struct supervise *s);
