/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hand_plan - chooses the consumer that gets the root filesystem
 */
#include "agent/core/hand_plan.h"

#include <assert.h>
#include <stddef.h>

void hand_see(struct hand_facts *f, const struct hand_consumer *c)
{
	assert(c->who != NULL);
	if (!c->is_alive)
		return;
	if (!c->is_waiting) {
		f->is_in_use = true;
	} else if (f->last == NULL || c->start > f->last_start) {
		f->last = c->who;
		f->last_start = c->start;
	}
}

enum hand_step hand_plan(const struct hand_facts *f)
{
	if (f->is_deleting)
		return HAND_REFUSE_DELETING;
	if (f->has_failed)
		return HAND_REFUSE_FAILED;
	if (!f->is_ready || !f->is_mounted || f->is_busy || f->is_paused)
		return HAND_NOTHING;
	/* the end of who has it brings us here again */
	return f->last != NULL && !f->is_in_use ? HAND_GIVE : HAND_NOTHING;
}
