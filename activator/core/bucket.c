/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bucket - a token bucket: so many events a second on average, and so many at once
 */
#include "activator/core/bucket.h"

enum { MILLI = 1000 };

/* A token takes 1000 / per_s ms, so per_s thousandths come back each millisecond. */
static uint64_t missing(const struct bucket *b, const struct bucket_limit *limit, uint64_t now_ms)
{
	uint64_t passed_ms = now_ms > b->at_ms ? now_ms - b->at_ms : 0;

	if (passed_ms >= b->used_milli / limit->per_s + 1)
		return 0;
	return b->used_milli - passed_ms * limit->per_s;
}

bool bucket_has(const struct bucket *b, const struct bucket_limit *limit, uint64_t now_ms)
{
	return bucket_wait_ms(b, limit, now_ms) == 0;
}

void bucket_take(struct bucket *b, const struct bucket_limit *limit, uint64_t now_ms)
{
	if (limit->per_s == 0)
		return;
	b->used_milli = missing(b, limit, now_ms) + MILLI;
	b->at_ms = now_ms;
}

uint64_t bucket_wait_ms(const struct bucket *b, const struct bucket_limit *limit, uint64_t now_ms)
{
	uint64_t room = (uint64_t)limit->burst * MILLI;
	uint64_t used;

	if (limit->per_s == 0)
		return 0;
	used = missing(b, limit, now_ms) + MILLI;
	return used <= room ? 0 : (used - room + limit->per_s - 1) / limit->per_s;
}
