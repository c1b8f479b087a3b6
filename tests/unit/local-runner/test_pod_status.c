/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/local-runner/unit.h"

#include "lib/kube/client/object.h"
#include "lib/text/json_ref.h"
#include "local/runner/core/pod_status.h"

/* A letter a container, lower case for init containers: W waits, B between two runs, R running and
 * ready, N running and not ready, S ended well, F ended with an error. */
static void views_of(const char *letters, struct pod_ctr_view *views,
                     const struct pod_ctr_view **list, const json_t *container)
{
	for (size_t i = 0; letters[i] != '\0'; i++) {
		char kind = letters[i] >= 'a' ? (char)(letters[i] - 32) : letters[i];
		struct pod_ctr_view *v = &views[i];

		*v = (struct pod_ctr_view){.container = container, .init = kind != letters[i]};
		v->phase = kind == 'R' || kind == 'N'   ? POD_CTR_RUNNING
		           : kind == 'S' || kind == 'F' ? POD_CTR_TERMINATED
		                                        : POD_CTR_WAITING;
		v->ready = kind == 'R';
		v->last.is_set = kind == 'B';
		v->end.exit_code = kind == 'F' ? 7 : 0;
		v->end.is_set = v->phase == POD_CTR_TERMINATED;
		list[i] = v;
	}
}

static json_t *status_of(json_t *pod, const char *letters, const char *failed)
{
	struct pod_ctr_view views[8];
	const struct pod_ctr_view *list[8];
	json_t *container = js("{'name': 'c', 'image': 'i'}");
	struct pod_view view = {
	        .pod = pod,
	        .containers = list,
	        .containers_count = strlen(letters),
	        .pod_ip = "10.0.0.2",
	        .host_ip = "10.0.0.1",
	        .failed_reason = failed,
	        .failed_message = "why",
	};
	json_t *status;

	views_of(letters, views, list, container);
	status = pod_status_make(&view, 1000);
	json_decref(container);
	return status;
}

static void test_pod_status_phase_is_the_kubelets(void **state)
{
	static const struct {
		const char *policy;
		const char *letters;
		const char *want;
	} cases[] = {
	        {"Always", "W", "Pending"},    {"Always", "R", "Running"},
	        {"Always", "RW", "Pending"},   {"Always", "B", "Running"},
	        {"Always", "S", "Running"},    {"Never", "S", "Succeeded"},
	        {"Never", "F", "Failed"},      {"Never", "SF", "Failed"},
	        {"Never", "RF", "Running"},    {"OnFailure", "S", "Succeeded"},
	        {"OnFailure", "F", "Running"}, {"Always", "wW", "Pending"},
	        {"Always", "sR", "Running"},   {"Never", "fW", "Failed"},
	        {"Always", "fW", "Pending"},   {"Never", "rW", "Pending"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *pod = json_pack("{s:{s:s}}", "spec", "restartPolicy", cases[i].policy);
		json_t *status = status_of(pod, cases[i].letters, NULL);

		assert_string_equal(json_str_at(status, "", "phase", NULL), cases[i].want);
		json_decref(status);
		json_decref(pod);
	}
}

static const char *condition_of(const json_t *status, const char *type)
{
	json_t *object = json_pack("{s:O}", "status", json_ref(status));
	const char *value = json_str_at(kube_condition(object, type), "none", "status", NULL);

	json_decref(object);
	return value;
}

static void test_pod_status_is_ready_with_all_containers_and_gates(void **state)
{
	json_t *plain = js("{'spec': {}}");
	json_t *gated = js("{'spec': {'readinessGates': [{'conditionType': 'g'}]}}");
	json_t *open = js("{'spec': {'readinessGates': [{'conditionType': 'g'}]},"
	                  "'status': {'conditions': [{'type': 'g', 'status': 'True'}]}}");
	const struct {
		json_t *pod;
		const char *letters;
		const char *containers_ready;
		const char *ready;
	} cases[] = {
	        {plain, "R", "True", "True"},  {plain, "RN", "False", "False"},
	        {gated, "R", "True", "False"}, {open, "R", "True", "True"},
	        {open, "N", "False", "False"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *status = status_of(cases[i].pod, cases[i].letters, NULL);

		assert_string_equal(condition_of(status, "ContainersReady"),
		                    cases[i].containers_ready);
		assert_string_equal(condition_of(status, "Ready"), cases[i].ready);
		json_decref(status);
	}
	json_decref(plain);
	json_decref(gated);
	json_decref(open);
}

static void test_pod_status_keeps_the_conditions_of_others(void **state)
{
	json_t *pod =
	        js("{'spec': {}, 'status': {'conditions': [{'type': 'x', 'status': 'True'}]}}");
	json_t *status = status_of(pod, "W", NULL);

	(void)state;
	assert_string_equal(condition_of(status, "x"), "True");
	assert_string_equal(condition_of(status, "PodScheduled"), "True");
	json_decref(status);
	json_decref(pod);
}

static void test_pod_status_tells_a_refused_pod(void **state)
{
	json_t *pod = js("{'spec': {}}");
	json_t *status = status_of(pod, "W", "Unsupported");

	(void)state;
	assert_string_equal(json_str_at(status, "", "phase", NULL), "Failed");
	assert_string_equal(json_str_at(status, "", "reason", NULL), "Unsupported");
	assert_string_equal(json_str_at(status, "", "message", NULL), "why");
	json_decref(status);
	json_decref(pod);
}

static void test_pod_status_restarts_by_policy(void **state)
{
	static const struct {
		const char *policy;
		bool init;
		int code;
		bool want;
	} cases[] = {
	        {"Always", false, 0, true},     {"Always", false, 1, true},
	        {"OnFailure", false, 0, false}, {"OnFailure", false, 1, true},
	        {"Never", false, 1, false},     {"Always", true, 0, false},
	        {"Always", true, 1, true},      {"Never", true, 1, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *pod = json_pack("{s:{s:s}}", "spec", "restartPolicy", cases[i].policy);

		assert_int_equal(pod_ctr_should_restart(pod, cases[i].init, cases[i].code),
		                 cases[i].want);
		json_decref(pod);
	}
}

static void test_pod_status_knows_the_class_of_service(void **state)
{
	static const struct {
		const char *resources;
		const char *want;
	} cases[] = {
	        {"{}", "BestEffort"},
	        {"{'requests': {'cpu': '1'}}", "Burstable"},
	        {"{'limits': {'cpu': '1', 'memory': '1Gi'}}", "Guaranteed"},
	        {"{'limits': {'cpu': '1', 'memory': '1Gi'}, 'requests': {'cpu': '1m'}}",
	         "Burstable"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *pod = json_pack("{s:{s:[{s:o}]}}", "spec", "containers", "resources",
		                        js(cases[i].resources));

		assert_string_equal(pod_status_qos(pod), cases[i].want);
		json_decref(pod);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pod_status_phase_is_the_kubelets),
	        cmocka_unit_test(test_pod_status_is_ready_with_all_containers_and_gates),
	        cmocka_unit_test(test_pod_status_keeps_the_conditions_of_others),
	        cmocka_unit_test(test_pod_status_tells_a_refused_pod),
	        cmocka_unit_test(test_pod_status_restarts_by_policy),
	        cmocka_unit_test(test_pod_status_knows_the_class_of_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
