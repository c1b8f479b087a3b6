/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task - work that blocks or changes namespaces, in a forked child
 *
 * The child has a copy of all memory, so arguments need not outlive task_start(); it shares the
 * mount namespace, so what it mounts is there for the agent. One result of a fixed size comes back.
 * The child ends with the agent, however that ends: the next one must not find it at work.
 */
#pragma once

#include <stddef.h>

#include "lib/base/err.h"

struct event_base;
struct task;

enum { TASK_DATA_BYTES_MAX = 2048 };

struct task_opts {
	/* In the child. @data: zeroed, TASK_DATA_BYTES_MAX, for results. */
	int (*run)(void *arg, void *data, struct err *err);
	/* In the agent; @rc as run() returned it. Negative also when the child died. */
	void (*on_done)(void *arg, int rc, const void *data, const struct err *err);
	void *run_arg;
	void *done_arg;
};

/**
 * task_start() - fork, and run @opts->run in the child; @opts: borrowed for the call
 * @ret_task: lasts until on_done begins, task_forget() or task_end()
 *
 * on_done runs once, later, from the event loop. Return: 0; negative: err, and nothing runs.
 */
int task_start(struct event_base *base, const struct task_opts *opts, struct task **ret_task,
               struct err *err);

/** task_forget() - on_done will not run; the child goes on and is reaped. NULL is allowed. */
void task_forget(struct task *task);

/** task_end() - the child is killed, and forgotten. NULL is allowed */
void task_end(struct task *task);

/** task_outlive_agent() - in the child: from here on it ends by itself, also without the agent */
void task_outlive_agent(void);

/** tasks_leave() - at the agent's end: free what is forgotten; what still runs ends with it */
void tasks_leave(void);
