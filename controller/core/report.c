/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report - writes a status as merge patches of the controller's own fields, and as Events
 */
#include "controller/core/report.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/kube/client/object.h"
#include "lib/text/json_ref.h"

DEFINE_CLEANUP(json_t *, json_decref);

static const char *const container_fields[] = {"phase",
                                               "conditions",
                                               "instanceName",
                                               "providerPodName",
                                               "hostPath",
                                               "consumerPodName",
                                               "nodeName",
                                               "lastTermination",
                                               "activation",
                                               "observedGeneration",
                                               NULL};
static const char *const instance_fields[] = {"phase",
                                              "conditions",
                                              "message",
                                              "observedGeneration",
                                              "startCount",
                                              "nodeName",
                                              "hostPath",
                                              "containerGeneration",
                                              "providerPodName",
                                              "providerPodUID",
                                              "consumerPodName",
                                              "consumerPodUID",
                                              NULL};

static void put(json_t *to, const char *key, const char *text)
{
	if (*text != '\0')
		(void)json_object_set_new(to, key, json_string(text));
}

json_t *report_url(const char *url_template, const char *name, const char *ns)
{
	const char *first = strstr(url_template, "%s");
	const char *second = first != NULL ? strstr(first + 2, "%s") : NULL;

	if (first == NULL || second == NULL)
		return json_string(url_template);
	return json_sprintf("%.*s%s%.*s%s%s", (int)(first - url_template), url_template, name,
	                    (int)(second - first - 2), first + 2, ns, second + 2);
}

/* Our own part of the status as it is now. */
static json_t *own_part(const json_t *object, const char *const *fields)
{
	const json_t *status = json_at(object, "status", NULL);
	json_t *own = json_object();

	for (size_t i = 0; fields[i] != NULL; i++) {
		json_t *value = json_object_get(status, fields[i]);

		if (value != NULL && strcmp(fields[i], "activation") != 0)
			(void)json_object_set(own, fields[i], value);
		else if (json_object_get(value, "url") != NULL ||
		         json_object_get(value, "hosts") != NULL)
			(void)json_object_set_new(own, fields[i],
			                          json_pack("{s:O*,s:O*}", "url",
			                                    json_object_get(value, "url"), "hosts",
			                                    json_object_get(value, "hosts")));
	}
	return own;
}

static json_t *patch_of(const json_t *object, const char *const *fields, json_t *wanted)
{
	json_t *own = own_part(object, fields);
	json_t *diff = json_merge_diff(own, wanted);

	json_decref(own);
	json_decref(wanted);
	return diff != NULL ? json_pack("{s:o}", "status", diff) : NULL;
}

static json_t *conditions_of(const json_t *object)
{
	json_t *copy = json_deep_copy(json_at(object, "status", "conditions", NULL));

	return copy != NULL ? copy : json_array();
}

static void set_condition(json_t *conditions, const char *type, const struct verdict *v,
                          int64_t generation, uint64_t wall_ms)
{
	(void)kube_condition_set(conditions,
	                         &(struct kube_condition_words){type, v->ok, v->reason, v->message},
	                         generation, wall_ms);
}

static void drop_condition(json_t *conditions, const char *type)
{
	json_t *one;
	size_t i;

	json_array_foreach(conditions, i, one) {
		if (strcmp(json_str_at(one, "", "type", NULL), type) == 0) {
			(void)json_array_remove(conditions, i);
			return;
		}
	}
}

static json_t *container_conditions(const struct facts *f, const struct status *s,
                                    const json_t *container, uint64_t wall_ms)
{
	static const struct kube_condition_words changed = {
	        "TemplateChanged", true, "AppliedAtNextStart",
	        "the running process was started from an older template: "
	        "stop and start it to apply the new one"};
	json_t *list = conditions_of(container);

	set_condition(list, "Ready", &s->ready, f->generation, wall_ms);
	set_condition(list, "ProviderReady", &s->provider, f->generation, wall_ms);
	set_condition(list, "RootfsReady", &s->rootfs, f->generation, wall_ms);
	set_condition(list, "ConsumerReady", &s->consumer, f->generation, wall_ms);
	set_condition(list, "Activatable", &s->activatable, f->generation, wall_ms);
	if (s->template_changed)
		(void)kube_condition_set(list, &changed, f->generation, wall_ms);
	else
		drop_condition(list, "TemplateChanged");
	if (s->node_silent)
		set_condition(list, "NodeReady", &s->node, f->generation, wall_ms);
	else
		drop_condition(list, "NodeReady");
	return list;
}

static void put_place(const struct facts *f, json_t *to)
{
	const char *node = f->rootfs_node;

	if (*node == '\0')
		node = json_str_at(f->provider, "", "spec", "nodeName", NULL);
	put(to, "nodeName", node);
	if (f->claim != CLAIM_REFUSED)
		put(to, "hostPath", json_str_at(f->rootfs, "", "hostPath", NULL));
	put(to, "providerPodName", kube_name(f->provider));
	put(to, "consumerPodName", f->running ? kube_name(f->consumer) : "");
}

/* Only the controller's fields of status.activation; the activators write others. */
static void put_activation(const struct facts *f, const json_t *container, const char *url_template,
                           json_t *to)
{
	const json_t *had = json_at(container, "status", "activation", NULL);
	json_t *has = json_object();

	if (*url_template != '\0' && f->resource != NULL && f->resource->activation.enabled &&
	    f->resource->activation.port != 0)
		(void)json_object_set_new(has, "url", report_url(url_template, f->name, f->ns));
	/* also an empty list: it says that the hosts were judged */
	if (f->hosts != NULL)
		(void)json_object_set(has, "hosts", json_ref(f->hosts));
	if (json_object_size(has) > 0 || json_object_get(had, "url") != NULL ||
	    json_object_get(had, "hosts") != NULL)
		(void)json_object_set(to, "activation", has);
	json_decref(has);
}

/* status.lastTermination, from the Pod's status. NULL: it has not ended. New reference */
static json_t *last_termination(const struct status *s)
{
	const char *reason = json_str_at(s->last_end, "", "reason", NULL);
	const char *at = json_str_at(s->last_end, "", "finishedAt", NULL);

	if (s->last_end == NULL)
		return NULL;
	return json_pack("{s:s*,s:I,s:s*}", "reason", *reason != '\0' ? reason : NULL, "exitCode",
	                 (json_int_t)json_int_at(s->last_end, 0, "exitCode", NULL), "finishedAt",
	                 *at != '\0' ? at : NULL);
}

json_t *report_container_patch(const struct facts *f, const struct status *s,
                               const json_t *container, const char *url_template, uint64_t wall_ms)
{
	json_t *wanted = json_pack("{s:s,s:I,s:o}", "phase", status_container_phase_name(s->phase),
	                           "observedGeneration", (json_int_t)f->generation, "conditions",
	                           container_conditions(f, s, container, wall_ms));

	put(wanted, "instanceName", kube_name(f->instance));
	put_place(f, wanted);
	if (s->last_end != NULL)
		(void)json_object_set_new(wanted, "lastTermination", last_termination(s));
	put_activation(f, container, url_template, wanted);
	return patch_of(container, container_fields, wanted);
}

json_t *report_instance_patch(const struct facts *f, const struct status *s, int64_t start_count,
                              uint64_t wall_ms)
{
	int64_t generation = kube_generation(f->instance);
	json_t *conditions = conditions_of(f->instance);
	char message[2 * STATUS_MESSAGE_BYTES];
	json_t *wanted;

	set_condition(conditions, "Ready", &s->ready, generation, wall_ms);
	(void)snprintf(message, sizeof message, "%s: %s", s->ready.reason, s->ready.message);
	wanted = json_pack("{s:s,s:o,s:I,s:I,s:I,s:o}", "phase", status_phase_name(s->phase),
	                   "message", json_text(message), "observedGeneration",
	                   (json_int_t)generation, "containerGeneration", (json_int_t)f->generation,
	                   "startCount", (json_int_t)start_count, "conditions", conditions);
	put_place(f, wanted);
	put(wanted, "providerPodUID", kube_uid(f->provider));
	put(wanted, "consumerPodUID", f->running ? kube_uid(f->consumer) : "");
	return patch_of(f->instance, instance_fields, wanted);
}

static void note(struct report_event *events, size_t *count, bool warning, const struct verdict *v)
{
	assert(*count < REPORT_EVENTS_MAX);
	events[*count].warning = warning;
	(void)snprintf(events[*count].reason, sizeof events[*count].reason, "%s", v->reason);
	(void)snprintf(events[*count].message, sizeof events[*count].message, "%s", v->message);
	(*count)++;
}

static bool has_reason(const json_t *container, const char *type, const char *reason)
{
	return strcmp(json_str_at(kube_condition(container, type), "", "reason", NULL), reason) ==
	       0;
}

static bool is_told(enum phase phase)
{
	return phase == PHASE_RUNNING || phase == PHASE_STOPPING || phase == PHASE_STOPPED ||
	       phase == PHASE_FAILED;
}

/* One Event for each end, however often the status is written after it. */
static void note_memory_killed(const struct status *s, const json_t *container,
                               struct report_event *events, size_t *count)
{
	CLEANUP(json_decref_var) json_t *end = last_termination(s);
	struct verdict v = {.reason = "OOMKilled"};

	if (s->memory_killed[0] == '\0' ||
	    json_equal(end, json_at(container, "status", "lastTermination", NULL)))
		return;
	(void)snprintf(v.message, sizeof v.message, "the process was killed (%s)",
	               s->memory_killed);
	note(events, count, true, &v);
}

size_t report_events(const struct status *s, const json_t *container,
                     struct report_event ret_events[REPORT_EVENTS_MAX])
{
	size_t count = 0;

	if (is_told(s->phase) && !has_reason(container, "Ready", s->ready.reason) &&
	    (s->phase != PHASE_STOPPED || has_reason(container, "Ready", "Stopping")))
		note(ret_events, &count, s->phase == PHASE_FAILED, &s->ready);
	if (strcmp(s->ready.reason, "OOMKilled") != 0)
		note_memory_killed(s, container, ret_events, &count);
	if (s->provider.is_failure && strcmp(s->provider.reason, s->ready.reason) != 0 &&
	    !has_reason(container, "ProviderReady", s->provider.reason))
		note(ret_events, &count, true, &s->provider);
	if (s->rootfs.is_failure && strcmp(s->rootfs.reason, s->ready.reason) != 0 &&
	    !has_reason(container, "RootfsReady", s->rootfs.reason))
		note(ret_events, &count, true, &s->rootfs);
	if ((strcmp(s->activatable.reason, "HostConflict") == 0 ||
	     strcmp(s->activatable.reason, "HostNotAllowed") == 0 ||
	     strcmp(s->activatable.reason, "ServiceConflict") == 0) &&
	    !has_reason(container, "Activatable", s->activatable.reason))
		note(ret_events, &count, true, &s->activatable);
	if (s->template_changed && kube_condition(container, "TemplateChanged") == NULL) {
		struct verdict v = {.reason = "TemplateChanged",
		                    .message = "applied at the next start"};

		note(ret_events, &count, false, &v);
	}
	return count;
}
