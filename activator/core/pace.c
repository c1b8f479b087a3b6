/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace - judges whether a peer that we wait for moves bytes at a minimum rate
 */
#include "activator/core/pace.h"

enum {
	RECENT_STEP_MS = 250,
	RECENT_SHIFT = 3, /* an eighth fades in each step */
	RECENT_STEPS_MAX = 200,
};

void recent_add(struct recent *r, uint64_t bytes, uint64_t now_ms)
{
	uint64_t steps = now_ms > r->since_ms ? (now_ms - r->since_ms) / RECENT_STEP_MS : 0;

	r->since_ms += steps * RECENT_STEP_MS;
	if (steps > RECENT_STEPS_MAX)
		r->bytes = 0;
	for (; steps > 0 && r->bytes > 0; steps--)
		r->bytes -= (r->bytes + (1 << RECENT_SHIFT) - 1) >> RECENT_SHIFT;
	r->bytes += bytes;
}

bool pace_is_due(const struct pace *p, const struct pace_limit *limit, uint64_t now_ms)
{
	return limit->bytes_per_s > 0 && p->since_ms > 0 && now_ms - p->since_ms >= limit->grace_ms;
}

void pace_open(struct pace *p, uint64_t moved_bytes, uint64_t now_ms)
{
	p->since_ms = now_ms > 0 ? now_ms : 1;
	p->moved_bytes = moved_bytes;
}

void pace_close(struct pace *p)
{
	p->since_ms = 0;
}

bool pace_judge(struct pace *p, const struct pace_limit *limit, uint64_t moved_bytes,
                uint64_t now_ms)
{
	uint64_t window_ms = now_ms - p->since_ms;
	uint64_t moved = moved_bytes > p->moved_bytes ? moved_bytes - p->moved_bytes : 0;
	bool slow = moved / limit->bytes_per_s < window_ms / 1000;

	pace_open(p, moved_bytes, now_ms);
	return slow;
}
