/* SPDX-License-Identifier: Apache-2.0 */
/*
 * defer - which writes of one container can wait because nobody needs them yet
 *
 * A container that is woken or stopped goes through several phases within a second. Each write of a
 * phase costs the API server about 15 ms of a processor, and the calls of other containers' wakes
 * wait behind it (docs/performance.md). So on the way to Running or Stopped only that is written
 * which somebody waits for; the rest follows in one write. defer.c has the table: for each phase,
 * and the phase that the status shows, which of the three patches can wait and for how long.
 */
#pragma once

#include "controller/core/memory.h"
#include "controller/core/status.h"

enum {
	DEFER_MS = 3000,       /* a patch waits so long; twice as long while others start */
	DEFER_CROWD_MS = 1000, /* Running waits so long for the starts of others */
	DEFER_LOOK_MS = 200,   /* meanwhile it is looked whether they have started */
};

/* What there is to write: a patch each, or NULL. Owned. */
struct defer_patches {
	json_t *instance, *instance_status, *container_status;
};

/* What is known of the container. Borrowed. */
struct defer_view {
	const struct facts *facts;
	const struct status *status; /* as it is now */
	const json_t *container;     /* with the status that was written last */
	uint64_t now_ms;
};

/**
 * defer_patches() - take out of @patches those that can wait
 * @memory: since when something waits. Return: when it no longer can; 0: nothing waits
 */
uint64_t defer_patches(const struct defer_view *v, struct memory *memory,
                       struct defer_patches *patches);
