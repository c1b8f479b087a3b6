/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance_facts - what is known of an instance: read from its object, its Pods and its members
 *
 * Nothing here changes what is known; each other file about an instance may call it.
 */
#include "agent/io/instance.h"

#include <event2/event.h>
#include <string.h>

#include "agent/core/pod_view.h"
#include "agent/io/consumer.h"
#include "agent/io/mounts/files_mark.h"
#include "lib/api/names.h"
#include "lib/kube/client/object.h"
#include "lib/text/json_ref.h"

const char *instance_uid(const struct instance *inst)
{
	return kube_uid(inst->object);
}

const char *instance_node(const struct instance *inst)
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

bool instance_is_image_gone(const struct instance *inst)
{
	return inst->state == INSTANCE_FAILED && strcmp(inst->reason, "ImageGone") == 0;
}

DEFINE_CLEANUP(json_t *, json_decref);

struct provider_search {
	const json_t *instance;
	json_t *found; /* a reference of its own */
};

static bool instance_visit_pod(void *arg, const json_t *pod)
{
	struct provider_search *s = arg;

	if (!kube_is_deleting(pod) && pod_is_of(pod, s->instance, SC_ROLE_PROVIDER))
		s->found = json_incref(json_ref(pod));
	return s->found == NULL;
}

/* The provider Pod on this node, with its container running; or NULL. New reference */
json_t *instance_take_provider(const struct instance *inst)
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

/* --- the generation of its files --- */

static struct files_id instance_files_reported(const struct instance *inst)
{
	struct files_id id;

	if (files_id_parse(
	            json_str_at(inst->object, "", "status", "rootfs", "filesGeneration", NULL), &id,
	            NULL) < 0)
		return (struct files_id){0};
	return id;
}

struct files_known instance_files_known(const struct instance *inst)
{
	return (struct files_known){instance_files_reported(inst), inst->files.recorded,
	                            inst->digest[0] != '\0'};
}

const char *instance_files_text(const struct instance *inst, char text[FILES_ID_BYTES])
{
	struct files_id reported = instance_files_reported(inst);
	struct files_id recorded = inst->files.recorded;

	return files_id_format(recorded.number > reported.number ? recorded : reported, text);
}

/* Where the files are in order there is nothing left of an order. */
const char *instance_files_accepted(const struct instance *inst)
{
	if (inst->state != INSTANCE_READY || inst->root_fd < 0)
		return "";
	return kube_annotation(inst->object, SC_ANNOTATION_ACCEPT);
}

struct files_use instance_files_use(const struct instance *inst)
{
	return (struct files_use){instance_place(inst, NULL), instance_files_known(inst)};
}

void instance_files_want(const struct instance *inst, struct rootfs_wanted *w)
{
	w->files_reported = instance_files_reported(inst);
	w->was_made = inst->digest[0] != '\0';
	w->accept_order = kube_annotation(inst->object, SC_ANNOTATION_ACCEPT);
}

void instance_look_soon(struct instance *inst)
{
	event_active(inst->look, EV_TIMEOUT, 0);
}
