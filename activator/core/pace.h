/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace - whether a peer that we wait for moves bytes at a minimum rate, and how many of late
 *
 * Looked at in windows of a grace time: in each the peer must move rate × window bytes. A window
 * in which we did not wait for the peer all the time is not judged. So whoever is steadily above
 * the rate goes on for ever, and whoever is below it has two windows at the most.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pace {
	uint64_t since_ms; /* 0: no window is open */
	uint64_t moved_bytes;
};

struct pace_limit {
	uint64_t bytes_per_s; /* 0: any pace will do */
	uint64_t grace_ms;
};

struct recent {
	uint64_t bytes;
	uint64_t since_ms; /* up to here older ones have faded */
};

/** recent_add() - @bytes more: what is kept fades, so that it is of about the last 2 s */
void recent_add(struct recent *r, uint64_t bytes, uint64_t now_ms);

/** pace_is_due() - whether the window is over, and pace_judge() wants to know what was moved */
bool pace_is_due(const struct pace *p, const struct pace_limit *limit, uint64_t now_ms);

/** pace_open() - a window begins: @moved_bytes so far, counted from anywhere */
void pace_open(struct pace *p, uint64_t moved_bytes, uint64_t now_ms);

/** pace_close() - we do not wait for the peer (any more) */
void pace_close(struct pace *p);

/**
 * pace_judge() - the window is over: is it too slow? Opens the next one.
 * Return: true when less than the minimum was moved in it
 */
bool pace_judge(struct pace *p, const struct pace_limit *limit, uint64_t moved_bytes,
                uint64_t now_ms);
