/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance_status - the agent's part of the instance's status, written as it changes
 *
 * One patch is under way at a time; what changes meanwhile goes with the next, as it is then.
 */
#include "agent/io/instance.h"

#include <assert.h>
#include <event2/event.h>
#include <string.h>

#include "agent/io/consumer.h"
#include "lib/api/kinds.h"
#include "lib/base/log.h"
#include "lib/kube/client/client.h"
#include "lib/kube/client/object.h"

/* A state that is over in a moment is written after so long, when it is not over by then. */
enum { INSTANCE_STATUS_RETRY_MS = 300, INSTANCE_STATUS_LATER_MS = 500 };

static json_t *instance_rootfs_status(const struct instance *inst)
{
	static const char *const texts[INSTANCE_STATES_COUNT] = {
#define X(name, text) [INSTANCE_##name] = text,
	        INSTANCE_STATES(X)
#undef X
	};
	const struct rootfs_place p = instance_place(inst, NULL);
	const char *reset = instance_reset_digest(inst);
	const char *accepted = instance_files_accepted(inst);
	char files_text[FILES_ID_BYTES];
	const char *files = instance_files_text(inst, files_text);
	char path[PATH_MAX] = "";

	if (inst->prefix != NULL)
		(void)rootfs_dir(&p, path, NULL);
	return json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:s*, s:s*, s:s*, s:O*}", "state",
	                 texts[inst->state], "reason", inst->reason, "message",
	                 json_text(inst->message), "imageDigest", inst->digest, "hostPath", path,
	                 "providerPodUID", inst->provider_uid, "nodeName",
	                 inst->agent->config->node_name, "resetDigest",
	                 reset[0] != '\0' ? reset : NULL, "filesGeneration",
	                 files[0] != '\0' ? files : NULL, "acceptedFiles",
	                 accepted[0] != '\0' ? accepted : NULL, "verified", inst->verify.result);
}

/* The consumer that the status is about: the newest that has been seen. */
static const struct consumer *instance_newest_consumer(const struct instance *inst)
{
	const struct consumer *newest = NULL;
	const struct consumer *c;

	LIST_FOREACH(c, &inst->consumers, entry) {
		if (c->state != CONSUMER_ABSENT && (newest == NULL || c->start > newest->start))
			newest = c;
	}
	return newest;
}

/* Put @value where it differs from what the API has. */
static void instance_put(const struct instance *inst, json_t *status, const char *key,
                         json_t *value)
{
	const json_t *has = json_at(inst->object, "status", key, NULL);
	json_t *diff = has != NULL ? json_merge_diff(has, value) : json_incref(value);

	if (diff != NULL)
		(void)json_object_set_new(status, key, diff);
	json_decref(value);
}

static json_t *instance_status_patch(const struct instance *inst)
{
	const struct consumer *c = instance_newest_consumer(inst);
	json_t *status = json_object();

	instance_put(inst, status, "rootfs", instance_rootfs_status(inst));
	if (inst->image != NULL)
		instance_put(inst, status, "image", json_incref(inst->image));
	if (c != NULL)
		instance_put(inst, status, "consumer", consumer_status(c));
	if (json_object_size(status) == 0) {
		json_decref(status);
		return NULL;
	}
	/* a claim: as it was when it was looked at, or not at all */
	if (!instance_is_ours(inst))
		return json_pack("{s:{s:s}, s:o}", "metadata", "resourceVersion",
		                 kube_resource_version(inst->object), "status", status);
	return json_pack("{s:o}", "status", status);
}

static void instance_status_retry_later(struct instance *inst)
{
	const struct timeval tv = {0, INSTANCE_STATUS_RETRY_MS * 1000};

	inst->status_is_dirty = true;
	inst->status_has_failed = true;
	(void)evtimer_add(inst->status_retry, &tv);
}

static void agent_written(struct agent *agent)
{
	if (agent->on_written != NULL)
		agent->on_written(agent);
}

static void on_status_patched(void *arg, const struct kube_result *res)
{
	struct instance *inst = arg;
	struct agent *agent = inst->agent;
	bool dirty = inst->status_is_dirty;

	assert(inst->status_call != NULL);
	inst->status_call = NULL;
	if (res->err != NULL && res->err->code != ERR_NOT_FOUND) {
		log_event(res->err->code == ERR_CONFLICT ? LOG_DEBUG : LOG_WARN,
		          "status.patch_failed", log_str("instance", kube_name(inst->object)),
		          log_err(res->err));
		instance_status_retry_later(inst);
		return;
	}
	if (dirty)
		event_active(inst->status_retry, EV_TIMEOUT, 0);
	if (res->err == NULL)
		informer_learn(agent->instances_seen, res->body); /* which may free the instance */
	agent_written(agent);
}

static void instance_status_write(struct instance *inst)
{
	const struct kube_ref ref = {.type = &KUBE_STOPPABLECONTAINERINSTANCES,
	                             .ns = kube_namespace(inst->object),
	                             .name = kube_name(inst->object),
	                             .subresource = "status"};
	json_t *patch = instance_may_write(inst) ? instance_status_patch(inst) : NULL;

	assert(inst->status_call == NULL);
	inst->status_is_dirty = false;
	inst->status_has_failed = false;
	if (patch == NULL) {
		agent_written(inst->agent);
		return;
	}
	inst->status_call =
	        kube_patch_merge(inst->agent->kube, &ref, patch, on_status_patched, inst);
	json_decref(patch);
	if (inst->status_call == NULL)
		instance_status_retry_later(inst);
}

void on_instance_status_retry(evutil_socket_t fd, short what, void *arg)
{
	struct instance *inst = arg;

	(void)fd;
	(void)what;
	if (inst->status_call == NULL)
		instance_status_write(inst);
}

void instance_changed(struct instance *inst)
{
	if (inst->agent->on_change != NULL)
		inst->agent->on_change(inst->agent);
}

bool instance_is_unwritten(const struct instance *inst)
{
	return inst->status_call != NULL || inst->status_is_dirty || inst->files.is_unsettled;
}

void instance_report_now(struct instance *inst)
{
	if (inst->status_is_dirty && inst->status_call == NULL && !inst->status_has_failed)
		event_active(inst->status_retry, EV_TIMEOUT, 0);
}

void instance_report(struct instance *inst)
{
	instance_changed(inst);
	inst->status_is_dirty = true;
	/* at the end of this turn of the loop, so that what happens together is written together */
	instance_report_now(inst);
}

/*
 * A patch costs every program that watches some work, and the one that matters would wait for it:
 * on the way to Listening that is most of what comes after the hand-over.
 */
void instance_report_later(struct instance *inst)
{
	const struct timeval tv = {0, INSTANCE_STATUS_LATER_MS * 1000};

	if (inst->agent->finish_at != NULL) { /* there is no later */
		instance_report(inst);
		return;
	}
	instance_changed(inst);
	inst->status_is_dirty = true;
	if (inst->status_call == NULL && !evtimer_pending(inst->status_retry, NULL))
		(void)evtimer_add(inst->status_retry, &tv);
}
