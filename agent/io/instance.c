/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance - the life of an instance on this node: it is looked at, and the planned step begins
 */
#include "agent/io/instance.h"

#include <assert.h>
#include <event2/event.h>
#include <string.h>

#include "agent/core/pod_view.h"
#include "agent/core/rootfs_plan.h"
#include "agent/io/consumer.h"
#include "agent/io/hand.h"
#include "agent/io/image/image_source.h"
#include "agent/io/task.h"
#include "lib/api/names.h"
#include "lib/kube/client/client.h"
#include "lib/kube/client/object.h"
#include "lib/text/json_ref.h"

DEFINE_CLEANUP(json_t *, json_decref);

/* A pause is over, or something of it has changed. */
static void on_instance_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	instance_reconcile(arg);
}

static struct rootfs_facts instance_rootfs_facts(const struct instance *inst)
{
	CLEANUP(json_decref_var) json_t *provider = instance_take_provider(inst);

	return (struct rootfs_facts){
	        .is_busy = inst->task != NULL || inst->query != NULL || inst->handing != NULL ||
	                   inst->files.task != NULL,
	        .is_ours = instance_is_ours(inst),
	        .is_claimed = instance_node(inst)[0] != '\0',
	        .has_finalizer = kube_has_finalizer(inst->object, SC_FINALIZER_NODE),
	        .is_deleting = kube_is_deleting(inst->object),
	        .is_removed = inst->state == INSTANCE_REMOVED,
	        .is_in_use = instance_is_in_use(inst),
	        .is_mounted = inst->root_fd >= 0,
	        .is_paused = evtimer_pending(inst->retry, NULL) != 0,
	        .was_ready =
	                inst->image != NULL && (!inst->record_is_tried ||
	                                        (inst->record_failed_for_now && provider == NULL)),
	        .is_order_unreported = strcmp(instance_reset_digest(inst),
	                                      json_str_at(inst->object, "", "status", "rootfs",
	                                                  "resetDigest", NULL)) != 0 ||
	                               strcmp(instance_files_accepted(inst),
	                                      json_str_at(inst->object, "", "status", "rootfs",
	                                                  "acceptedFiles", NULL)) != 0,
	        .is_image_gone = instance_is_image_gone(inst),
	        .provider_runs = provider != NULL,
	        .provider_is_seen =
	                provider != NULL && strcmp(kube_uid(provider), inst->provider_uid) == 0 &&
	                strcmp(pod_container_id(provider), inst->provider_container) == 0 &&
	                image_status_is_whole(inst->image, instance_run_as(inst->object)),
	};
}

static void instance_fail_prefix(struct instance *inst)
{
	char text[sizeof inst->message] = "";

	instance_prefix_refusal(inst, text, sizeof text);
	instance_fail(inst, "PrefixNotAllowed", text);
}

void instance_reconcile(struct instance *inst)
{
	const struct rootfs_facts facts = instance_rootfs_facts(inst);
	enum rootfs_step step = rootfs_plan(&facts);

	if (facts.is_deleting) /* whatever is under way: nobody need wait any more */
		hand_next(inst);
	if (inst->prefix == NULL && (step == ROOTFS_CLAIM || step == ROOTFS_MAKE_BY_RECORD ||
	                             step == ROOTFS_MAKE_BY_PROVIDER)) {
		instance_fail_prefix(inst);
		return;
	}
	switch (step) {
	case ROOTFS_CLAIM:
		instance_report(inst);
		break;
	case ROOTFS_MAKE_BY_RECORD:
		instance_make_by_record(inst);
		break;
	case ROOTFS_MAKE_BY_PROVIDER:
		instance_make_by_provider(inst);
		break;
	case ROOTFS_REMOVE:
		instance_remove(inst);
		break;
	case ROOTFS_REPORT_ORDER:
		instance_report(inst);
		hand_next(inst);
		break;
	case ROOTFS_NONE:
		hand_next(inst);
		instance_files_next(inst);
		break;
	}
}

/* --- life --- */

void instance_set_object(struct instance *inst, const json_t *object)
{
	json_t *old = inst->object;

	inst->object = json_incref((json_t *)object);
	if (inst->prefix == NULL)
		inst->prefix = instance_find_prefix(inst);
	/* another template, another order: what failed may do now */
	if (old != NULL && (kube_generation(old) != kube_generation(object) ||
	                    strcmp(kube_annotation(old, SC_ANNOTATION_RESET),
	                           kube_annotation(object, SC_ANNOTATION_RESET)) != 0 ||
	                    strcmp(kube_annotation(old, SC_ANNOTATION_ACCEPT),
	                           kube_annotation(object, SC_ANNOTATION_ACCEPT)) != 0)) {
		(void)evtimer_del(inst->retry);
		pause_over(&inst->pause);
	}
	json_decref(old);
}

/* An agent that started anew knows from the status what the one before it knew. */
static void instance_recall(struct instance *inst)
{
	const json_t *status = json_object_get(inst->object, "status");
	const json_t *rootfs = json_object_get(status, "rootfs");

	if (!instance_is_ours(inst))
		return;
	inst->image = json_incref(json_object_get(status, "image"));
	/* it stays so until more is known: users do not see that an agent started anew */
	if (strcmp(json_str_at(rootfs, "", "state", NULL), "Removed") == 0)
		inst->state = INSTANCE_REMOVED;
	else if (strcmp(json_str_at(rootfs, "", "state", NULL), "Ready") == 0)
		inst->state = INSTANCE_READY;
	else /* refused for what a provider has shown: it has to be asked again */
		inst->record_is_tried = true;
	(void)snprintf(inst->digest, sizeof inst->digest, "%s",
	               json_str_at(rootfs, "", "imageDigest", NULL));
	(void)snprintf(inst->provider_uid, sizeof inst->provider_uid, "%s",
	               json_str_at(rootfs, "", "providerPodUID", NULL));
	(void)snprintf(inst->recalled_pod, sizeof inst->recalled_pod, "%s",
	               json_str_at(status, "", "consumer", "podUID", NULL));
}

int instance_new(struct agent *agent, const json_t *object, struct instance **ret_instance,
                 struct err *err)
{
	struct instance *inst = calloc(1, sizeof *inst);

	if (inst == NULL)
		return err_set(err, ERR_NOMEM, 0, "instance");
	inst->agent = agent;
	inst->state = INSTANCE_NEW;
	inst->root_fd = -1;
	inst->look = event_new(agent->base, -1, 0, on_instance_timer, inst);
	inst->retry = evtimer_new(agent->base, on_instance_timer, inst);
	inst->hand_retry = evtimer_new(agent->base, on_hand_retry, inst);
	inst->status_retry = evtimer_new(agent->base, on_instance_status_retry, inst);
	LIST_INSERT_HEAD(&agent->instances, inst, entry);
	if (inst->look == NULL || inst->retry == NULL || inst->hand_retry == NULL ||
	    inst->status_retry == NULL || instance_dropped_init(inst, err) < 0 ||
	    instance_files_init(inst, err) < 0) {
		instance_free(inst);
		return err_set(err, ERR_NOMEM, 0, "instance");
	}
	instance_set_object(inst, object);
	instance_recall(inst);
	*ret_instance = inst;
	return 0;
}

void instance_free(struct instance *inst)
{
	struct event *const events[] = {inst->look, inst->retry, inst->hand_retry,
	                                inst->status_retry};

	while (!LIST_EMPTY(&inst->consumers))
		consumer_free(LIST_FIRST(&inst->consumers));
	assert(inst->handing == NULL);
	image_query_cancel(inst->query);
	task_forget(inst->task);
	instance_dropped_done(inst);
	instance_files_done(inst);
	if (inst->status_call != NULL)
		kube_cancel(inst->status_call);
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		if (events[i] != NULL)
			event_free(events[i]);
	}
	if (inst->prefix != NULL)
		instance_unmount(inst);
	json_decref(inst->image);
	json_decref(inst->image_asked);
	json_decref(inst->object);
	LIST_REMOVE(inst, entry);
	free(inst);
}
