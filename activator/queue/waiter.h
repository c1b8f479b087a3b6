/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiter - somebody who wants a place at a target (a container); who it is, only its owner knows
 *
 *     OUT ──enter──> HELD ──granted──> COMING ──settle──> INSIDE ──leave──> OUT
 *                      <──recalled────── │
 *
 * HELD waits in the queue. COMING was let go and has no connection to the container yet, INSIDE has
 * one. A waiter lies in its owner; the target's lists only link it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "activator/core/end_reason.h"

struct target;
struct waiter;

enum waiter_state {
	WAITER_UNSET,
	WAITER_OUT,
	WAITER_HELD,
	WAITER_COMING,
	WAITER_INSIDE,
};

/* Called by the target, with the waiter in its new state; they mark others and run nobody. */
struct waiter_ops {
	void (*granted)(struct waiter *w);
	/* The container is not ready after all: whatever was begun is given up; w is HELD again. */
	void (*recalled)(struct waiter *w);
	/* @detail: what the cluster says of the container, or NULL */
	void (*refused)(struct waiter *w, enum end_reason reason, const char *detail);
};

struct waiter {
	TAILQ_ENTRY(waiter) link;
	struct target *target;
	const struct waiter_ops *ops;
	enum waiter_state state;
	bool was_held;
	uint32_t bytes;    /* that it keeps while it waits, for the budgets */
	uint64_t since_ms; /* it came */
};

TAILQ_HEAD(waiters, waiter);
