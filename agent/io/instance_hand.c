/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance_hand - which of an instance's consumers gets the root filesystem, and when
 */
#include <event2/event.h>

#include "agent/io/consumer.h"
#include "agent/io/instance.h"
#include "lib/base/clk.h"
#include "lib/kube/client/object.h"

/* While somebody still has the root filesystem. Each try is a process that looks through cgroups.
 */
enum { INSTANCE_HELD_FIRST_MS = 20, INSTANCE_HELD_MAX_MS = 1000 };

void instance_refuse_waiting(struct instance *inst, const char *reason, const char *why)
{
	struct consumer *c;

	LIST_FOREACH(c, &inst->consumers, entry) {
		if (c->state == CONSUMER_WAITING)
			consumer_refuse(c, reason, why);
	}
}

void instance_hand_next(struct instance *inst)
{
	struct consumer *next = NULL;
	struct consumer *c;

	if (inst->state == INSTANCE_FAILED && inst->task == NULL && inst->root_fd < 0 &&
	    !instance_is_image_gone(inst))
		instance_refuse_waiting(inst, inst->reason, inst->message);
	if (inst->state != INSTANCE_READY || inst->root_fd < 0 || inst->handing != NULL ||
	    inst->task != NULL || kube_is_deleting(inst->object) ||
	    evtimer_pending(inst->hand_retry, NULL))
		return;
	LIST_FOREACH(c, &inst->consumers, entry) {
		if (!consumer_is_alive(c))
			continue;
		if (c->state != CONSUMER_WAITING)
			return; /* it has the rootfs; its end brings us here again */
		if (next == NULL || c->start > next->start)
			next = c;
	}
	if (next != NULL)
		consumer_hand_over(next);
}

void on_instance_hand_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	instance_hand_next(arg);
}

void instance_hand_later(struct instance *inst)
{
	static const struct pause_limit limit = {INSTANCE_HELD_FIRST_MS, INSTANCE_HELD_MAX_MS, 0};
	const struct timeval tv = clk_timeval(pause_next(&inst->hand_pause, &limit, clk_now_ms()));

	(void)evtimer_add(inst->hand_retry, &tv);
}

void instance_hand_soon(struct instance *inst)
{
	(void)evtimer_del(inst->hand_retry);
	pause_over(&inst->hand_pause);
}

void instance_image_gone(struct instance *inst)
{
	instance_unmount(inst);
	instance_fail(inst, "ImageGone", "the image's layers vanished from the node");
}
