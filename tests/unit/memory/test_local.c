/* SPDX-License-Identifier: Apache-2.0 */
/* What the embedded engine stores, answers and has Podman make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/err.h"
#include "local/api/core/selector.h"
#include "local/api/core/table.h"
#include "local/registry/core/json_patch.h"
#include "local/registry/core/rules.h"
#include "local/runner/core/pod_spec.h"
#include "local/runner/core/pod_status.h"
#include "tests/unit/memory/short_memory.h"

static const char pod_text[] =
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":\"n\","
        "\"uid\":\"u\",\"labels\":{\"a\":\"b\"}},\"spec\":{\"securityContext\":{\"fsGroup\":7},"
        "\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"command\":[\"x\",\"$(A)\"],\"env\":[{"
        "\"name\":\"A\",\"value\":\"1\"}],\"resources\":{\"limits\":{\"memory\":\"64Mi\",\"cpu\":"
        "\"1\"}},"
        "\"securityContext\":{\"runAsUser\":5,\"readOnlyRootFilesystem\":true,"
        "\"capabilities\":{\"drop\":[\"ALL\"]}}}]}}";

static json_t *find_none(void *arg, const char *kind, const char *name)
{
	return NULL;
}

static const json_t *first_container(const json_t *pod)
{
	return json_array_get(json_object_get(json_object_get(pod, "spec"), "containers"), 0);
}

static enum outcome make_spec(void)
{
	static const char *const no_sources[] = {NULL};
	static json_t *want;
	json_t *pod = short_memory_object(pod_text);
	const struct pod_spec_input in = {
	        .env = {.pod = pod, .pod_ip = "10.0.0.2", .find = find_none},
	        .container = first_container(pod),
	        .image = "localhost/x:1",
	        .netns_path = "/proc/1/fd/9",
	        .cgroup_parent = "/root/podu",
	        .mount_sources = no_sources,
	        .nofile_max = 1000,
	        .nproc_max = 2000,
	        .log_bytes_max = 4096,
	};
	json_t *spec = NULL;
	struct err err = {0};
	int rc = pod_spec_make(&in, &spec, &err);

	json_decref(pod);
	if (rc < 0 && err.text[0] == '\0')
		return OUTCOME_WRONG;
	return short_memory_same(spec, &want);
}

static enum outcome make_status(void)
{
	static json_t *want;
	json_t *pod = short_memory_object(pod_text);
	const struct pod_ctr_view view = {
	        .container = first_container(pod),
	        .phase = POD_CTR_TERMINATED,
	        .end = {.is_set = true, .exit_code = 137, .oom_killed = true},
	        .last = {.is_set = true, .exit_code = 1}};
	const struct pod_ctr_view *const views[] = {&view};
	const struct pod_view whole = {.pod = pod,
	                               .containers = views,
	                               .containers_count = 1,
	                               .pod_ip = "10.0.0.2",
	                               .host_ip = "10.0.0.1"};
	json_t *status = pod_status_make(&whole, 1700000000000);

	json_decref(pod);
	return short_memory_same(status, &want);
}

/* With its schema, which is read once in a program's life. */
static const struct api_type *pods(void)
{
	static struct api_types types;

	short_memory_pause(true);
	if (types.count == 0)
		(void)api_types_init(&types, NULL);
	short_memory_pause(false);
	return api_types_find(&types, "", "v1", "pods");
}

static enum outcome admit(void)
{
	static const struct rules_create_opts how = {"n", "u-1", "x1", 1700000000000};
	static json_t *want;
	const struct api_type *type = pods();
	json_t *pod = short_memory_object(pod_text);
	json_t *warnings = json_array();
	json_t *refusal = rules_create(type, &how, pod);
	bool is_whole;

	if (refusal == NULL)
		refusal = rules_admit(type, RULES_UNKNOWN_WARN, pod, warnings);
	is_whole = refusal == NULL;
	json_decref(refusal);
	json_decref(warnings);
	if (is_whole)
		return short_memory_same(pod, &want);
	json_decref(pod);
	return OUTCOME_TOLD;
}

static enum outcome patch(void)
{
	static json_t *want;
	json_t *pod = short_memory_object(pod_text);
	json_t *merge =
	        short_memory_object("{\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"j\"},"
	                            "{\"name\":\"d\",\"image\":\"k\"}]}}");
	json_t *merged = strategic_merge_apply(pod, merge);
	json_t *operations, *patched = NULL;
	struct err err = {0};

	short_memory_pause(true);
	operations = json_pack("[{s:s,s:s,s:{s:s}},{s:s,s:s}]", "op", "add", "path",
	                       "/metadata/annotations", "value", "k", "v", "op", "remove", "path",
	                       "/spec/containers/1");
	short_memory_pause(false);
	if (merged != NULL)
		(void)json_patch_apply(merged, operations, &patched, &err);
	json_decref(operations);
	json_decref(merged);
	json_decref(merge);
	json_decref(pod);
	return short_memory_same(patched, &want);
}

static enum outcome select_labels(void)
{
	json_t *pod = short_memory_object(pod_text);
	json_t *selector = NULL;
	struct err err = {0};
	enum outcome outcome = OUTCOME_TOLD;

	if (selector_parse_labels("a in (b, c),!d,e!=f", &selector, &err) == 0) {
		outcome = selector_matches_labels(selector, pod) ? OUTCOME_WHOLE : OUTCOME_WRONG;
		json_decref(selector);
		selector = NULL;
		/* one that is cut would choose more than was asked for */
		if (selector_parse_labels("a=b,d", &selector, &err) < 0)
			outcome = OUTCOME_TOLD;
		else if (selector_matches_labels(selector, pod))
			outcome = OUTCOME_WRONG;
	}
	json_decref(selector);
	json_decref(pod);
	return outcome;
}

static enum outcome print_table(void)
{
	static json_t *want;
	struct table_opts opts = {0};
	json_t *pod = short_memory_object(pod_text);
	json_t *table;

	table_opts_parse(&opts, pods(), "application/json;as=Table;v=v1;g=meta.k8s.io", NULL);
	opts.now_wall_ms = 1700000000000;
	table = table_of_object(&opts, pod);
	json_decref(pod);
	return short_memory_same(table, &want);
}

static void test_local_short_of_memory(void **state)
{
	short_memory_json_ends();
	short_memory_try_ending("what Podman is to make", make_spec);
	short_memory_try_ending("a Pod's status", make_status);
	short_memory_try_ending("an object that is stored", admit);
	short_memory_try_ending("patches", patch);
	short_memory_try_ending("a selector", select_labels);
	short_memory_try_ending("a table", print_table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_local_short_of_memory)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
