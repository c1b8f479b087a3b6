/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/local-runner/unit.h"

#include "local/runner/core/pod_env.h"

static json_t *find(void *arg, const char *kind, const char *name)
{
	(void)arg;
	if (strcmp(name, "there") != 0)
		return NULL;
	return strcmp(kind, "Secret") == 0 ? js("{'data': {'k': 'c2VjcmV0', 'bad': '*'}}")
	                                   : js("{'data': {'k': 'plain', 'l': 'two'}}");
}

/* Takes @container; "error: TEXT" as a string when it fails. */
static json_t *env_of(json_t *container)
{
	json_t *pod = js("{'metadata': {'name': 'p', 'namespace': 'n', 'uid': 'u',"
	                 " 'labels': {'a/b': 'c'}}}");
	const struct pod_env_source src = {
	        .pod = pod, .pod_ip = "10.0.0.2", .node_name = "local", .find = find};
	json_t *env = NULL;
	struct err err = {0};

	if (pod_env_make(&src, container, &env, &err) < 0)
		env = json_string(err.text);
	json_decref(container);
	json_decref(pod);
	return env;
}

static void test_pod_env_expands_what_is_defined_before(void **state)
{
	(void)state;
	assert_json(env_of(js("{'env': [{'name': 'A', 'value': 'x'},"
	                      " {'name': 'B', 'value': '$(A)-$(C)-$$(A)-$'},"
	                      " {'name': 'C'}]}")),
	            js("{'A': 'x', 'B': 'x-$(C)-$(A)-$', 'C': ''}"));
}

static void test_pod_env_reads_maps_secrets_and_fields(void **state)
{
	(void)state;
	assert_json(
	        env_of(js("{'env': ["
	                  "{'name': 'M', 'valueFrom': {'configMapKeyRef': {'name': 'there', 'key': "
	                  "'k'}}},"
	                  "{'name': 'S', 'valueFrom': {'secretKeyRef': {'name': 'there', 'key': "
	                  "'k'}}},"
	                  "{'name': 'O', 'valueFrom': {'secretKeyRef': {'name': 'no', 'key': 'k',"
	                  " 'optional': true}}},"
	                  "{'name': 'L', 'valueFrom': {'fieldRef': {'fieldPath':"
	                  " 'metadata.labels[\\u0027a/b\\u0027]'}}},"
	                  "{'name': 'I', 'valueFrom': {'fieldRef': {'fieldPath': "
	                  "'status.podIP'}}}]}")),
	        js("{'M': 'plain', 'S': 'secret', 'L': 'c', 'I': '10.0.0.2'}"));
}

static void test_pod_env_takes_whole_objects_with_a_prefix(void **state)
{
	(void)state;
	assert_json(env_of(js("{'envFrom': [{'prefix': 'P_', 'configMapRef': {'name': 'there'}},"
	                      "{'configMapRef': {'name': 'no', 'optional': true}}],"
	                      "'env': [{'name': 'P_k', 'value': 'own'}]}")),
	            js("{'P_k': 'own', 'P_l': 'two'}"));
}

static void test_pod_env_says_what_is_missing(void **state)
{
	(void)state;
	assert_json(env_of(js("{'envFrom': [{'secretRef': {'name': 'no'}}]}")),
	            js("'secret \\u0022no\\u0022 not found'"));
	assert_json(env_of(js("{'env': [{'name': 'A', 'valueFrom': {'configMapKeyRef':"
	                      " {'name': 'there', 'key': 'zz'}}}]}")),
	            js("'couldn\\u0027t find key zz in ConfigMap n/there'"));
	assert_json(env_of(js("{'env': [{'name': 'A', 'valueFrom': {'fieldRef': {'fieldPath':"
	                      " 'spec.x'}}}]}")),
	            js("'env A: unsupported fieldPath spec.x'"));
}

static void test_pod_env_reads_base64(void **state)
{
	static const struct {
		const char *text;
		const char *want; /* NULL: malformed */
	} cases[] = {
	        {"", ""},      {"YQ==", "a"},  {"YWI=", "ab"}, {"YWJj", "abc"},
	        {"YWJ", NULL}, {"Y*Jj", NULL}, {"=WJj", NULL},
	};
	char buf[16];
	size_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool ok = pod_env_base64(cases[i].text, buf, sizeof buf, &bytes);

		assert_int_equal(ok, cases[i].want != NULL);
		if (ok) {
			assert_string_equal(buf, cases[i].want);
			assert_int_equal(bytes, strlen(cases[i].want));
		}
	}
	assert_false(pod_env_base64("YWJjYWJjYWJj", buf, 9, &bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pod_env_expands_what_is_defined_before),
	        cmocka_unit_test(test_pod_env_reads_maps_secrets_and_fields),
	        cmocka_unit_test(test_pod_env_takes_whole_objects_with_a_prefix),
	        cmocka_unit_test(test_pod_env_says_what_is_missing),
	        cmocka_unit_test(test_pod_env_reads_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
