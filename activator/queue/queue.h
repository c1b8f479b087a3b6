/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue - what the queues of all containers share: budgets of the whole process, rates of wakes,
 * and the names of namespaces and nodes
 */
#pragma once

#include <stdint.h>
#include <sys/queue.h>

#include "activator/core/bucket.h"
#include "activator/core/hold_policy.h"
#include "activator/core/wake_rate.h"
#include "activator/net/turn.h"
#include "activator/queue/pool.h"
#include "activator/queue/tenant.h"

struct target;

/* Durations that are measured, for histograms. */
enum proxy_stage {
	PROXY_STAGE_HOLD,       /* a request waited, up to its release */
	PROXY_STAGE_PATCH,      /* a wake was asked for, up to the API's answer */
	PROXY_STAGE_READY,      /* the same, up to the READY rule */
	PROXY_STAGE_DIAL,       /* released, up to a connection */
	PROXY_STAGE_FIRST_BYTE, /* the whole wait of a held request */
	PROXY_STAGES_COUNT,
};

struct queue_opts {
	struct hold_limits held; /* of all targets together */
	struct wake_rates wakes;
	void (*on_stage)(void *arg, enum proxy_stage stage, uint64_t ms); /* or NULL */
	void *arg;
};

TAILQ_HEAD(targets, target);

struct queue {
	struct turn *turn;
	struct queue_opts opts;
	struct hold_usage usage;
	struct bucket wakes;
	struct targets targets;
	struct tenants holding; /* those that hold something */
	void *tenants_by_ns;    /* tsearch(3) */
	void *sites;            /* tsearch(3) */
	struct pool_stats pools;
};

void queue_init(struct queue *q, struct turn *turn, const struct queue_opts *opts);
/** queue_stage() - tell of a duration */
void queue_stage(const struct queue *q, enum proxy_stage stage, uint64_t ms);
/** queue_largest() - the target with most INSIDE. Return: NULL when there is none */
struct target *queue_largest(const struct queue *q);
/** queue_first(), queue_next() - all targets. Return: NULL when there is none (any more) */
struct target *queue_first(const struct queue *q);
struct target *queue_next(const struct target *t);
