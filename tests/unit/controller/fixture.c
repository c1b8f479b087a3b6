/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/controller/fixture.h"

#include <stdlib.h>
#include <string.h>

#include "controller/core/kept.h"
#include "lib/api/names.h"
#include "lib/kube/client/object.h"

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	f->config.pods.wrapper_image = "localhost/sc-wrapper:1";
	f->config.url_template = "http://%s.%s.localhost:8080/";
	f->now = (struct status_times){1000000, 1700000000000};
	f->shown = json_array();
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	json_decref(f->container);
	json_decref(f->instance);
	json_decref(f->service);
	json_decref(f->slice);
	json_decref(f->slice6);
	json_decref(f->shown);
	json_decref(f->hosts);
	for (size_t i = 0; i < f->pods_count; i++)
		json_decref(f->pods[i]);
	free(f);
	return 0;
}

/* --- the objects --- */

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *value = json_loads(text, JSON_DECODE_ANY, &error);

	if (value == NULL)
		fail_msg("%s: %s", error.text, text);
	return value;
}

/* Takes @patch. */
static void merge(json_t **object, json_t *patch)
{
	json_t *merged = json_merge_patch(*object, patch);

	json_decref(patch);
	json_decref(*object);
	*object = merged;
}

static void stamp(struct fixture *f, json_t *object)
{
	json_t *meta = json_object_get(object, "metadata");

	f->uids++;
	if (json_object_get(meta, "uid") == NULL)
		(void)json_object_set_new(meta, "uid", json_sprintf("u%u", f->uids));
	(void)json_object_set_new(meta, "resourceVersion", json_sprintf("%u", f->uids));
}

void fixture_container(struct fixture *f, const char *spec_json)
{
	f->container = parse(
	        "{\"metadata\":{\"name\":\"hello\",\"namespace\":\"default\",\"generation\":1},"
	        "\"spec\":{\"running\":false,\"template\":{\"container\":{\"image\":\"app:1\","
	        "\"command\":[\"/serve\"],\"ports\":[{\"containerPort\":8080}]}}}}");
	stamp(f, f->container);
	if (spec_json != NULL)
		merge(&f->container, json_pack("{s:o}", "spec", parse(spec_json)));
}

void fixture_asleep(struct fixture *f, const char *spec_json)
{
	fixture_container(f, spec_json);
	settle(f, "new");
	pod_placed(f, "hello-provider", "node-a");
	pod_status(f, "hello-provider",
	           "{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}");
	agent_rootfs(f, "{}");
	settle(f, "rootfs ready");
	assert_string_equal(instance_phase(f), "Stopped");
	f->trace[0] = '\0';
}

void fixture_awake(struct fixture *f)
{
	fixture_asleep(f, NULL);
	set_running(f, true);
	settle(f, "wake");
	agent_says(f, "hello", "Listening");
	settle(f, "listening");
	later(f);
	assert_string_equal(instance_phase(f), "Running");
	f->trace[0] = '\0';
}

void spec(struct fixture *f, const char *merge_json)
{
	json_int_t generation = kube_generation(f->container);

	merge(&f->container, json_pack("{s:o,s:{s:I}}", "spec", parse(merge_json), "metadata",
	                               "generation", generation + 1));
}

void set_running(struct fixture *f, bool running)
{
	spec(f, running ? "{\"running\":true}" : "{\"running\":false}");
}

static size_t find(struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->pods_count; i++)
		if (strcmp(kube_name(f->pods[i]), name) == 0)
			return i;
	return FIXTURE_PODS_MAX;
}

json_t *pod(struct fixture *f, const char *name)
{
	size_t i = find(f, name);

	return i < f->pods_count ? f->pods[i] : NULL;
}

void pod_status(struct fixture *f, const char *name, const char *status_json)
{
	size_t i = find(f, name);

	assert_true(i < f->pods_count);
	merge(&f->pods[i], json_pack("{s:o}", "status", parse(status_json)));
}

void pod_gone(struct fixture *f, const char *name)
{
	size_t i = find(f, name);

	assert_true(i < f->pods_count);
	json_decref(f->pods[i]);
	f->pods[i] = f->pods[--f->pods_count];
}

void pod_placed(struct fixture *f, const char *name, const char *node)
{
	size_t i = find(f, name);

	assert_true(i < f->pods_count);
	merge(&f->pods[i], json_pack("{s:{s:s}}", "spec", "nodeName", node));
}

void agent_rootfs(struct fixture *f, const char *rootfs_json)
{
	json_t *rootfs = json_pack("{s:s,s:s,s:s,s:s}", "state", "Ready", "hostPath",
	                           "/var/lib/sc/x", "nodeName", "node-a", "providerPodUID",
	                           kube_uid(pod(f, "hello-provider")));

	merge(&rootfs, parse(rootfs_json));
	merge(&f->instance,
	      json_pack("{s:{s:o,s:{s:[s],s:[],s:[s],s:s,s:i,s:i}}}", "status", "rootfs", rootfs,
	                "image", "entrypoint", "/image-entry", "command", "env", "PATH=/bin",
	                "workingDir", "/srv", "uid", 0, "gid", 0));
}

void agent_says(struct fixture *f, const char *pod_name, const char *state)
{
	const json_t *of = pod(f, pod_name);

	merge(&f->instance,
	      json_pack("{s:{s:{s:s,s:s,s:I}}}", "status", "consumer", "podUID", kube_uid(of),
	                "state", state, "containerGeneration", (json_int_t)facts_pod_made_for(of)));
}

void agent_says_more(struct fixture *f, const char *consumer_json)
{
	merge(&f->instance, json_pack("{s:{s:o}}", "status", "consumer", parse(consumer_json)));
}

void instance_gone(struct fixture *f)
{
	json_decref(f->instance);
	f->instance = NULL;
}

/* --- the server --- */

static json_t **slot(struct fixture *f, const struct plan_action *a)
{
	switch (a->on) {
	case PLAN_ON_CONTAINER:
		return &f->container;
	case PLAN_ON_INSTANCE:
		return &f->instance;
	case PLAN_ON_SERVICE:
		return &f->service;
	case PLAN_ON_SLICE:
		return strcmp(a->name, "hello-ipv6") == 0 ? &f->slice6 : &f->slice;
	case PLAN_ON_POD:
		break;
	}
	if (a->verb == PLAN_CREATE) {
		assert_null(pod(f, a->name));
		assert_true(f->pods_count < FIXTURE_PODS_MAX);
		f->pods[f->pods_count] = NULL;
		return &f->pods[f->pods_count++];
	}
	assert_non_null(pod(f, a->name));
	return &f->pods[find(f, a->name)];
}

static void carry_out(struct fixture *f, const struct plan_action *a)
{
	json_t **object = slot(f, a);

	switch (a->verb) {
	case PLAN_CREATE:
		assert_null(*object);
		*object = json_deep_copy(a->body);
		break;
	case PLAN_PATCH:
	case PLAN_PATCH_STATUS:
		assert_non_null(*object);
		merge(object, json_deep_copy(a->body));
		break;
	case PLAN_DELETE:
		assert_string_equal(kube_uid(*object), a->uid);
		if (a->on == PLAN_ON_SERVICE || a->on == PLAN_ON_SLICE) {
			json_decref(*object);
			*object = NULL;
			return;
		}
		merge(object,
		      parse("{\"metadata\":{\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"}}"));
		break;
	case PLAN_UNSET:
		fail_msg("an action without a verb");
	}
	stamp(f, *object);
}

/* --- the trace --- */

static void tell(struct fixture *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void tell(struct fixture *f, const char *fmt, ...)
{
	size_t used = strlen(f->trace);
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(f->trace + used, sizeof f->trace - used, fmt, args);
	va_end(args);
}

static void tell_action(struct fixture *f, const struct plan_action *a)
{
	const char *on = plan_on_name(a->on);
	const json_t *now_running = json_at(a->body, "spec", "running", NULL);

	if (a->verb == PLAN_PATCH_STATUS)
		tell(f, " %s=%s", on, json_str_at(a->body, "same", "status", "phase", NULL));
	else if (a->on != PLAN_ON_POD)
		tell(f, " %s-%s", plan_verb_name(a->verb), on);
	else
		tell(f, " %s:%s", plan_verb_name(a->verb), a->name);
	if (a->verb == PLAN_PATCH && now_running != NULL)
		tell(f, "(running=%s)", json_is_true(now_running) ? "true" : "false");
}

/* As the controller's caches show it; NULL stays NULL. */
static const json_t *shown(struct fixture *f, enum plan_on on, const json_t *object)
{
	char *text, *kept;
	size_t bytes;
	json_t *copy;

	if (object == NULL)
		return NULL;
	text = json_dumps(object, 0);
	kept = malloc(strlen(text));
	bytes = skim_object(kept_of(on), text, strlen(text), kept);
	copy = json_loadb(kept, bytes, 0, NULL);
	assert_non_null(copy);
	(void)json_array_append_new(f->shown, copy);
	free(text);
	free(kept);
	return copy;
}

static void see(struct fixture *f, struct observed *seen)
{
	(void)json_array_clear(f->shown);
	*seen = (struct observed){
	        .container = shown(f, PLAN_ON_CONTAINER, f->container),
	        .instance = shown(f, PLAN_ON_INSTANCE, f->instance),
	        .pods_count = f->pods_count,
	        .services = {shown(f, PLAN_ON_SERVICE, f->service)},
	        .services_count = f->service != NULL,
	        .node_missing = f->node_missing,
	        .node_silent = f->node_silent,
	        .hosts_admitted = f->hosts,
	        .hosts_reason = f->hosts_reason,
	        .hosts_refusal = "host shop.example belongs to default/older",
	};
	if (f->slice != NULL)
		seen->slices[seen->slices_count++] = shown(f, PLAN_ON_SLICE, f->slice);
	if (f->slice6 != NULL)
		seen->slices[seen->slices_count++] = shown(f, PLAN_ON_SLICE, f->slice6);
	for (size_t i = 0; i < f->pods_count; i++)
		seen->pods[i] = shown(f, PLAN_ON_POD, f->pods[i]);
}

void plan_once(struct fixture *f, const char *what_happened)
{
	struct observed seen;

	see(f, &seen);
	plan_make(&seen, &f->memory, &f->config, &f->now, &f->last);
	if (f->last.actions_count > 0)
		tell(f, "%s ->", what_happened);
	for (size_t i = 0; i < f->last.actions_count; i++) {
		tell_action(f, &f->last.actions[i]);
		if (!f->deaf)
			carry_out(f, &f->last.actions[i]);
	}
	for (size_t i = 0; i < f->last.events_count; i++)
		tell(f, " !%s", f->last.events[i].reason);
	if (f->last.actions_count > 0)
		tell(f, "\n");
	plan_done(&f->last);
}

void settle(struct fixture *f, const char *what_happened)
{
	for (unsigned i = 0; i < 20; i++) {
		size_t told = strlen(f->trace);

		plan_once(f, i == 0 ? what_happened : "     ");
		if (strlen(f->trace) == told)
			return;
	}
	fail_msg("it never settles:\n%s", f->trace);
}

void later(struct fixture *f)
{
	assert_true(f->last.again_ms > 0);
	f->now.now_ms += f->last.again_ms;
	settle(f, "later");
}

void expect_trace(struct fixture *f, const char *want)
{
	assert_string_equal(f->trace, want);
	f->trace[0] = '\0';
}

const json_t *condition(struct fixture *f, const char *type)
{
	return kube_condition(f->container, type);
}

void expect_condition(struct fixture *f, const char *type, const char *status, const char *reason,
                      const char *message_part)
{
	const json_t *c = condition(f, type);
	const char *message = json_str_at(c, "", "message", NULL);

	assert_non_null(c);
	assert_string_equal(json_str_at(c, "", "reason", NULL), reason);
	assert_string_equal(json_str_at(c, "", "status", NULL), status);
	if (strstr(message, message_part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", message_part, message);
}

const char *phase(struct fixture *f)
{
	return json_str_at(f->container, "", "status", "phase", NULL);
}

const char *instance_phase(struct fixture *f)
{
	return json_str_at(f->instance, "", "status", "phase", NULL);
}
