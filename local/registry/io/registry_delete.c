/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_delete - deletes: preconditions, grace period, finalizers, propagation
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/clk.h"
#include "lib/kube/client/object.h"
#include "local/registry/core/status.h"
#include "local/registry/io/registry_internal.h"

static int check_preconditions(const struct api_type *type, const json_t *object,
                               const struct registry_delete_opts *opts, struct registry_answer *ans)
{
	const char *revision = kube_resource_version(object);
	char why[256];

	if (opts->uid && strcmp(opts->uid, kube_uid(object)) != 0) {
		(void)snprintf(why, sizeof why,
		               "Precondition failed: UID in precondition: %.64s, UID in object "
		               "meta: %.64s",
		               opts->uid, kube_uid(object));
		return registry_refuse(ans, status_conflict(type, kube_name(object), why));
	}
	if (opts->resource_version && strcmp(opts->resource_version, revision) != 0) {
		(void)snprintf(why, sizeof why,
		               "Precondition failed: ResourceVersion in precondition: %.32s, "
		               "ResourceVersion in object meta: %.32s",
		               opts->resource_version, revision);
		return registry_refuse(ans, status_conflict(type, kube_name(object), why));
	}
	return 0;
}

static bool pod_has_ended(const json_t *pod)
{
	const char *phase = json_str_at(pod, "", "status", "phase", NULL);

	return strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
}

/*
 * How long the node may take. A bound Pod is removed by its runner, or at once when no grace is
 * asked for, as in Kubernetes: a process that cannot end keeps no name; its runner goes on ending
 * it.
 */
static int64_t grace_of(const struct registry *r, const struct api_type *type, const json_t *object,
                        const struct registry_delete_opts *opts)
{
	const char *node = json_str_at(object, "", "spec", "nodeName", NULL);
	int64_t grace = opts->grace_period_s;

	if (strcmp(type->kube.plural, "pods") != 0 || *node == 0)
		return 0;
	if (grace < 0)
		grace = json_int_at(object, 30, "spec", "terminationGracePeriodSeconds", NULL);
	if (r->node_name && strcmp(node, r->node_name) == 0)
		return grace >= 0 ? grace : 1;
	return pod_has_ended(object) ? 0 : grace;
}

static void add_finalizer(json_t *object, const char *finalizer)
{
	json_t *metadata = json_object_get(object, "metadata");
	json_t *list = json_object_get(metadata, "finalizers");

	if (kube_has_finalizer(object, finalizer))
		return;
	if (!json_is_array(list)) {
		list = json_array();
		(void)json_object_set_new(metadata, "finalizers", list);
	}
	(void)json_array_append_new(list, json_string(finalizer));
}

/* @changed: it is to be written also when it stays. */
static int write_deleted(struct registry *r, const struct registry_request *req,
                         struct registry_write *write, bool changed, struct registry_answer *ans)
{
	bool gone = rules_is_removable(req->type, write->object);

	ans->accepted = !gone;
	write->event = gone ? STORE_DELETED : STORE_MODIFIED;
	if (!req->dry_run && (gone || changed) && registry_commit(r, write, ans) < 0)
		return -1;
	json_decref(ans->body);
	ans->body = json_incref(write->object);
	return 0;
}

int registry_do_delete(struct registry *r, const struct registry_request *req,
                       const struct registry_delete_opts *opts, struct registry_answer *ans)
{
	struct registry_write write;
	json_t *old, *object;
	bool changed;
	int result;

	if (registry_load(r, req, req->name, ans) < 0 ||
	    check_preconditions(req->type, ans->body, opts, ans) < 0)
		return -1;
	old = json_incref(ans->body);
	object = json_deep_copy(old);
	write = (struct registry_write){.type = req->type, .old_object = old, .object = object};
	changed = rules_mark_deleted(object, grace_of(r, req->type, object, opts), clk_wall_ms());
	if (changed && opts->propagation == REGISTRY_FOREGROUND)
		add_finalizer(object, "foregroundDeletion");
	if (changed && opts->propagation == REGISTRY_ORPHAN)
		add_finalizer(object, "orphan");
	if (strcmp(req->type->kube.plural, "namespaces") == 0)
		(void)json_object_set_new(object, "status",
		                          json_pack("{s:s}", "phase", "Terminating"));
	result = write_deleted(r, req, &write, changed, ans);
	json_decref(object);
	json_decref(old);
	return result;
}

int registry_remove_pod(struct registry *r, const char *ns, const char *name, const char *uid,
                        struct err *err)
{
	struct registry_request req = {
	        .type = api_types_find(&r->types, "", "v1", "pods"),
	        .ns = ns,
	        .name = name,
	};
	struct registry_answer ans;
	struct registry_write write;
	json_t *old, *object;
	int result;

	registry_answer_init(&ans);
	result = registry_load(r, &req, name, &ans);
	if (result == 0 && strcmp(kube_uid(ans.body), uid) != 0)
		result = registry_refuse(&ans, status_not_found(req.type, name));
	if (result == 0) {
		old = json_incref(ans.body);
		object = json_deep_copy(old);
		(void)rules_mark_deleted(object, 0, clk_wall_ms());
		write = (struct registry_write){
		        .type = req.type, .old_object = old, .object = object};
		result = write_deleted(r, &req, &write, !rules_same(old, object), &ans);
		json_decref(object);
		json_decref(old);
	}
	if (result < 0)
		status_to_err(ans.body, err);
	registry_answer_done(&ans);
	return result;
}
