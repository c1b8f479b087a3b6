/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child - when a program that ended is started again
 *
 *     DOWN ──start──> STARTING ──answers──> READY
 *       ^                 └──────ended────────┴──> BACKOFF ──(its time)──> STARTING
 *       └──────ended────── STOPPING <──stop── (any but DOWN)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	CHILD_BACKOFF_FIRST_MS = 100,
	CHILD_BACKOFF_MAX_MS = 5000,
	CHILD_BACKOFF_FORGET_MS = 10000, /* a run of so long was a good one */
};

/* clang-format off */
#define CHILD_STATES(X)                                              \
	X(DOWN, "down")         /* not started, or stopped */        \
	X(STARTING, "starting") /* runs, and does not answer yet */  \
	X(READY, "ready")       /* runs and answers */               \
	X(BACKOFF, "back-off")  /* ended; waits before it starts */  \
	X(STOPPING, "stopping") /* was told to end */
/* clang-format on */

enum child_state {
	CHILD_UNSET,
#define X(name, text) CHILD_##name,
	CHILD_STATES(X)
#undef X
	        CHILD_STATES_COUNT
};

enum child_event {
	CHILD_EV_START,
	CHILD_EV_ANSWERED,
	CHILD_EV_ENDED,
	CHILD_EV_STOP,
	CHILD_EVENTS_COUNT
};

enum child_action {
	CHILD_DO_SPAWN = 1u << 0,
	CHILD_DO_ARM = 1u << 1,  /* start again after backoff_ms */
	CHILD_DO_TERM = 1u << 2, /* signal it */
};

struct child {
	enum child_state state;
	uint64_t started_ms;
	uint64_t backoff_ms;
	unsigned restarts;
};

const char *child_state_name(enum child_state state);
void child_init(struct child *c);

/** child_step() - Return: CHILD_DO_… bits */
unsigned child_step(struct child *c, enum child_event ev, uint64_t now_ms);
