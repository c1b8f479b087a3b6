/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hand - gathers who waits for a root filesystem, and begins the hand-over that is planned
 */
#include "agent/io/hand.h"

#include <assert.h>
#include <event2/event.h>

#include "agent/core/hand_plan.h"
#include "agent/io/consumer.h"
#include "agent/io/link.h"
#include "agent/io/task.h"
#include "lib/api/names.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"

_Static_assert(sizeof(struct hand_done) <= TASK_DATA_BYTES_MAX, "a result of a task");

static void hand_start(struct consumer *c)
{
	struct instance *inst = c->inst;
	const struct link_peer *peer = link_peer(c->link);
	struct hand_order order = {
	        .files = {instance_place(inst, c), instance_files_known(inst)},
	};
	const struct task_opts opts = {hand_child, on_hand_done, &order, c};
	struct err err;

	assert(peer != NULL && c->state == CONSUMER_WAITING);
	assert(c->task == NULL && inst->handing == NULL && inst->task == NULL);
	assert(inst->root_fd >= 0 && peer->mount_ns_fd >= 0);
	order.pid = peer->pid;
	c->handed_number = peer->number;
	instance_clear_paths(inst->object, order.clear);
	order.handover =
	        (struct handover){inst->root_fd, peer->mount_ns_fd, c->cwd, SC_CONTROL_MOUNT, NULL};
	if (task_start(inst->agent->base, &opts, &c->task, &err) < 0) {
		/* no process, no descriptor: the consumer waits until there are some */
		log_event(LOG_WARN, "consumer.hand_over_failed", log_str("pod_uid", c->pod_uid),
		          log_err(&err));
		hand_pause(inst);
		return;
	}
	inst->handing = c;
	instance_files_handed(inst);
}

static struct hand_facts hand_facts(const struct instance *inst)
{
	struct hand_facts f = {
	        .is_mounted = inst->root_fd >= 0,
	        .is_ready = inst->state == INSTANCE_READY,
	        .has_failed = inst->state == INSTANCE_FAILED && inst->task == NULL &&
	                      inst->root_fd < 0 && !instance_is_image_gone(inst),
	        .is_busy = inst->handing != NULL || inst->task != NULL,
	        .is_paused = evtimer_pending(inst->hand_retry, NULL) != 0,
	        .is_deleting = kube_is_deleting(inst->object),
	};
	struct consumer *c;

	LIST_FOREACH(c, &inst->consumers, entry) {
		const struct hand_consumer one = {consumer_is_alive(c),
		                                  c->state == CONSUMER_WAITING, c->start, c};

		hand_see(&f, &one);
	}
	return f;
}

void hand_next(struct instance *inst)
{
	const struct hand_facts f = hand_facts(inst);

	switch (hand_plan(&f)) {
	case HAND_GIVE:
		hand_start(f.last);
		break;
	case HAND_REFUSE_FAILED:
		instance_refuse_waiting(inst, inst->reason, inst->message);
		break;
	case HAND_REFUSE_DELETING:
		instance_refuse_waiting(inst, "HandoverFailed", "the resource is being deleted");
		break;
	case HAND_NOTHING:
	case HAND_UNSET:
		break;
	}
}

void on_hand_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	hand_next(arg);
}
