/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram - durations in microseconds, counted with a bounded relative error
 */
#include "loadtest/histogram.h"

#include <assert.h>
#include <string.h>

/* The first HISTOGRAM_PARTS buckets are exact; then as many for each power of two from there. */
static unsigned histogram_bucket(uint64_t us)
{
	unsigned power = us < HISTOGRAM_PARTS
	                         ? 0
	                         : 64u - (unsigned)__builtin_clzll(us) - HISTOGRAM_PARTS_LOG2;
	unsigned shift = power == 0 ? 0 : power - 1;

	return power == 0 ? (unsigned)us
	                  : power * HISTOGRAM_PARTS + (unsigned)(us >> shift) - HISTOGRAM_PARTS;
}

static uint64_t histogram_bucket_end(unsigned bucket)
{
	unsigned power = bucket / HISTOGRAM_PARTS;
	uint64_t part = bucket % HISTOGRAM_PARTS;

	return power == 0 ? part : ((part + HISTOGRAM_PARTS + 1) << (power - 1)) - 1;
}

void histogram_init(struct histogram *h)
{
	memset(h, 0, sizeof *h);
}

void histogram_add(struct histogram *h, uint64_t us)
{
	const uint64_t most_us = (1ull << HISTOGRAM_US_MAX_LOG2) - 1;

	if (us > most_us)
		us = most_us;
	assert(histogram_bucket(us) < HISTOGRAM_POWERS * HISTOGRAM_PARTS);
	h->counts[histogram_bucket(us)]++;
	if (h->count == 0 || us < h->min_us)
		h->min_us = us;
	if (us > h->max_us)
		h->max_us = us;
	h->count++;
}

uint64_t histogram_at(const struct histogram *h, unsigned per_mille)
{
	uint64_t rank = (h->count * per_mille + 999) / 1000;
	uint64_t seen = 0;
	uint64_t end_us;

	assert(per_mille <= 1000);
	if (h->count == 0)
		return 0;
	for (unsigned i = 0; i < HISTOGRAM_POWERS * HISTOGRAM_PARTS; i++) {
		seen += h->counts[i];
		if (seen < (rank ? rank : 1))
			continue;
		end_us = histogram_bucket_end(i);
		return end_us < h->max_us ? end_us : h->max_us;
	}
	return h->max_us;
}
