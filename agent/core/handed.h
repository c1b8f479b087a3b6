/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handed - what to do when a hand-over is over
 *
 * It takes its time in a child process. The container that it was meant for may have ended
 * meanwhile, and another of the same Pod may wait by then: that one has nothing yet.
 */
#pragma once

#include <stdint.h>

#include "agent/core/consumer_state.h"

/* What the child answers; a negative number: it failed. */
enum handed_result {
	HANDED_NOW = 0,
	HANDED_BEFORE = 1, /* the root is the overlay already */
	HANDED_IN_USE = 2, /* somebody else still has it */
	HANDED_NO_IMAGE = 3,
	HANDED_BAD_FILES = 4,
};

#define HANDED_STEPS(X)                                                                            \
	X(GO)                                                                                      \
	X(REFUSE)                                                                                  \
	X(PAUSE)    /* and try again */                                                            \
	X(FORGET)   /* it was for a container that has ended */                                    \
	X(NO_IMAGE) /* the layers are gone: nobody gets it */                                      \
	X(NO_FILES) /* they are not those that were left: neither */

enum handed_step {
	HANDED_UNSET,
#define X(name) HANDED_DO_##name,
	HANDED_STEPS(X)
#undef X
};

struct handed_facts {
	int rc;
	bool is_temporary;         /* why it failed */
	enum consumer_state state; /* of the consumer, now */
	uint64_t meant_for;        /* which of the Pod's processes it was begun for */
	uint64_t peer;             /* which one is there now; 0: none */
};

/** handed_plan() - a table: what is true of the files holds for whoever waits, the rest does not */
enum handed_step handed_plan(const struct handed_facts *f);
