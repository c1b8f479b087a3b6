/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance - the steps from a new instance to a mounted root filesystem, and to its removal
 */
#include "agent/io/instance.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "agent/core/pod_view.h"
#include "agent/core/rootfs_plan.h"
#include "agent/io/consumer.h"
#include "agent/io/image/image_source.h"
#include "agent/io/task.h"
#include "lib/api/instance.h"
#include "lib/api/names.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/http/metrics.h"
#include "lib/kube/client/client.h"
#include "lib/kube/client/object.h"

enum { INSTANCE_PAUSE_FIRST_MS = 500, INSTANCE_PAUSE_MAX_MS = 60000 };

DEFINE_CLEANUP(json_t *, json_decref);

const char *instance_uid(const struct instance *inst)
{
	return kube_uid(inst->object);
}

static const char *instance_node(const struct instance *inst)
{
	return json_str_at(inst->object, "", "status", "rootfs", "nodeName", NULL);
}

bool instance_is_ours(const struct instance *inst)
{
	return strcmp(instance_node(inst), inst->agent->config->node_name) == 0;
}

struct rootfs_place instance_place(const struct instance *inst, const struct consumer *except)
{
	const struct agent_config *config = inst->agent->config;
	struct rootfs_place p = {.prefix = inst->prefix,
	                         .ns = kube_namespace(inst->object),
	                         .name = kube_name(inst->object),
	                         .uid = instance_uid(inst),
	                         .staging_dir = config->staging_dir,
	                         .layer_root = config->layer_root,
	                         .runtime_root = config->runtime_root,
	                         .cgroup_roots = config->cgroup_roots};
	const char *recalled = inst->recalled_pod;
	const struct consumer *c;
	size_t count = 0;

	LIST_FOREACH(c, &inst->consumers, entry) {
		if (strcmp(c->pod_uid, inst->recalled_pod) == 0)
			recalled = NULL;
		if (c != except && count < ROOTFS_SIBLINGS_MAX)
			p.consumer_pods[count++] = c->pod_uid;
	}
	if (recalled != NULL && recalled[0] != '\0' && count < ROOTFS_SIBLINGS_MAX)
		p.consumer_pods[count++] = recalled;
	return p;
}

static void instance_log(const struct instance *inst, enum log_level level, const char *event)
{
	log_event(level, event, log_str("namespace", kube_namespace(inst->object)),
	          log_str("instance", kube_name(inst->object)), log_str("reason", inst->reason),
	          log_str("message", inst->message), log_str("digest", inst->digest));
}

/* --- the steps --- */

void instance_unmount(struct instance *inst)
{
	const struct rootfs_place p = instance_place(inst, NULL);
	char target[PATH_MAX];

	if (inst->root_fd >= 0)
		(void)close(inst->root_fd);
	inst->root_fd = -1;
	if (rootfs_target(&p, target, NULL) < 0)
		return;
	if (umount2(target, MNT_DETACH) == 0)
		(void)rmdir(target);
}

static void instance_pause(struct instance *inst)
{
	static const struct pause_limit limit = {INSTANCE_PAUSE_FIRST_MS, INSTANCE_PAUSE_MAX_MS, 0};
	const struct timeval tv = clk_timeval(pause_next(&inst->pause, &limit, clk_now_ms()));

	(void)evtimer_add(inst->retry, &tv);
}

static void on_instance_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	instance_reconcile(arg);
}

bool instance_is_image_gone(const struct instance *inst)
{
	return inst->state == INSTANCE_FAILED && strcmp(inst->reason, "ImageGone") == 0;
}

void instance_fail(struct instance *inst, const char *reason, const char *message)
{
	struct consumer *c;

	inst->state = INSTANCE_FAILED;
	(void)snprintf(inst->reason, sizeof inst->reason, "%s", reason);
	(void)snprintf(inst->message, sizeof inst->message, "%s", message);
	instance_log(inst, LOG_WARN, "rootfs.failed");
	if (strncmp(reason, "Files", 5) == 0)
		metric_add(inst->agent->files_refused, &reason, 1);
	LIST_FOREACH(c, &inst->consumers, entry) {
		/* an image that is gone is pulled again: that is worth waiting for */
		if (c->state == CONSUMER_WAITING && !instance_is_image_gone(inst))
			consumer_refuse(c, reason, message);
	}
	instance_pause(inst);
	instance_report(inst);
}

void instance_refuse_files(struct instance *inst, const char *reason, const char *message)
{
	instance_unmount(inst);
	instance_fail(inst, reason, message);
}

static void instance_ready(struct instance *inst, const struct rootfs_made *made)
{
	const struct rootfs_place p = instance_place(inst, NULL);
	char target[PATH_MAX];
	struct err err;

	if (rootfs_target(&p, target, &err) == 0)
		inst->root_fd = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (inst->root_fd < 0) {
		instance_fail(inst, "MountFailed", "the mount is not there");
		return;
	}
	inst->state = INSTANCE_READY;
	inst->reason[0] = '\0';
	inst->message[0] = '\0';
	pause_over(&inst->pause);
	memcpy(inst->digest, made->digest, sizeof inst->digest);
	instance_files_made(inst, made);
	instance_log(inst, LOG_INFO, "rootfs.ready");
	instance_report(inst);
}

static void instance_provider_is_seen(struct instance *inst)
{
	memcpy(inst->provider_uid, inst->provider_asked, sizeof inst->provider_uid);
	memcpy(inst->provider_container, inst->container_asked, sizeof inst->provider_container);
}

static void on_made_by_provider(void *arg, int rc, const void *data, const struct err *err)
{
	struct instance *inst = arg;
	const struct rootfs_made *made = data;

	inst->task = NULL;
	instance_provider_is_seen(inst);
	if (rc < 0) {
		instance_fail(inst, made->reason[0] ? made->reason : "MountFailed", err->text);
	} else {
		json_decref(inst->image);
		inst->image = TAKE_PTR(inst->image_asked);
		image_status_user(inst->image, &made->user);
		instance_ready(inst, made);
	}
	instance_reconcile(inst);
	instance_dropped_made(inst, made);
}

static void on_made_by_record(void *arg, int rc, const void *data, const struct err *err)
{
	struct instance *inst = arg;
	const struct rootfs_made *made = data;

	inst->task = NULL;
	inst->record_may_pass = rc < 0 && rootfs_may_pass(made->reason);
	if (rc == 0)
		instance_ready(inst, made);
	else if (strcmp(made->reason, "ImageGone") != 0)
		instance_fail(inst, made->reason[0] ? made->reason : "MountFailed", err->text);
	else if (inst->state != INSTANCE_FAILED) /* a provider brings the layers back */
		instance_fail(inst, "ImageGone", err->text);
	instance_reconcile(inst);
	instance_dropped_made(inst, made);
}

static void instance_make(struct instance *inst, bool by_provider)
{
	const char *mount_points[POD_MOUNT_POINTS_MAX + 1];
	struct rootfs_wanted w = {
	        .place = instance_place(inst, NULL),
	        .provider_pod = by_provider ? inst->provider_asked : NULL,
	        .provider_container = inst->container_asked,
	        .image_digest = inst->digest_asked,
	        .image_user = inst->user_asked,
	        .reset_digest = kube_annotation(inst->object, SC_ANNOTATION_RESET),
	        .mount_points = mount_points,
	};
	const struct task_opts opts = {
	        rootfs_make, by_provider ? on_made_by_provider : on_made_by_record, &w, inst};
	struct err err;

	instance_mount_points(inst->object, mount_points);
	instance_files_want(inst, &w);
	instance_unmount(inst);
	if (task_start(inst->agent->base, &opts, &inst->task, &err) < 0) {
		inst->record_may_pass = !by_provider;
		instance_fail(inst, "MountFailed", err.text);
	}
}

/* The overlay is of that image, and its layers are still there: not collected and unpacked anew. */
static bool instance_has_image(const struct instance *inst, const char *digest)
{
	const struct rootfs_place p = instance_place(inst, NULL);

	return inst->root_fd >= 0 && strcmp(inst->digest, digest) == 0 && rootfs_has_layers(&p);
}

static void on_instance_image(void *arg, const struct image_answer *answer, const struct err *err)
{
	struct instance *inst = arg;
	const json_t *run_as = instance_run_as(inst->object);

	inst->query = NULL;
	if (answer == NULL) {
		instance_provider_is_seen(inst);
		instance_fail(inst, "MountFailed", err->text);
		instance_reconcile(inst);
		return;
	}
	json_decref(inst->image_asked);
	inst->image_asked = image_status(answer->config, run_as);
	(void)snprintf(inst->digest_asked, sizeof inst->digest_asked, "%s", answer->digest);
	(void)image_user(answer->config, run_as, inst->user_asked);
	if (instance_has_image(inst, answer->digest) &&
	    image_status_is_whole(inst->image, run_as)) {
		/* the same image in a new container: nothing to do, and no consumer notices */
		instance_provider_is_seen(inst);
		inst->state = INSTANCE_READY;
		instance_report(inst);
		instance_reconcile(inst);
		return;
	}
	instance_make(inst, true);
}

static json_t *instance_take_provider(const struct instance *inst);

static void instance_make_by_provider(struct instance *inst)
{
	CLEANUP(json_decref_var) json_t *provider = instance_take_provider(inst);
	const struct image_question question = {pod_container_id(provider), on_instance_image,
	                                        inst};
	struct err err;

	(void)snprintf(inst->provider_asked, sizeof inst->provider_asked, "%s", kube_uid(provider));
	(void)snprintf(inst->container_asked, sizeof inst->container_asked, "%s",
	               question.container_id);
	/* its image decides from now on: what a record says of an older one is not mounted again */
	inst->record_is_tried = true;
	inst->record_may_pass = false;
	if (image_query_start(inst->agent->images, &question, &inst->query, &err) < 0)
		instance_fail(inst, "MountFailed", err.text);
}

/* The controller takes the finalizer away when it reads this. */
static void instance_removed(struct instance *inst)
{
	inst->state = INSTANCE_REMOVED;
	inst->reason[0] = '\0';
	inst->message[0] = '\0';
	instance_log(inst, LOG_INFO, "rootfs.removed");
	instance_report(inst);
}

static void on_instance_removed(void *arg, int rc, const void *data, const struct err *err)
{
	struct instance *inst = arg;

	(void)data;
	inst->task = NULL;
	if (rc == 0) {
		instance_removed(inst);
	} else {
		if (rc < 0)
			log_event(LOG_WARN, "rootfs.remove_failed",
			          log_str("instance", kube_name(inst->object)), log_err(err));
		instance_pause(inst);
	}
	instance_reconcile(inst);
}

static void instance_remove(struct instance *inst)
{
	struct rootfs_place place = instance_place(inst, NULL);
	const struct task_opts opts = {rootfs_remove, on_instance_removed, &place, inst};
	struct err err;

	if (inst->prefix == NULL) { /* nothing was ever made there */
		instance_removed(inst);
		return;
	}
	instance_verify_stop(inst);
	instance_dropped_stop(inst);
	if (inst->root_fd >= 0)
		(void)close(inst->root_fd);
	inst->root_fd = -1;
	if (task_start(inst->agent->base, &opts, &inst->task, &err) < 0)
		instance_pause(inst);
}

/* --- what to do --- */

struct provider_search {
	const json_t *instance;
	json_t *found; /* a reference of its own */
};

static bool instance_visit_pod(void *arg, const json_t *pod)
{
	struct provider_search *s = arg;

	if (!kube_is_deleting(pod) && pod_is_of(pod, s->instance, SC_ROLE_PROVIDER))
		s->found = json_incref((json_t *)(uintptr_t)pod);
	return s->found == NULL;
}

/* The provider Pod on this node, with its container running; or NULL. New reference */
static json_t *instance_take_provider(const struct instance *inst)
{
	struct provider_search s = {inst->object, NULL};

	informer_foreach_indexed(inst->agent->pods_seen, instance_uid(inst), instance_visit_pod,
	                         &s);
	if (s.found != NULL && pod_container_id(s.found)[0] != '\0')
		return s.found;
	json_decref(s.found);
	return NULL;
}

bool instance_is_in_use(const struct instance *inst)
{
	const struct consumer *c;

	LIST_FOREACH(c, &inst->consumers, entry) {
		if (consumer_is_alive(c))
			return true;
	}
	return inst->handing != NULL;
}

static struct rootfs_facts instance_facts(const struct instance *inst)
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
	        .was_ready = inst->image != NULL && (!inst->record_is_tried ||
	                                             (inst->record_may_pass && provider == NULL)),
	        .is_order_untold = strcmp(instance_reset_digest(inst),
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

const char *instance_reset_digest(const struct instance *inst)
{
	CLEANUP(json_decref_var) json_t *provider = instance_take_provider(inst);
	const char *order = kube_annotation(inst->object, SC_ANNOTATION_RESET);

	/* before its provider was looked at, it may be meant for what comes */
	if (inst->root_fd < 0 || provider == NULL ||
	    strcmp(kube_uid(provider), inst->provider_uid) != 0)
		return "";
	return strcmp(order, inst->digest) == 0 ? order : "";
}

bool instance_may_write(const struct instance *inst)
{
	if (instance_node(inst)[0] != '\0')
		return instance_is_ours(inst);
	return !kube_is_deleting(inst->object) &&
	       kube_has_finalizer(inst->object, SC_FINALIZER_NODE);
}

static void instance_fail_prefix(struct instance *inst)
{
	char text[sizeof inst->message] = "";

	instance_prefix_refusal(inst, text, sizeof text);
	instance_fail(inst, "PrefixNotAllowed", text);
}

void instance_reconcile(struct instance *inst)
{
	const struct rootfs_facts facts = instance_facts(inst);
	enum rootfs_step step = rootfs_plan(&facts);

	if (facts.is_deleting)
		instance_refuse_waiting(inst, "HandoverFailed", "the resource is being deleted");
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
		inst->record_is_tried = true;
		instance_make(inst, false);
		break;
	case ROOTFS_MAKE_BY_PROVIDER:
		instance_make_by_provider(inst);
		break;
	case ROOTFS_REMOVE:
		instance_remove(inst);
		break;
	case ROOTFS_TELL_ORDER:
		instance_report(inst);
		instance_hand_next(inst);
		break;
	case ROOTFS_NONE:
		instance_hand_next(inst);
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

/* An agent that started anew knows from the API what it said before. */
static void instance_recall(struct instance *inst)
{
	const json_t *status = json_object_get(inst->object, "status");
	const json_t *rootfs = json_object_get(status, "rootfs");

	if (!instance_is_ours(inst))
		return;
	inst->image = json_incref(json_object_get(status, "image"));
	/* said so until it is known better: an agent's restart is nothing that users see */
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
	inst->root_fd = -1;
	inst->retry = evtimer_new(agent->base, on_instance_timer, inst);
	inst->hand_retry = evtimer_new(agent->base, on_instance_hand_retry, inst);
	inst->status_retry = evtimer_new(agent->base, on_instance_status_retry, inst);
	LIST_INSERT_HEAD(&agent->instances, inst, entry);
	if (inst->retry == NULL || inst->hand_retry == NULL || inst->status_retry == NULL ||
	    instance_dropped_init(inst, err) < 0 || instance_files_init(inst, err) < 0) {
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
	struct event *const events[] = {inst->retry, inst->hand_retry, inst->status_retry};

	while (!LIST_EMPTY(&inst->consumers))
		consumer_free(LIST_FIRST(&inst->consumers));
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
