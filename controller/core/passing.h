/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passing - what need not be told at once, since nobody waits for it and more follows soon
 *
 * Each write costs the API server some 15 ms of a processor, and the calls of other wakes wait
 * behind it (docs/performance.md). So on the way to Running or Stopped only what somebody waits for
 * is written, and the instance's copy of it later. What lasts longer than PASSING_MS is told then,
 * twice as late while others start as well; and then Running itself waits for the others' start,
 * for PASSING_CROWD_MS at most.
 */
#pragma once

#include "controller/core/memory.h"
#include "controller/core/status.h"

enum { PASSING_MS = 3000, PASSING_CROWD_MS = 1000, PASSING_LOOK_MS = 200 };

/* What there is to tell: a patch each, or NULL. Owned. */
struct passing_news {
	json_t *instance, *instance_status, *container_status;
};

/**
 * passing_hold() - take out of @news what may wait
 * Return: when it may no longer; 0: nothing waits
 */
uint64_t passing_hold(const struct facts *f, const json_t *container, const struct status *s,
                      struct memory *memory, uint64_t now_ms, struct passing_news *news);
