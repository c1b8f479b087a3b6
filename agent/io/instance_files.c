/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance_files - gives the files of an instance a new generation after each run
 */
#include "agent/io/instance_files.h"

#include <assert.h>
#include <event2/event.h>

#include "agent/io/instance.h"
#include "agent/io/mounts/files_mark.h"
#include "agent/io/task.h"
#include "lib/api/names.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"

enum { FILES_PAUSE_FIRST_MS = 100, FILES_PAUSE_MAX_MS = 30000 };

_Static_assert(sizeof(struct rootfs_made) <= TASK_DATA_BYTES_MAX, "a result of a task");

static void instance_files_log(const struct instance *inst, enum log_level level, const char *event,
                               const struct err *err)
{
	char text[FILES_ID_BYTES];

	log_event(level, event, log_str("namespace", kube_namespace(inst->object)),
	          log_str("instance", kube_name(inst->object)),
	          log_str("generation", files_id_format(inst->files.recorded, text)),
	          log_str("error", err != NULL ? err->text : ""));
}

void instance_files_made(struct instance *inst, const struct rootfs_made *made)
{
	inst->files.recorded = made->files;
	inst->files.is_due = made->is_files_due;
	if (made->accepted[0] != '\0')
		instance_files_log(inst, LOG_WARN, "files.accepted", NULL);
}

void instance_files_handed(struct instance *inst)
{
	inst->files.is_due = true;
	pause_over(&inst->files.pause);
	(void)evtimer_del(inst->files.retry);
	instance_verify_stop(inst);
}

/* --- after a run --- */

static void instance_files_pause(struct instance *inst)
{
	static const struct pause_limit limit = {FILES_PAUSE_FIRST_MS, FILES_PAUSE_MAX_MS, 0};
	const struct timeval tv = clk_timeval(pause_next(&inst->files.pause, &limit, clk_now_ms()));

	(void)evtimer_add(inst->files.retry, &tv);
}

static void on_files_closed(void *arg, int rc, const void *data, const struct err *err)
{
	struct instance *inst = arg;

	(void)data;
	assert(inst->task != NULL && inst->handing == NULL);
	inst->task = NULL;
	if (rc == FILES_CLOSED) {
		inst->files.is_due = false;
		inst->files.is_unsettled = true;
		pause_over(&inst->files.pause);
	} else if (rc != FILES_IN_USE) {
		/* they stay open, and the next start finds what is wrong */
		inst->files.is_due = false;
		instance_files_log(inst, LOG_WARN, "files.not_closed", err);
	} else {
		instance_files_pause(inst);
	}
	instance_look_soon(inst);
}

static void instance_files_close(struct instance *inst)
{
	struct files_use use = instance_files_use(inst);
	const struct task_opts opts = {files_close, on_files_closed, &use, inst};
	struct err err;

	assert(inst->task == NULL && !instance_is_in_use(inst));
	if (task_start(inst->agent->base, &opts, &inst->task, &err) < 0)
		instance_files_pause(inst);
}

/* Another one's turn. */
static void instance_files_pass(struct agent *agent)
{
	struct instance *other;

	assert(agent->files_settling);
	agent->files_settling = false;
	LIST_FOREACH(other, &agent->instances, entry) {
		if (!other->files.is_unsettled || evtimer_pending(other->files.retry, NULL))
			continue;
		event_active(other->files.retry, EV_TIMEOUT, 0);
		return;
	}
}

static void on_files_settled(void *arg, int rc, const void *data, const struct err *err)
{
	struct instance *inst = arg;

	assert(inst->files.task != NULL && inst->agent->files_settling);
	inst->files.task = NULL;
	if (rc == 0) {
		inst->files.is_unsettled = false;
		pause_over(&inst->files.pause);
		inst->files.recorded = *(const struct files_id *)data;
		instance_files_log(inst, LOG_INFO, "files.closed", NULL);
		instance_report_later(inst);
		instance_verify_settled(inst);
	} else {
		instance_files_log(inst, LOG_WARN, "files.not_recorded", err);
		instance_files_pause(inst);
	}
	instance_files_pass(inst->agent);
	instance_look_soon(inst);
}

static void instance_files_settle(struct instance *inst)
{
	struct files_use use = instance_files_use(inst);
	const struct task_opts opts = {files_settle, on_files_settled, &use, inst};
	struct err err;

	if (inst->agent->files_settling || inst->files.task != NULL)
		return;
	if (task_start(inst->agent->base, &opts, &inst->files.task, &err) < 0)
		instance_files_pause(inst);
	else
		inst->agent->files_settling = true;
}

void instance_files_next(struct instance *inst)
{
	instance_verify_next(inst);
	if (inst->state != INSTANCE_READY || inst->root_fd < 0 || inst->task != NULL ||
	    inst->query != NULL || inst->files.task != NULL || kube_is_deleting(inst->object) ||
	    evtimer_pending(inst->files.retry, NULL))
		return;
	if (inst->files.is_unsettled)
		instance_files_settle(inst);
	else if (inst->files.is_due && !instance_is_in_use(inst))
		instance_files_close(inst);
}

static void on_files_retry(evutil_socket_t fd, short what, void *arg)
{
	struct instance *inst = arg;

	(void)fd;
	(void)what;
	/* whatever else it does by now: others wait behind it */
	if (inst->files.is_unsettled)
		instance_files_settle(inst);
	instance_look_soon(inst);
}

int instance_files_init(struct instance *inst, struct err *err)
{
	inst->files.retry = evtimer_new(inst->agent->base, on_files_retry, inst);
	inst->verify.result =
	        json_incref(json_at(inst->object, "status", "rootfs", "verified", NULL));
	if (inst->files.retry == NULL)
		return err_set(err, ERR_NOMEM, 0, "instance");
	return instance_verify_init(inst, err);
}

void instance_files_done(struct instance *inst)
{
	instance_verify_done(inst);
	if (inst->files.retry != NULL)
		event_free(inst->files.retry);
	if (inst->files.task == NULL)
		return;
	task_forget(inst->files.task);
	inst->files.task = NULL;
	instance_files_pass(inst->agent);
}
