/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status - computes the phase and the conditions of a container from the facts
 *
 * Never Running for a Pod with a deletionTimestamp: only the current consumer can make it so, and
 * one that is being deleted is never current.
 */
#pragma once

#include "controller/core/observe.h"

/* The instance's list, finest first; the container's own is coarser (second text). */
#define PHASES(X)                                                                                  \
	X(PENDING, "Pending", "Pending")                                                           \
	X(PROVIDER_STARTING, "ProviderStarting", "Pending")                                        \
	X(PROVIDER_READY, "ProviderReady", "ProviderReady")                                        \
	X(CONSUMER_STARTING, "ConsumerStarting", "ProviderReady")                                  \
	X(RUNNING, "Running", "Running")                                                           \
	X(STOPPING, "Stopping", "Stopping")                                                        \
	X(STOPPED, "Stopped", "Stopped")                                                           \
	X(FAILED, "Failed", "Failed")

enum phase {
	PHASE_UNSET,
#define X(name, fine, coarse) PHASE_##name,
	PHASES(X)
#undef X
	        PHASES_COUNT
};

enum { STATUS_MESSAGE_BYTES = 512, STATUS_KILLED_BYTES = 160 };

struct verdict {
	bool ok;
	bool is_failure;    /* it stays so until somebody changes something or a back-off is over */
	const char *reason; /* CamelCase, borrowed */
	char message[STATUS_MESSAGE_BYTES];
};

struct status {
	enum phase phase;
	struct verdict ready, provider, rootfs, consumer, activatable;
	const json_t *last_end; /* of the consumer's process, borrowed of its Pod; NULL: none */
	char memory_killed[STATUS_KILLED_BYTES]; /* how it was killed for want of memory, or "" */
	bool template_changed;
	bool node_silent;
	struct verdict node; /* with node_silent */
};

struct status_times {
	uint64_t now_ms; /* monotonic */
	uint64_t wall_ms;
};

/** status_judge() - @starting: a consumer is being created now */
void status_judge(const struct facts *f, const struct memory *memory,
                  const struct status_times *now, bool starting, struct status *ret_status);

/** status_is_trouble() - the runtime cannot start the Pod now, and may later; NULL: no Pod */
bool status_is_trouble(const json_t *pod);

const char *status_phase_name(enum phase phase);           /* the instance's */
const char *status_container_phase_name(enum phase phase); /* the container's */
