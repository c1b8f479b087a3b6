/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_ctr - the life of one container: which state follows which, and how long restarts wait
 *
 *     IDLE ──> PULLING ──> CREATING ──> STARTING ──> RUNNING ──> ENDED ──┐
 *      ^          └──────────┴─────────────┴─────> BACKOFF <──(restart)──┘
 *      └─────────────────────────(its time has come)──┘
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */
#define POD_CTR_STATES(X)                                                        \
	X(IDLE, "idle")         /* not begun: its turn has not come */           \
	X(PULLING, "pulling")   /* the runtime fetches the image */              \
	X(CREATING, "creating") /* POST create is under way */                   \
	X(STARTING, "starting") /* POST start, then the look at its process */   \
	X(RUNNING, "running")   /* its process lives */                          \
	X(ENDED, "ended")       /* its process is gone and it does not restart */ \
	X(BACKOFF, "backoff")   /* waits before the next try */
/* clang-format on */

enum pod_ctr_state {
	POD_CTR_ST_UNSET,
#define X(name, text) POD_CTR_ST_##name,
	POD_CTR_STATES(X)
#undef X
	        POD_CTR_STATES_COUNT
};

const char *pod_ctr_state_name(enum pod_ctr_state state);

/** pod_ctr_may_move() - the table of allowed moves */
bool pod_ctr_may_move(enum pod_ctr_state from, enum pod_ctr_state to);

/* Kubernetes: 10 s doubling to 5 min, forgotten after a run of 10 min. */
enum {
	POD_BACKOFF_FIRST_MS = 10000,
	POD_BACKOFF_MAX_MS = 300000,
	POD_BACKOFF_FORGET_MS = 600000,
};

struct pod_backoff {
	uint64_t delay_ms; /* of the last failure; 0: none */
};

/**
 * pod_backoff_next() - how long to wait after a run of @ran_ms
 * The first restart is at once, as the kubelet's.
 */
uint64_t pod_backoff_next(struct pod_backoff *b, uint64_t ran_ms);

/**
 * pod_backoff_reason() - why a container waits that is started again after @wait_ms
 * One that is started again at once is no crash loop: the kubelet speaks of none, either.
 */
const char *pod_backoff_reason(uint64_t wait_ms);
