/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootfs_plan - the next step for an instance's root filesystem
 */
#include "agent/core/rootfs_plan.h"

#include <string.h>

static enum rootfs_step rootfs_plan_end(const struct rootfs_facts *f)
{
	if (!f->is_ours || !f->has_finalizer || f->is_removed)
		return ROOTFS_NONE;
	return f->is_in_use || f->is_paused ? ROOTFS_NONE : ROOTFS_REMOVE;
}

enum rootfs_step rootfs_plan(const struct rootfs_facts *f)
{
	if (f->is_busy)
		return ROOTFS_NONE;
	if (f->is_deleting)
		return rootfs_plan_end(f);
	if (!f->has_finalizer) /* without it, it could go and leave files behind */
		return ROOTFS_NONE;
	if (!f->is_ours)
		return f->provider_runs && !f->is_claimed ? ROOTFS_CLAIM : ROOTFS_NONE;
	if (f->is_paused)
		return ROOTFS_NONE;
	if (!f->is_mounted && f->was_ready)
		return ROOTFS_MAKE_BY_RECORD;
	/* another provider is looked at when nobody stands on the layers of the one before */
	if (f->provider_runs && (!f->is_mounted || !f->is_in_use) && !f->provider_is_seen)
		return ROOTFS_MAKE_BY_PROVIDER;
	if (f->provider_runs && !f->is_mounted && !f->is_image_gone)
		return ROOTFS_MAKE_BY_PROVIDER;
	return f->is_order_unreported ? ROOTFS_REPORT_ORDER : ROOTFS_NONE;
}

bool rootfs_is_temporary(const char *reason)
{
	return reason[0] == '\0' || strcmp(reason, "MountFailed") == 0 ||
	       strcmp(reason, "NoSpace") == 0;
}
