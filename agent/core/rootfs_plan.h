/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootfs_plan - what to do next about one instance's root filesystem
 */
#pragma once

#include <stdbool.h>

struct rootfs_facts {
	bool is_busy;       /* a step is under way */
	bool is_ours;       /* status.rootfs.nodeName is this node */
	bool is_claimed;    /* … is some node */
	bool has_finalizer; /* ours */
	bool is_deleting;
	bool is_removed; /* by us: the status says so, or is about to */
	bool is_in_use;  /* a consumer's process lives */
	bool is_mounted;
	bool is_paused; /* a step failed: not before its time */
	bool was_ready; /* the status has digest and image: the record is enough to mount it */
	bool is_order_unreported; /* the status does not show yet which order was carried out */
	bool is_image_gone;       /* its layers vanished under the provider that is seen */
	bool provider_runs;       /* here */
	bool provider_is_seen;    /* and its container's image was compared with the files' one, and
	                             the    template's user looked up in it */
};

#define ROOTFS_STEPS(X)                                                                            \
	X(NONE)                                                                                    \
	X(CLAIM) /* write that it is on this node, before anything is made here */                 \
	X(MAKE_BY_RECORD)                                                                          \
	X(MAKE_BY_PROVIDER)                                                                        \
	X(REPORT_ORDER) /* which was carried out, so that it is not carried out again */           \
	X(REMOVE)

enum rootfs_step {
#define X(name) ROOTFS_##name,
	ROOTFS_STEPS(X)
#undef X
};

/** rootfs_plan() - the one step to begin now; asked again when anything has changed */
enum rootfs_step rootfs_plan(const struct rootfs_facts *f);

/**
 * rootfs_is_temporary() - what could not be mounted may be mounted later as it is
 * @reason: as the API has it; "" when a child process ended without one
 *
 * The others wait for somebody: for a provider, or for the user's decision.
 */
bool rootfs_is_temporary(const char *reason);
