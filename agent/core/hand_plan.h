/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hand_plan - which consumer of an instance gets its root filesystem now
 *
 * A root filesystem has one user at a time. Of the containers that wait the one of the latest start
 * gets it, and none while another one's process lives. Where it can't be had, those that wait are
 * refused, and do not wait until their Pod ends.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* One consumer Pod. */
struct hand_consumer {
	bool is_alive;   /* process 1 of its container lives */
	bool is_waiting; /* and has asked for the root filesystem, which it has not got */
	uint64_t start;  /* which start of the instance made its Pod; later ones are greater */
	void *who;       /* the caller's; borrowed */
};

struct hand_facts {
	bool is_mounted;  /* the overlay is mounted in our namespace */
	bool is_ready;    /* and was found in order */
	bool has_failed;  /* it can't be made, and nobody is about to try that again */
	bool is_busy;     /* a step for the instance, or a hand-over, is under way */
	bool is_paused;   /* the last hand-over found it in use: not before the pause is over */
	bool is_deleting; /* the instance */
	/* Of the consumers, by hand_see(). */
	bool is_in_use;      /* one that lives does not wait: it has the root filesystem */
	uint64_t last_start; /* of those that wait, */
	void *last;          /* and whose that is; NULL: none waits */
};

#define HAND_STEPS(X)                                                                              \
	X(NOTHING)                                                                                 \
	X(GIVE)            /* to the last one of those that wait */                                \
	X(REFUSE_FAILED)   /* to all that wait: why it failed */                                   \
	X(REFUSE_DELETING) /* to all that wait: the instance is being deleted */

enum hand_step {
	HAND_UNSET,
#define X(name) HAND_##name,
	HAND_STEPS(X)
#undef X
};

/** hand_see() - one more consumer, into the facts; in any order */
void hand_see(struct hand_facts *f, const struct hand_consumer *c);

/** hand_plan() - when all consumers have been seen */
enum hand_step hand_plan(const struct hand_facts *f);
