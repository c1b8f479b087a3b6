/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passing - a status that is only on its way to the next one, and how long it stays untold
 *
 * Each write costs the API server some 15 ms of a processor, and the calls of a wake wait behind
 * it: so on the way to Running or Stopped only what somebody waits for is written
 * (docs/performance.md). What lasts longer than PASSING_MS is told then.
 */
#pragma once

#include "controller/core/memory.h"
#include "controller/core/status.h"

enum { PASSING_MS = 3000 };

/**
 * passing_is() - from what @container's status tells, @s is on the way
 * Never so when the container ran or had failed: that this is over is told at once.
 */
bool passing_is(const json_t *container, const struct status *s);

/**
 * passing_is_consumer_told() - the instance's status names the current consumer, or none if there
 * is none: by that the activators know which process a word of the agent is about, and that it is
 * new
 */
bool passing_is_consumer_told(const struct facts *f);

/** passing_until() - Return: when it is to be told; 0: now, and the next one may wait again */
uint64_t passing_until(struct memory *m, uint64_t now_ms);
/** passing_end() - something is told, or nothing is left to tell. Return: 0 */
uint64_t passing_end(struct memory *m);
