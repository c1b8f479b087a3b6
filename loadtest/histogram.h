/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram - durations in microseconds, counted with a bounded relative error
 *
 * Log-linear: each power of two is cut into 1,024 equal parts, so a percentile is at most a
 * thousandth above the exact one, whatever its size: less than what a ratio of two is judged by.
 * Minimum and maximum are exact. Fixed size, no allocation.
 */
#pragma once

#include <stdint.h>

enum {
	HISTOGRAM_PARTS_LOG2 = 10,
	HISTOGRAM_PARTS = 1 << HISTOGRAM_PARTS_LOG2,
	HISTOGRAM_US_MAX_LOG2 = 37,
	HISTOGRAM_POWERS = HISTOGRAM_US_MAX_LOG2 - HISTOGRAM_PARTS_LOG2 + 1,
};

struct histogram {
	uint32_t counts[HISTOGRAM_POWERS * HISTOGRAM_PARTS];
	uint64_t count;
	uint64_t min_us;
	uint64_t max_us;
};

void histogram_init(struct histogram *h);

/** histogram_add() - a value over 2^37 µs (38 hours) counts as that */
void histogram_add(struct histogram *h, uint64_t us);

/**
 * histogram_at() - the value that @per_mille of all values do not exceed (nearest rank)
 * Return: the upper end of its bucket, never above the maximum; 0 without values.
 */
uint64_t histogram_at(const struct histogram *h, unsigned per_mille);
