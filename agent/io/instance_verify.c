/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance_verify - lists the files of an instance that sleeps, and compares them on request
 */
#include "agent/io/instance_verify.h"

#include <assert.h>
#include <event2/event.h>
#include <string.h>

#include "agent/io/instance.h"
#include "agent/io/mounts/files_list.h"
#include "agent/io/task.h"
#include "lib/api/names.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"

/* Asleep for so long; and between looks whether it is this one's turn. */
enum { VERIFY_QUIET_MS = 10000, VERIFY_TURN_MS = 1000 };

_Static_assert(sizeof(struct files_verified) <= TASK_DATA_BYTES_MAX, "a result of a task");

/* --- the list --- */

static void verify_list_in(struct instance *inst, uint64_t ms)
{
	const struct timeval tv = clk_timeval(ms);

	(void)evtimer_add(inst->verify.list_at, &tv);
}

void instance_verify_settled(struct instance *inst)
{
	verify_list_in(inst, VERIFY_QUIET_MS);
}

void instance_verify_stop(struct instance *inst)
{
	(void)evtimer_del(inst->verify.list_at);
	if (inst->verify.lister == NULL)
		return;
	assert(inst->agent->files_listing);
	task_end(inst->verify.lister);
	inst->verify.lister = NULL;
	inst->agent->files_listing = false;
}

static void on_verify_listed(void *arg, int rc, const void *data, const struct err *err)
{
	struct instance *inst = arg;
	const struct files_listed *listed = data;

	assert(inst->verify.lister != NULL && inst->agent->files_listing);
	inst->verify.lister = NULL;
	inst->agent->files_listing = false;
	log_event(rc < 0 ? LOG_WARN : LOG_INFO, "files.listed",
	          log_str("namespace", kube_namespace(inst->object)),
	          log_str("instance", kube_name(inst->object)), log_u64("files", listed->files),
	          log_str("error", rc < 0                ? err->text
	                           : listed->is_too_many ? "too many files for a list"
	                                                 : ""));
}

static void on_verify_list(evutil_socket_t fd, short what, void *arg)
{
	struct instance *inst = arg;
	struct files_use use = instance_files_use(inst);
	const struct task_opts opts = {files_list_make, on_verify_listed, &use, inst};

	(void)fd;
	(void)what;
	if (inst->state != INSTANCE_READY || inst->files.is_due || inst->handing != NULL ||
	    kube_is_deleting(inst->object))
		return;
	if (inst->agent->files_listing)
		verify_list_in(inst, VERIFY_TURN_MS);
	else if (task_start(inst->agent->base, &opts, &inst->verify.lister, NULL) == 0)
		inst->agent->files_listing = true;
}

/* --- the comparison --- */

static void verify_tell(struct instance *inst, const struct files_verified *v)
{
	char generation[FILES_ID_BYTES];

	json_decref(inst->verify.result);
	inst->verify.result =
	        json_pack("{s:s, s:s, s:s, s:I, s:I, s:o}", "order", inst->verify.order, "result",
	                  files_result_text(v->result), "generation",
	                  files_id_format(v->generation, generation), "files", (json_int_t)v->files,
	                  "differences", (json_int_t)v->differences, "message", json_text(v->text));
	log_event(LOG_INFO, "files.verified", log_str("namespace", kube_namespace(inst->object)),
	          log_str("instance", kube_name(inst->object)),
	          log_str("result", files_result_text(v->result)), log_u64("files", v->files),
	          log_u64("differences", v->differences));
	instance_report(inst);
}

static void on_verified(void *arg, int rc, const void *data, const struct err *err)
{
	struct instance *inst = arg;
	struct files_verified failed = {.result = FILES_RESULT_FAILED};

	inst->verify.verifier = NULL;
	if (rc < 0)
		(void)snprintf(failed.text, sizeof failed.text, "%s", err->text);
	verify_tell(inst, rc < 0 ? &failed : data);
	instance_look_soon(inst);
}

void instance_verify_next(struct instance *inst)
{
	const char *order = kube_annotation(inst->object, SC_ANNOTATION_VERIFY);
	struct files_use use = instance_files_use(inst);
	const struct task_opts opts = {files_verify, on_verified, &use, inst};
	const struct files_verified used = {.result = FILES_RESULT_IN_USE};
	struct err err;

	if (order[0] == '\0' || strlen(order) >= sizeof inst->verify.order ||
	    strcmp(order, json_str_at(inst->verify.result, "", "order", NULL)) == 0 ||
	    inst->verify.verifier != NULL || inst->task != NULL || !instance_is_ours(inst) ||
	    inst->prefix == NULL || kube_is_deleting(inst->object))
		return;
	if (instance_is_in_use(inst)) {
		(void)snprintf(inst->verify.order, sizeof inst->verify.order, "%s", order);
		verify_tell(inst, &used);
		return;
	}
	/* they are being closed: that comes here again */
	if (inst->state == INSTANCE_READY && inst->files.is_due)
		return;
	(void)snprintf(inst->verify.order, sizeof inst->verify.order, "%s", order);
	assert(inst->verify.verifier == NULL);
	if (task_start(inst->agent->base, &opts, &inst->verify.verifier, &err) < 0)
		on_verified(inst, -1, NULL, &err);
}

int instance_verify_init(struct instance *inst, struct err *err)
{
	inst->verify.list_at = evtimer_new(inst->agent->base, on_verify_list, inst);
	return inst->verify.list_at != NULL ? 0 : err_set(err, ERR_NOMEM, 0, "instance");
}

void instance_verify_done(struct instance *inst)
{
	if (inst->verify.list_at != NULL) {
		instance_verify_stop(inst);
		event_free(inst->verify.list_at);
	}
	task_forget(inst->verify.verifier);
	json_decref(inst->verify.result);
}
