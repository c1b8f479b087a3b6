/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram - durations in microseconds, counted with a bounded relative error
 *
 * Log-linear: each power of two is cut into 64 equal parts, so a percentile is at most 1/64 (1.6 %)
 * above the exact one, whatever its size. Minimum and maximum are exact. Fixed size, no allocation.
 */
#pragma once

#include <stdint.h>

enum { HISTOGRAM_PARTS = 64, HISTOGRAM_POWERS = 32, HISTOGRAM_US_MAX_LOG2 = 37 };

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
