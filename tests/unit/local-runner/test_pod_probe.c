/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/local-runner/unit.h"

#include "local/runner/core/pod_probe.h"

static void test_pod_probe_has_kubernetes_defaults(void **state)
{
	json_t *container = js("{'ports': [{'name': 'web', 'containerPort': 8080}],"
	                       "'readinessProbe': {'httpGet': {'port': 'web'}}}");
	struct pod_probe p;

	(void)state;
	assert_int_equal(
	        pod_probe_parse(container, json_object_get(container, "readinessProbe"), &p, NULL),
	        0);
	assert_int_equal(p.how, POD_PROBE_HTTP);
	assert_int_equal(p.port, 8080);
	assert_string_equal(p.path, "/");
	assert_int_equal(p.period_ms, 10000);
	assert_int_equal(p.timeout_ms, 1000);
	assert_int_equal(p.failure_threshold, 3);
	assert_int_equal(pod_probe_parse(container, NULL, &p, NULL), 0);
	assert_int_equal(p.how, POD_PROBE_NONE);
	json_decref(container);
}

static void test_pod_probe_refuses_what_it_cannot_do(void **state)
{
	static const char *const bad[] = {
	        "{'grpc': {'port': 1}}",
	        "{'httpGet': {'port': 'nosuch'}}",
	        "{'httpGet': {'port': 1, 'scheme': 'HTTPS'}}",
	        "{'tcpSocket': {'port': 70000}}",
	        "{}",
	};
	struct pod_probe p;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		json_t *probe = js(bad[i]);

		assert_int_equal(pod_probe_parse(NULL, probe, &p, &err), -1);
		json_decref(probe);
	}
}

static void test_pod_probe_counts_in_a_row(void **state)
{
	struct pod_probe p = {.success_threshold = 2, .failure_threshold = 3};

	(void)state;
	assert_int_equal(pod_probe_feed(&p, true), POD_PROBE_SAME);
	assert_int_equal(pod_probe_feed(&p, true), POD_PROBE_SUCCEEDED);
	assert_int_equal(pod_probe_feed(&p, true), POD_PROBE_SAME);
	assert_int_equal(pod_probe_feed(&p, false), POD_PROBE_SAME);
	assert_int_equal(pod_probe_feed(&p, false), POD_PROBE_SAME);
	assert_int_equal(pod_probe_feed(&p, true), POD_PROBE_SAME);
	assert_int_equal(pod_probe_feed(&p, false), POD_PROBE_SAME);
	assert_int_equal(pod_probe_feed(&p, false), POD_PROBE_SAME);
	assert_int_equal(pod_probe_feed(&p, false), POD_PROBE_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pod_probe_has_kubernetes_defaults),
	        cmocka_unit_test(test_pod_probe_refuses_what_it_cannot_do),
	        cmocka_unit_test(test_pod_probe_counts_in_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
