/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/local-runner/unit.h"

#include "lib/kube/client/object.h"
#include "local/runner/core/pod_spec.h"

static json_t *find_none(void *arg, const char *kind, const char *name)
{
	(void)arg;
	(void)kind;
	(void)name;
	return NULL;
}

/* The create body for a Pod spec with one container; takes the texts apart with js(). */
static json_t *spec_of(const char *pod_spec, const char *container_text)
{
	static const char *const sources[] = {"/src/0", "/src/1"};
	json_t *container = js(container_text);
	json_t *pod = json_pack("{s:{s:s, s:s, s:s}, s:o}", "metadata", "name", "p", "namespace",
	                        "n", "uid", "u-1", "spec", js(pod_spec));
	struct pod_spec_input in = {
	        .env = {.pod = pod, .pod_ip = "10.0.0.2", .find = find_none},
	        .container = container,
	        .image = "localhost/x:1",
	        .netns_path = "/proc/1/fd/9",
	        .cgroup_parent = "/root/podu-1",
	        .mount_sources = sources,
	        .attempt = 3,
	        .nofile_max = 1000,
	        .nproc_max = 2000,
	        .log_bytes_max = 4096,
	};
	json_t *spec = NULL;
	struct err err = {0};

	json_object_set_new(container, "name", json_string("c"));
	if (pod_spec_make(&in, &spec, &err) < 0)
		spec = json_string(err.text);
	json_decref(container);
	json_decref(pod);
	return spec;
}

static const struct {
	const char *pod_spec;
	const char *container;
	const char *field;
	const char *want;
} mappings[] = {
        {"{}", "{}", "name", "'k8s_c_p_n_u-1_3'"},
        {"{}", "{}", "image", "'localhost/x:1'"},
        {"{}", "{}", "netns", "{'nsmode': 'path', 'value': '/proc/1/fd/9'}"},
        {"{}", "{}", "cgroup_parent", "'/root/podu-1'"},
        {"{}", "{}", "stop_signal", "null"},
        {"{}", "{'lifecycle': {'stopSignal': 'SIGRTMIN+3'}}", "stop_signal", "37"},
        {"{}", "{}", "hostname", "'p'"},
        {"{'hostname': 'h'}", "{}", "hostname", "'h'"},
        {"{}", "{}", "hostadd", "['p:10.0.0.2']"},
        {"{}", "{}", "r_limits",
         "[{'type': 'NOFILE', 'hard': 1000, 'soft': 1000},"
         " {'type': 'NPROC', 'hard': 2000, 'soft': 2000}]"},
        {"{}",
         "{'command': ['a'], 'args': ['$(E)'],"
         "'env': [{'name': 'E', 'value': 'v'}]}",
         "entrypoint", "['a']"},
        {"{}", "{'args': ['$(E)'], 'env': [{'name': 'E', 'value': 'v'}]}", "command", "['v']"},
        {"{}", "{}", "entrypoint", "null"},
        {"{}", "{'workingDir': '/w'}", "work_dir", "'/w'"},
        {"{}", "{}", "create_working_dir", "true"},
        {"{}", "{'resources': {'limits': {'cpu': '500m', 'memory': '64Mi'}}}", "resource_limits",
         "{'cpu': {'shares': 512, 'quota': 50000, 'period': 100000},"
         " 'memory': {'limit': 67108864, 'swap': 67108864}}"},
        {"{}", "{'resources': {'requests': {'cpu': '2'}}}", "resource_limits",
         "{'cpu': {'shares': 2048}}"},
        {"{}", "{'resources': {'limits': {'cpu': '1m'}}}", "resource_limits",
         "{'cpu': {'shares': 2, 'quota': 1000, 'period': 100000}}"},
        {"{'securityContext': {'runAsUser': 5, 'fsGroup': 7}}", "{}", "user", "'5'"},
        {"{'securityContext': {'runAsUser': 5, 'fsGroup': 7}}", "{}", "groups", "['7']"},
        {"{'securityContext': {'runAsUser': 5}}",
         "{'securityContext': {'runAsUser': 6, 'runAsGroup': 8}}", "user", "'6:8'"},
        {"{}", "{'securityContext': {'capabilities': {'add': ['NET_ADMIN'], 'drop': ['ALL']}}}",
         "cap_add", "['CAP_NET_ADMIN']"},
        {"{}", "{'securityContext': {'capabilities': {'drop': ['ALL']}}}", "cap_drop", "['ALL']"},
        {"{}", "{'securityContext': {'readOnlyRootFilesystem': true}}", "read_only_filesystem",
         "true"},
        {"{}", "{'securityContext': {'allowPrivilegeEscalation': false}}", "no_new_privileges",
         "true"},
        {"{'securityContext': {'seccompProfile': {'type': 'Unconfined'}}}", "{}",
         "seccomp_profile_path", "'unconfined'"},
        {"{}",
         "{'volumeMounts': [{'name': 'a', 'mountPath': '/a'},"
         " {'name': 'b', 'mountPath': '/b', 'readOnly': true}]}",
         "mounts",
         "[{'type': 'bind', 'source': '/src/0', 'destination': '/a',"
         "  'options': ['rbind', 'rw', 'rprivate']},"
         " {'type': 'bind', 'source': '/src/1', 'destination': '/b',"
         "  'options': ['rbind', 'ro', 'rprivate']}]"},
};

/* Fields of the body, one test a line. */
static void test_pod_spec_maps_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof mappings / sizeof mappings[0]; i++) {
		json_t *spec = spec_of(mappings[i].pod_spec, mappings[i].container);
		json_t *field = json_object_get(spec, mappings[i].field);

		assert_json(json_incref(field), js(mappings[i].want));
		json_decref(spec);
	}
}

static void test_pod_spec_refuses_what_it_does_not_know(void **state)
{
	json_t *refused = spec_of("{}", "{'resources': {'limits': {'cpu': 'much'}}}");

	(void)state;
	assert_true(json_is_string(refused));
	assert_non_null(strstr(json_string_value(refused), "resources.limits.cpu"));
	json_decref(refused);
	assert_json(spec_of("{'securityContext': {'seccompProfile': {'type': 'Localhost'}}}", "{}"),
	            js("'seccompProfile.type Localhost is not supported here'"));
	assert_json(spec_of("{}", "{'env': [{'name': 'A', 'valueFrom': {'secretKeyRef':"
	                          " {'name': 's', 'key': 'k'}}}]}"),
	            js("'secret \\u0022s\\u0022 not found'"));
}

static void test_pod_spec_check_refuses_what_is_not_there(void **state)
{
	static const struct {
		const char *pod, *why;
	} cases[] = {
	        {"{'spec': {'hostNetwork': true}}", "spec.hostNetwork is not supported here"},
	        {"{'spec': {'containers': [{}, {'lifecycle': {'postStart': {'sleep': {}}}}]}}",
	         "spec.containers[1].lifecycle.postStart is not supported here"},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *pod = js(cases[i].pod);

		assert_int_equal(pod_spec_check(pod, &err), -1);
		assert_string_equal(err.text, cases[i].why);
		json_decref(pod);
	}
}

static void test_pod_spec_keeps_to_run_as_non_root(void **state)
{
	static const struct {
		const char *context;
		const char *image_user;
		int want;
	} cases[] = {
	        {"{}", NULL, 0},
	        {"{'runAsNonRoot': true}", NULL, 1},
	        {"{'runAsNonRoot': true}", "", -1},
	        {"{'runAsNonRoot': true}", "0", -1},
	        {"{'runAsNonRoot': true}", "0:5", -1},
	        {"{'runAsNonRoot': true}", "web", -1},
	        {"{'runAsNonRoot': true}", "1000:1000", 0},
	        {"{'runAsNonRoot': true, 'runAsUser': 5}", NULL, 0},
	        {"{'runAsNonRoot': true, 'runAsUser': 0}", NULL, -1},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *container = json_pack("{s:o}", "securityContext", js(cases[i].context));

		assert_int_equal(pod_spec_non_root(NULL, container, cases[i].image_user, &err),
		                 cases[i].want);
		json_decref(container);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pod_spec_maps_fields),
	        cmocka_unit_test(test_pod_spec_keeps_to_run_as_non_root),
	        cmocka_unit_test(test_pod_spec_refuses_what_it_does_not_know),
	        cmocka_unit_test(test_pod_spec_check_refuses_what_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
