/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan - the API calls that one container needs now
 */
#include "controller/core/plan.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "controller/core/defer.h"
#include "controller/core/making.h"
#include "controller/core/plan_service.h"
#include "lib/api/names.h"
#include "lib/kube/client/object.h"

/* A Pod that ended for good is replaced: the first time at once, then after a back-off. */
static void replace_ended(struct making *m, const json_t *pod, enum held what)
{
	const struct memory_attempt attempt = {what, m->f->generation, m->now->now_ms};
	char text[MEMORY_TEXT_BYTES];

	(void)snprintf(text, sizeof text, "Pod %s ended: %s %s", kube_name(pod),
	               json_str_at(pod, "", "status", "reason", NULL),
	               json_str_at(pod, "", "status", "message", NULL));
	if (!memory_is_doomed(m->memory, kube_uid(pod)))
		memory_hold_ended(m->memory, &attempt, text);
}

/* --- consumers --- */

static bool may_start(struct making *m)
{
	const struct facts *f = m->f;

	return f->running && f->instance != NULL && f->invalid == NULL && f->consumer == NULL &&
	       f->rootfs_usable && f->ended == NULL && pods_has_command(f->resource, f->image) &&
	       !making_is_held(m, HELD_CONSUMER);
}

static void start_consumer(struct making *m)
{
	const struct facts *f = m->f;
	char name[PODS_NAME_BYTES];
	struct pods_start start = {
	        .pod_name = name,
	        .count = f->start_count + 1,
	        .node = f->rootfs_node,
	};
	struct plan_action *a;

	if (f->plain_name_free)
		(void)snprintf(name, sizeof name, "%s", f->name);
	else
		(void)snprintf(name, sizeof name, "%s-%lld", f->name, (long long)start.count);
	a = making_add(m, PLAN_CREATE, PLAN_ON_POD, name,
	               pods_consumer(f->resource, f->instance, &start, &m->config->pods));
	a->held = HELD_CONSUMER;
	m->plan->start_count = start.count;
	m->starting = true;
}

static void do_consumers(struct making *m)
{
	const struct facts *f = m->f;

	if (f->ended != NULL && f->running)
		replace_ended(m, f->ended, HELD_CONSUMER);
	if (f->consumer != NULL && !f->running)
		making_delete(m, PLAN_ON_POD, f->consumer);
	for (size_t i = 0; i < f->surplus_count; i++)
		making_delete(m, PLAN_ON_POD, f->surplus[i]);
	if (may_start(m))
		start_consumer(m);
}

/* --- instance --- */

static json_t *instance_spec(const struct facts *f)
{
	const json_t *spec = json_at(f->resource->object, "spec", NULL);
	json_t *to =
	        json_pack("{s:s,s:b,s:O,s:O*,s:O*,s:O*,s:O*}", "stoppableContainerName", f->name,
	                  "running", f->running, "template", json_object_get(spec, "template"),
	                  "provider", json_object_get(spec, "provider"), "hostPathPrefix",
	                  json_object_get(spec, "hostPathPrefix"), "processOne",
	                  json_object_get(spec, "processOne"), "clearAtStart",
	                  json_object_get(spec, "clearAtStart"));

	if (f->resource->activation.port != 0)
		(void)json_object_set_new(to, "activationPort",
		                          json_integer(f->resource->activation.port));
	return to;
}

static void create_instance(struct making *m)
{
	const struct facts *f = m->f;
	json_t *meta =
	        pods_metadata(f->resource, f->name, NULL, m->seen->container, "StoppableContainer");

	(void)json_object_set_new(meta, "finalizers", json_pack("[s]", SC_FINALIZER_NODE));
	(void)making_add(m, PLAN_CREATE, PLAN_ON_INSTANCE, f->name,
	                 json_pack("{s:s,s:s,s:o,s:o}", "apiVersion", SC_API_VERSION, "kind",
	                           "StoppableContainerInstance", "metadata", meta, "spec",
	                           instance_spec(f)));
}

/*
 * Return: new reference, what has to change in the instance but its status; NULL: nothing
 *
 * With its first annotation an instance loses its managedFields (Kubernetes, "Server-Side Apply",
 * "Clearing managedFields"). From then on the API server tracks none, until somebody applies the
 * object. Tracking was two fifths of what a patch of it cost the API server, and nobody else writes
 * to it.
 */
static json_t *instance_patch(const struct facts *f)
{
	const char *image = facts_main_image(f);
	json_t *patch = json_object();
	json_t *wanted = instance_spec(f);
	json_t *diff = json_merge_diff(json_at(f->instance, "spec", NULL), wanted);

	json_decref(wanted);
	if (diff != NULL)
		(void)json_object_set_new(patch, "spec", diff);
	if (f->image_confirmed &&
	    strcmp(kube_annotation(f->instance, PODS_ANNOTATION_ROOTFS_IMAGE), image) != 0)
		(void)json_object_set_new(patch, "metadata",
		                          json_pack("{s:{s:s}, s:[{}]}", "annotations",
		                                    PODS_ANNOTATION_ROOTFS_IMAGE, image,
		                                    "managedFields"));
	if (json_object_size(patch) > 0)
		return patch;
	json_decref(patch);
	return NULL;
}

/* Lists are replaced whole by a merge patch, so the resourceVersion is a precondition. */
static void patch_finalizers(struct making *m, enum plan_on on, const json_t *object,
                             json_t *finalizers)
{
	making_patch(m, PLAN_PATCH, on, object,
	             json_pack("{s:{s:o,s:s}}", "metadata", "finalizers", finalizers,
	                       "resourceVersion", kube_resource_version(object)));
}

static void add_finalizer(struct making *m, enum plan_on on, const json_t *object,
                          const char *finalizer)
{
	json_t *all = json_deep_copy(json_at(object, "metadata", "finalizers", NULL));

	if (all == NULL)
		all = json_array();
	(void)json_array_append_new(all, json_string(finalizer));
	patch_finalizers(m, on, object, all);
}

static void remove_finalizer(struct making *m, enum plan_on on, const json_t *object,
                             const char *finalizer)
{
	json_t *kept = json_array();
	json_t *one;
	size_t i;

	json_array_foreach(json_at(object, "metadata", "finalizers", NULL), i, one) {
		if (strcmp(json_string_value(one), finalizer) != 0)
			(void)json_array_append(kept, one);
	}
	patch_finalizers(m, on, object, kept);
}

/*
 * No node has files of it: no node ever claimed it, or its agent wrote that they are removed, or
 * the user gives them up. An agent that claims it at this moment changes the resourceVersion, and
 * needs the one from before the deletion: so either its patch or ours succeeds.
 */
static bool has_no_files(const json_t *instance)
{
	const json_t *rootfs = json_at(instance, "status", "rootfs", NULL);

	return *json_str_at(rootfs, "", "nodeName", NULL) == '\0' ||
	       strcmp(json_str_at(rootfs, "", "state", NULL), "Removed") == 0 ||
	       strcmp(kube_annotation(instance, PLAN_ANNOTATION_ABANDON_ROOTFS), "true") == 0;
}

static void let_instance_go(struct making *m, const json_t *instance)
{
	if (kube_is_deleting(instance) && kube_has_finalizer(instance, SC_FINALIZER_NODE) &&
	    has_no_files(instance))
		remove_finalizer(m, PLAN_ON_INSTANCE, instance, SC_FINALIZER_NODE);
}

/*
 * An order (an annotation) is carried out once. Then it is removed, so that it does not hold for
 * files that are kept later.
 */
static void forget_order(struct making *m, const char *annotation, const char *done)
{
	const json_t *instance = m->f->instance;
	const char *order = kube_annotation(instance, annotation);

	if (*order != '\0' && strcmp(json_str_at(m->f->rootfs, "", done, NULL), order) == 0)
		making_patch(m, PLAN_PATCH, PLAN_ON_INSTANCE, instance,
		             json_pack("{s:{s:{s:n},s:s}}", "metadata", "annotations", annotation,
		                       "resourceVersion", kube_resource_version(instance)));
}

/* So that the agent of the node where the provider is can claim it. */
static void take_claim_away(struct making *m)
{
	making_patch(m, PLAN_PATCH_STATUS, PLAN_ON_INSTANCE, m->f->instance,
	             json_pack("{s:{s:n,s:n},s:{s:s}}", "status", "rootfs", "image", "metadata",
	                       "resourceVersion", kube_resource_version(m->f->instance)));
}

static void do_instance(struct making *m)
{
	const struct facts *f = m->f;

	if (f->claim == CLAIM_REFUSED)
		take_claim_away(m);
	let_instance_go(m, m->seen->instance);
	if (f->instance_deleting)
		return;
	if (f->deleting) {
		if (f->instance != NULL && f->pods_count == 0)
			making_delete(m, PLAN_ON_INSTANCE, f->instance);
		return;
	}
	if (!kube_has_finalizer(m->seen->container, SC_FINALIZER_CONTROLLER))
		add_finalizer(m, PLAN_ON_CONTAINER, m->seen->container, SC_FINALIZER_CONTROLLER);
	if (f->instance != NULL) {
		/* made by an older version, whose agents put it there themselves */
		if (!kube_has_finalizer(f->instance, SC_FINALIZER_NODE))
			add_finalizer(m, PLAN_ON_INSTANCE, f->instance, SC_FINALIZER_NODE);
		forget_order(m, SC_ANNOTATION_RESET, "resetDigest");
		forget_order(m, SC_ANNOTATION_ACCEPT, "acceptedFiles");
	}
	/*
	 * A template that is not supported has an instance all the same: the activators read there
	 * why held requests cannot be answered.
	 */
	if ((f->invalid != NULL && !f->is_unsupported) || f->instance_foreign)
		return;
	if (f->instance == NULL)
		create_instance(m);
	else
		m->patching = true;
}

/* --- provider --- */

static bool is_provider_outdated(const struct facts *f)
{
	char hash[PODS_HASH_BYTES];

	pods_provider_hash(f->resource, hash);
	return strcmp(kube_annotation(f->provider, SC_ANNOTATION_TEMPLATE_HASH), hash) != 0;
}

/* The image's layers vanished from the node after the agent had seen this provider. */
static bool is_image_gone(const struct facts *f)
{
	return strcmp(json_str_at(f->rootfs, "", "reason", NULL), "ImageGone") == 0 &&
	       strcmp(f->rootfs_state, "Failed") == 0 &&
	       strcmp(json_str_at(f->rootfs, "", "providerPodUID", NULL), kube_uid(f->provider)) ==
	               0;
}

static void create_provider(struct making *m)
{
	const struct facts *f = m->f;
	char name[PODS_NAME_BYTES];
	struct plan_action *a;

	(void)snprintf(name, sizeof name, "%s-provider", f->name);
	a = making_add(m, PLAN_CREATE, PLAN_ON_POD, name,
	               pods_provider(f->resource, f->instance, f->rootfs_node, &m->config->pods));
	a->held = HELD_PROVIDER;
}

static void do_provider(struct making *m)
{
	const struct facts *f = m->f;
	const struct memory_attempt attempt = {HELD_PROVIDER, f->generation, m->now->now_ms};

	if (f->provider != NULL && (f->deleting || f->instance_deleting)) {
		if (f->pods_count == 0)
			making_delete(m, PLAN_ON_POD, f->provider);
		return;
	}
	if (f->provider_old != NULL && !kube_is_deleting(f->provider_old)) {
		replace_ended(m, f->provider_old, HELD_PROVIDER);
		making_delete(m, PLAN_ON_POD, f->provider_old);
	}
	if (f->deleting || f->instance_deleting || f->instance == NULL || f->invalid != NULL)
		return;
	if (f->provider == NULL) {
		if (f->provider_old == NULL && !making_is_held(m, HELD_PROVIDER))
			create_provider(m);
		return;
	}
	if (is_image_gone(f)) { /* nothing is mounted then, and a consumer waits */
		memory_hold_ended(m->memory, &attempt, "the image's layers vanished from the node");
		making_delete(m, PLAN_ON_POD, f->provider);
	} else if (f->consumer == NULL && !m->starting && is_provider_outdated(f)) {
		/* a change of the provider is applied between two starts */
		making_delete(m, PLAN_ON_POD, f->provider);
	}
}

/* --- the end --- */

/* The last step of a deletion: all that is deleted before the container is gone. */
static void do_end(struct making *m)
{
	const struct facts *f = m->f;

	if (!f->deleting || f->instance != NULL || !plan_service_is_gone(m))
		return;
	if (kube_has_finalizer(m->seen->container, SC_FINALIZER_CONTROLLER))
		remove_finalizer(m, PLAN_ON_CONTAINER, m->seen->container, SC_FINALIZER_CONTROLLER);
}

/* --- status --- */

static enum plan_stage stage_of(const struct facts *f, const struct status *s)
{
	const char *state = json_str_at(f->consumer_status, "", "state", NULL);

	if (!f->running)
		return PLAN_STAGE_NONE;
	if (s->phase == PHASE_RUNNING)
		return PLAN_STAGE_RUNNING;
	if (strcmp(state, "Started") == 0)
		return PLAN_STAGE_STARTED;
	if (strcmp(state, "HandedOver") == 0)
		return PLAN_STAGE_HANDED_OVER;
	return f->consumer != NULL ? PLAN_STAGE_CREATED : PLAN_STAGE_WANTED;
}

/*
 * When the runtime cannot start a Pod the status says so at once. It is a failure when that lasts.
 */
static void look_for_trouble(struct making *m, enum held what, const json_t *pod)
{
	const char *uid = status_is_trouble(pod) ? kube_uid(pod) : "";

	memory_trouble(m->memory, what, uid, m->now->now_ms);
	if (*uid != '\0' && !memory_is_lasting(m->memory, what, uid, m->now->now_ms))
		making_look_again_at(m, m->memory->trouble[what].until_ms);
}

static void do_status(struct making *m)
{
	const struct facts *f = m->f;
	struct defer_patches t = {0};
	struct status s;
	const struct defer_view view = {f, &s, m->seen->container, m->now->now_ms};
	uint64_t until_ms;

	look_for_trouble(m, HELD_CONSUMER, f->consumer);
	look_for_trouble(m, HELD_PROVIDER, f->provider);
	status_judge(f, m->memory, m->now, m->starting, &s);
	m->plan->phase = s.phase;
	m->plan->stage = stage_of(f, &s);
	if (s.phase == PHASE_RUNNING)
		memory_release(m->memory, HELD_CONSUMER);
	if (m->patching)
		t.instance = instance_patch(f);
	if (f->instance != NULL)
		t.instance_status =
		        report_instance_patch(f, &s, m->plan->start_count, m->now->wall_ms);
	t.container_status = report_container_patch(f, &s, m->seen->container,
	                                            m->config->url_template, m->now->wall_ms);
	until_ms = defer_patches(&view, m->memory, &t);
	if (until_ms != 0)
		making_look_again_at(m, until_ms);
	if (t.container_status != NULL)
		m->plan->events_count = report_events(&s, m->seen->container, m->plan->events);
	making_patch(m, PLAN_PATCH, PLAN_ON_INSTANCE, f->instance, t.instance);
	making_patch(m, PLAN_PATCH_STATUS, PLAN_ON_INSTANCE, f->instance, t.instance_status);
	making_patch(m, PLAN_PATCH_STATUS, PLAN_ON_CONTAINER, m->seen->container,
	             t.container_status);
}

void plan_make(const struct observed *seen, struct memory *memory, const struct plan_config *config,
               const struct status_times *now, struct plan *ret_plan)
{
	struct err err = {0};
	struct resource *resource = NULL;
	struct facts f;
	struct making m = {seen, &f, memory, config, now, ret_plan, false, false};

	memset(ret_plan, 0, sizeof *ret_plan);
	memory_forget_gone(memory, seen->pods, seen->pods_count);
	if (seen->container == NULL) {
		/* the garbage collector deletes its objects; only a finalizer is ours to remove */
		let_instance_go(&m, seen->instance);
		return;
	}
	if (resource_parse(seen->container, &resource, &err) < 0)
		resource = NULL;
	facts_read(seen, memory, resource, err.text, &f);
	ret_plan->start_count = f.start_count;

	do_consumers(&m); /* first, since held requests wait for it */
	do_instance(&m);
	do_provider(&m);
	plan_service(&m);
	do_end(&m);
	if (!f.deleting || f.instance != NULL)
		do_status(&m);
	else
		ret_plan->phase = PHASE_STOPPING;
	resource_free(resource);
}

void plan_done(struct plan *p)
{
	for (size_t i = 0; i < p->actions_count; i++)
		json_decref(p->actions[i].body);
	p->actions_count = 0;
}

const char *plan_verb_name(enum plan_verb verb)
{
	static const char *const names[] = {"unset", "create", "patch", "patch-status", "delete"};

	assert(verb <= PLAN_DELETE);
	return names[verb];
}

const char *plan_on_name(enum plan_on on)
{
	static const char *const names[] = {"container", "instance", "pod", "service",
	                                    "endpointslice"};

	assert(on <= PLAN_ON_SLICE);
	return names[on];
}
