/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance_dropped - removes the files that a reset gave up, one instance at a time
 */
#include "agent/io/instance_dropped.h"

#include <assert.h>
#include <event2/event.h>

#include "agent/io/instance.h"
#include "agent/io/mounts/dropped.h"
#include "agent/io/task.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"

enum { DROPPED_PAUSE_FIRST_MS = 500, DROPPED_PAUSE_MAX_MS = 60000 };

static void dropped_log(const struct instance *inst, enum log_level level, const char *event,
                        const struct err *err)
{
	log_event(level, event, log_str("namespace", kube_namespace(inst->object)),
	          log_str("instance", kube_name(inst->object)),
	          log_str("error", err != NULL ? err->text : ""));
}

static void dropped_pause(struct instance *inst)
{
	static const struct pause_limit limit = {DROPPED_PAUSE_FIRST_MS, DROPPED_PAUSE_MAX_MS, 0};
	const struct timeval tv =
	        clk_timeval(pause_next(&inst->dropped.pause, &limit, clk_now_ms()));

	(void)evtimer_add(inst->dropped.retry, &tv);
}

/* Another one's turn. */
static void dropped_pass(struct agent *agent)
{
	struct instance *other;

	agent->files_dropping = false;
	LIST_FOREACH(other, &agent->instances, entry) {
		if (!other->dropped.is_due || evtimer_pending(other->dropped.retry, NULL))
			continue;
		event_active(other->dropped.retry, EV_TIMEOUT, 0);
		return;
	}
}

static void on_dropped_removed(void *arg, int rc, const void *data, const struct err *err)
{
	struct instance *inst = arg;

	(void)data;
	assert(inst->dropped.task != NULL && inst->agent->files_dropping);
	inst->dropped.task = NULL;
	if (rc == 0) {
		inst->dropped.is_due = false;
		pause_over(&inst->dropped.pause);
		dropped_log(inst, LOG_INFO, "files.dropped_removed", NULL);
	} else {
		dropped_log(inst, LOG_WARN, "files.dropped_kept", err);
		dropped_pause(inst);
	}
	dropped_pass(inst->agent);
	instance_changed(inst);
}

static void dropped_next(struct instance *inst)
{
	struct rootfs_place place = instance_place(inst, NULL);
	const struct task_opts opts = {dropped_remove, on_dropped_removed, &place, inst};
	struct err err;

	if (!inst->dropped.is_due || inst->dropped.task != NULL || inst->agent->files_dropping ||
	    evtimer_pending(inst->dropped.retry, NULL))
		return;
	if (task_start(inst->agent->base, &opts, &inst->dropped.task, &err) < 0)
		dropped_pause(inst);
	else
		inst->agent->files_dropping = true;
}

static void on_dropped_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dropped_next(arg);
}

void instance_dropped_made(struct instance *inst, const struct rootfs_made *made)
{
	if (!made->has_dropped || kube_is_deleting(inst->object))
		return;
	dropped_log(inst, LOG_INFO, "files.dropped", NULL);
	inst->dropped.is_due = true;
	/* behind what the instance begins next: a start is not to wait for it */
	if (!evtimer_pending(inst->dropped.retry, NULL))
		event_active(inst->dropped.retry, EV_TIMEOUT, 0);
	instance_changed(inst);
}

void instance_dropped_stop(struct instance *inst)
{
	inst->dropped.is_due = false;
	(void)evtimer_del(inst->dropped.retry);
	if (inst->dropped.task == NULL)
		return;
	assert(inst->agent->files_dropping);
	task_end(inst->dropped.task);
	inst->dropped.task = NULL;
	dropped_pass(inst->agent);
}

int instance_dropped_init(struct instance *inst, struct err *err)
{
	inst->dropped.retry = evtimer_new(inst->agent->base, on_dropped_retry, inst);
	return inst->dropped.retry != NULL ? 0 : err_set(err, ERR_NOMEM, 0, "instance");
}

void instance_dropped_done(struct instance *inst)
{
	if (inst->dropped.retry == NULL)
		return;
	instance_dropped_stop(inst);
	event_free(inst->dropped.retry);
}
