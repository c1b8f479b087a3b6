/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_ctr - the life of one container as a table, and how long restarts wait
 */
#include "local/runner/core/pod_ctr.h"

#define BIT(name) (1u << POD_CTR_ST_##name)

/* clang-format off */
static const unsigned moves[POD_CTR_STATES_COUNT] = {
	[POD_CTR_ST_UNSET]    = BIT(IDLE) | BIT(STARTING) | BIT(ENDED) | BIT(BACKOFF),
	[POD_CTR_ST_IDLE]     = BIT(PULLING) | BIT(CREATING) | BIT(BACKOFF) | BIT(ENDED),
	[POD_CTR_ST_PULLING]  = BIT(CREATING) | BIT(BACKOFF) | BIT(ENDED),
	[POD_CTR_ST_CREATING] = BIT(STARTING) | BIT(PULLING) | BIT(BACKOFF) | BIT(ENDED),
	[POD_CTR_ST_STARTING] = BIT(RUNNING) | BIT(ENDED) | BIT(BACKOFF),
	[POD_CTR_ST_RUNNING]  = BIT(ENDED) | BIT(BACKOFF),
	[POD_CTR_ST_ENDED]    = 0,
	[POD_CTR_ST_BACKOFF]  = BIT(IDLE) | BIT(ENDED),
};
/* clang-format on */

const char *pod_ctr_state_name(enum pod_ctr_state state)
{
	static const char *const names[POD_CTR_STATES_COUNT] = {[POD_CTR_ST_UNSET] = "unset",
#define X(name, text) [POD_CTR_ST_##name] = (text),
	                                                        POD_CTR_STATES(X)
#undef X
	};

	return names[state];
}

bool pod_ctr_may_move(enum pod_ctr_state from, enum pod_ctr_state to)
{
	return (moves[from] & 1u << to) != 0;
}

uint64_t pod_backoff_next(struct pod_backoff *b, uint64_t ran_ms)
{
	uint64_t wait_ms;

	if (ran_ms >= POD_BACKOFF_FORGET_MS)
		b->delay_ms = 0;
	wait_ms = b->delay_ms;
	b->delay_ms = wait_ms == 0 ? POD_BACKOFF_FIRST_MS : wait_ms * 2;
	if (b->delay_ms > POD_BACKOFF_MAX_MS)
		b->delay_ms = POD_BACKOFF_MAX_MS;
	return wait_ms;
}

const char *pod_backoff_reason(uint64_t wait_ms)
{
	return wait_ms > 0 ? "CrashLoopBackOff" : "ContainerCreating";
}
