/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance_state - the state of an instance: one setter with the moves that there are, and failures
 */
#include "agent/io/instance.h"

#include <assert.h>
#include <event2/event.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "agent/io/consumer.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/http/metrics.h"
#include "lib/kube/client/object.h"

enum { INSTANCE_PAUSE_FIRST_MS = 500, INSTANCE_PAUSE_MAX_MS = 60000 };

void instance_log(const struct instance *inst, enum log_level level, const char *event)
{
	log_event(level, event, log_str("namespace", kube_namespace(inst->object)),
	          log_str("instance", kube_name(inst->object)), log_str("reason", inst->reason),
	          log_str("message", inst->message), log_str("digest", inst->digest));
}

/* From the state before to the next; an unset entry is a move that there is not. */
static const bool instance_moves[INSTANCE_STATES_COUNT][INSTANCE_STATES_COUNT] = {
        [INSTANCE_NEW] =
                {[INSTANCE_READY] = true, [INSTANCE_FAILED] = true, [INSTANCE_REMOVED] = true},
        [INSTANCE_READY] = {[INSTANCE_READY] = true, /* of another image, or another provider */
                            [INSTANCE_FAILED] = true,
                            [INSTANCE_REMOVED] = true},
        [INSTANCE_FAILED] = {[INSTANCE_READY] = true,
                             [INSTANCE_FAILED] = true, /* for another reason */
                             [INSTANCE_REMOVED] = true},
        /* it was so in the status of an instance that is not being deleted: it is made again */
        [INSTANCE_REMOVED] = {[INSTANCE_READY] = true, [INSTANCE_FAILED] = true},
};

void instance_set_state(struct instance *inst, enum instance_state state)
{
	assert(inst->state > INSTANCE_UNSET && inst->state < INSTANCE_STATES_COUNT);
	assert(state > INSTANCE_UNSET && state < INSTANCE_STATES_COUNT);
	assert(instance_moves[inst->state][state]);
	inst->state = state;
}

void instance_unmount(struct instance *inst)
{
	const struct rootfs_place p = instance_place(inst, NULL);
	char target[PATH_MAX];

	assert(inst->prefix != NULL || inst->root_fd < 0);
	if (inst->root_fd >= 0)
		(void)close(inst->root_fd);
	inst->root_fd = -1;
	if (rootfs_target(&p, target, NULL) < 0)
		return;
	if (umount2(target, MNT_DETACH) == 0)
		(void)rmdir(target);
}

void instance_pause(struct instance *inst)
{
	static const struct pause_limit limit = {INSTANCE_PAUSE_FIRST_MS, INSTANCE_PAUSE_MAX_MS, 0};
	const struct timeval tv = clk_timeval(pause_next(&inst->pause, &limit, clk_now_ms()));

	(void)evtimer_add(inst->retry, &tv);
}

void instance_refuse_waiting(struct instance *inst, const char *reason, const char *why)
{
	struct consumer *c;

	LIST_FOREACH(c, &inst->consumers, entry) {
		if (c->state == CONSUMER_WAITING)
			consumer_refuse(c, reason, why);
	}
}

void instance_fail(struct instance *inst, const char *reason, const char *message)
{
	instance_set_state(inst, INSTANCE_FAILED);
	(void)snprintf(inst->reason, sizeof inst->reason, "%s", reason);
	(void)snprintf(inst->message, sizeof inst->message, "%s", message);
	instance_log(inst, LOG_WARN, "rootfs.failed");
	if (strncmp(reason, "Files", 5) == 0)
		metric_add(inst->agent->files_refused, &reason, 1);
	/* an image that is gone is pulled again: that is worth waiting for */
	if (!instance_is_image_gone(inst))
		instance_refuse_waiting(inst, reason, message);
	instance_pause(inst);
	instance_report(inst);
}

void instance_refuse_files(struct instance *inst, const char *reason, const char *message)
{
	instance_unmount(inst);
	instance_fail(inst, reason, message);
}

void instance_image_gone(struct instance *inst)
{
	instance_unmount(inst);
	instance_fail(inst, "ImageGone", "the image's layers vanished from the node");
}
