/* SPDX-License-Identifier: Apache-2.0 */
/* The plan when the kubelet says why a container waits: what is a failure, and when. */
#include "tests/unit/controller/fixture.h"

#include <string.h>

#include "lib/kube/client/object.h"

static void waiting_with(struct fixture *f, const char *pod_name, const char *reason,
                         const char *message)
{
	char text[512];

	(void)snprintf(text, sizeof text,
	               "{\"containerStatuses\":[{\"name\":\"main\",\"state\":{\"waiting\":{"
	               "\"reason\":\"%s\","
	               "\"message\":\"%s\"}},"
	               "\"lastState\":{\"terminated\":{\"exitCode\":3}}}]}",
	               reason, message);
	pod_status(f, pod_name, text);
}

static void waiting(struct fixture *f, const char *pod_name, const char *reason)
{
	waiting_with(f, pod_name, reason, "kubelet's words");
}

static void test_plan_tells_why_the_runtime_cannot_start_a_pod(void **state)
{
	struct fixture *f = *state;

	fixture_container(f, "{\"running\":true}");
	settle(f, "new");
	pod_status(
	        f, "hello-provider",
	        "{\"containerStatuses\":[{\"name\":\"provider\",\"state\":{\"waiting\":{\"reason\":"
	        "\"CrashLoopBackOff\",\"message\":\"back-off 10s\"}},\"lastState\":"
	        "{\"terminated\":{\"exitCode\":128,\"reason\":\"StartError\","
	        "\"message\":\"/proc is no folder\"}}}]}");
	settle(f, "start error");
	assert_string_equal(instance_phase(f), "Failed");
	expect_condition(f, "Ready", "False", "StartError",
	                 "cannot be started: /proc is no folder");
}

static void test_plan_waits_for_a_runtime_that_fails_for_a_moment(void **state)
{
	static const char *const reasons[] = {"CreateContainerError", "RunContainerError",
	                                      "ImageInspectError"};
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	set_running(f, true);
	settle(f, "wake");
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		waiting(f, "hello", reasons[i]);
		settle(f, "trouble");
		assert_string_equal(instance_phase(f), "ConsumerStarting"); /* held requests wait */
		expect_condition(f, "ConsumerReady", "False", reasons[i], "kubelet's words");
		expect_condition(f, "Ready", "False", "ConsumerStarting", "kubelet's words");
		f->now.now_ms += 5000;
	}
	assert_int_equal(f->last.again_ms, MEMORY_TROUBLE_MAX_MS - 10000);
	agent_says(f, "hello", "Listening");
	settle(f, "listening");
	assert_string_equal(phase(f), "Running");
}

static void test_plan_calls_it_a_failure_when_the_runtime_goes_on_to_fail(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	set_running(f, true);
	settle(f, "wake");
	waiting(f, "hello", "CreateContainerError");
	settle(f, "trouble");
	f->now.now_ms += f->last.again_ms;
	settle(f, "it lasts");
	assert_string_equal(instance_phase(f), "Failed");
	expect_condition(f, "Ready", "False", "CreateContainerError", "kubelet's words");
	assert_int_equal(f->last.again_ms, 0);
	/* another Pod has its own time */
	set_running(f, false);
	settle(f, "stop");
	pod_gone(f, "hello");
	set_running(f, true);
	settle(f, "wake");
	waiting(f, "hello", "CreateContainerError");
	settle(f, "trouble");
	assert_string_equal(instance_phase(f), "ConsumerStarting");
}

static void test_plan_waits_for_the_runtime_of_a_provider_too(void **state)
{
	struct fixture *f = *state;

	fixture_container(f, "{\"running\":true}");
	settle(f, "new");
	waiting(f, "hello-provider", "CreateContainerError");
	settle(f, "trouble");
	assert_string_equal(instance_phase(f), "ProviderStarting");
	expect_condition(f, "ProviderReady", "False", "CreateContainerError", "kubelet's words");
	f->now.now_ms += f->last.again_ms;
	settle(f, "it lasts");
	assert_string_equal(instance_phase(f), "Failed");
}

static void test_plan_fails_at_once_for_what_a_user_has_to_mend(void **state)
{
	static const char *const reasons[] = {"CreateContainerConfigError", "PostStartHookError"};
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	set_running(f, true);
	settle(f, "wake");
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		waiting(f, "hello", reasons[i]);
		settle(f, "error");
		assert_string_equal(instance_phase(f), "Failed");
		expect_condition(f, "Ready", "False", reasons[i], "kubelet's words");
	}
}

static void test_plan_tells_an_image_that_cannot_be_pulled(void **state)
{
	struct fixture *f = *state;

	fixture_container(f, "{\"running\":true}");
	settle(f, "new");
	f->trace[0] = '\0';
	waiting(f, "hello-provider", "ErrImagePull");
	settle(f, "pull fails");
	assert_string_equal(instance_phase(f), "Failed");
	expect_condition(f, "Ready", "False", "ImagePullFailed", "\"app:1\" cannot be pulled");
	expect_condition(f, "ProviderReady", "False", "ImagePullFailed", "imagePullSecrets");
	waiting(f, "hello-provider", "ImagePullBackOff");
	settle(f, "and again"); /* no second Event */
	expect_trace(f, "pull fails -> instance=Failed container=Failed !ImagePullFailed\n"
	                "and again -> instance=same container=same\n");
}

static void test_plan_waits_for_a_runtime_that_goes_away_in_a_pull(void **state)
{
	static const char died[] = "failed to pull image app:1: rpc error: code = Unavailable "
	                           "desc = error reading from server: EOF";
	static const char back_off[] =
	        "Back-off pulling image app:1: ErrImagePull: rpc error: code = Unavailable desc = "
	        "dial unix /run/containerd/containerd.sock: connect: connection refused";
	static const char registry[] = "rpc error: code = Unknown desc = failed to do request: "
	                               "dial tcp 10.0.0.1:5000: connect: connection refused";
	struct fixture *f = *state;

	fixture_container(f, "{\"running\":true}");
	settle(f, "new");
	waiting_with(f, "hello-provider", "ErrImagePull", died);
	settle(f, "died");
	assert_string_equal(instance_phase(f), "ProviderStarting");
	expect_condition(f, "ProviderReady", "False", "ErrImagePull", "EOF");
	waiting_with(f, "hello-provider", "ImagePullBackOff", back_off);
	f->now.now_ms += 5000;
	settle(f, "back-off");
	assert_string_equal(instance_phase(f), "ProviderStarting");
	assert_int_equal(f->last.again_ms, MEMORY_TROUBLE_MAX_MS - 5000);
	f->now.now_ms += f->last.again_ms;
	settle(f, "it lasts");
	assert_string_equal(instance_phase(f), "Failed");
	expect_condition(f, "Ready", "False", "ImagePullBackOff", "connection refused");
	waiting_with(f, "hello-provider", "ErrImagePull", registry);
	settle(f, "the registry's");
	assert_string_equal(instance_phase(f), "Failed");
	expect_condition(f, "Ready", "False", "ImagePullFailed", "10.0.0.1:5000");
}

static void test_plan_keeps_waking_while_a_new_provider_is_pulled(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	pod_gone(f, "hello-provider"); /* evicted or deleted by hand */
	settle(f, "provider gone");
	waiting(f, "hello-provider", "ImagePullBackOff");
	settle(f, "pull fails");
	assert_string_equal(instance_phase(f), "Stopped");
	set_running(f, true);
	settle(f, "wake");
	expect_trace(f, "provider gone -> create:hello-provider instance=same container=same\n"
	                "      -> instance=same container=same\n"
	                "pull fails -> container=same !ImagePullFailed\n"
	                "wake -> create:hello\n");
}

static void test_plan_tells_a_crash_loop_as_failed_until_it_is_over(void **state)
{
	struct fixture *f = *state;

	fixture_awake(f);
	agent_says(f, "hello", "Exited");
	waiting(f, "hello", "CrashLoopBackOff");
	settle(f, "back-off");
	assert_string_equal(phase(f), "Failed");
	expect_condition(f, "ConsumerReady", "False", "CrashLoopBackOff",
	                 "(last exit code 3): see kubectl logs --previous -n default hello");
	agent_says(f, "hello", "Listening"); /* before the kubelet tells it */
	settle(f, "back");
	assert_string_equal(phase(f), "Running");
}

static void expect_last_termination(const struct fixture *f, const char *reason, int exit_code)
{
	const json_t *end = json_at(f->container, "status", "lastTermination", NULL);

	assert_string_equal(json_str_at(end, "", "reason", NULL), reason);
	assert_int_equal(json_int_at(end, -1, "exitCode", NULL), exit_code);
}

/* Kubelets sort containers by name; a sidecar's end is not the container's. */
static void test_plan_tells_the_end_of_the_main_container(void **state)
{
	static const char ended[] =
	        "{\"containerStatuses\":[{\"name\":\"a\",\"lastState\":{\"terminated\":"
	        "{\"exitCode\":137,\"reason\":\"OOMKilled\"}}},{\"name\":\"main\"%s}]}";
	struct fixture *f = *state;
	char text[512];

	fixture_asleep(f, "{}");
	set_running(f, true);
	settle(f, "wake");
	agent_says(f, "hello", "Listening");
	(void)snprintf(text, sizeof text, ended, "");
	pod_status(f, "hello", text);
	settle(f, "listening");
	assert_null(json_at(f->container, "status", "lastTermination", NULL));
	expect_condition(f, "ConsumerReady", "True", "Listening", "port 8080 answers");
	(void)snprintf(text, sizeof text, ended,
	               ",\"state\":{\"terminated\":{\"exitCode\":0,\"reason\":\"Completed\","
	               "\"finishedAt\":\"2026-01-02T03:04:05Z\"}}");
	pod_status(f, "hello", text);
	settle(f, "ended");
	expect_last_termination(f, "Completed", 0);
	set_running(f, false);
	settle(f, "stop");
	assert_null(json_at(f->container, "status", "lastTermination", NULL));
}

/* An exit code of 137 is any SIGKILL; the kubelet knows which of them was for want of memory. */
static void test_plan_tells_that_the_memory_was_not_enough(void **state)
{
	static const char ended[] =
	        "{\"containerStatuses\":[{\"name\":\"main\",\"state\":%s,\"lastState\":"
	        "{\"terminated\":{\"exitCode\":137,\"reason\":\"%s\"}}}]}";
	struct fixture *f = *state;
	char text[512];

	fixture_asleep(f, "{\"template\":{\"container\":{\"resources\":{\"limits\":{\"memory\":"
	                  "\"64Mi\"}}}}}");
	set_running(f, true);
	settle(f, "wake");
	agent_says(f, "hello", "Listening");
	settle(f, "listening");
	agent_says(f, "hello", "Exited");
	(void)snprintf(text, sizeof text, ended, "{}", "Error");
	pod_status(f, "hello", text);
	settle(f, "killed by hand");
	expect_condition(f, "ConsumerReady", "False", "Exited", "ended with exit code");
	f->trace[0] = '\0';
	(void)snprintf(text, sizeof text, ended, "{}", "OOMKilled");
	pod_status(f, "hello", text);
	settle(f, "killed");
	later(f);
	expect_condition(f, "ConsumerReady", "False", "OOMKilled",
	                 "it used more memory than its limit of 64Mi");
	expect_last_termination(f, "OOMKilled", 137);
	agent_says(f, "hello", "Listening");
	settle(f, "again");
	expect_condition(f, "ConsumerReady", "True", "Listening",
	                 "port 8080 answers; the process before was killed (OOMKilled: it used "
	                 "more memory than its limit of 64Mi)");
	agent_says(f, "hello", "Exited");
	(void)snprintf(text, sizeof text, ended,
	               "{\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off\"}}",
	               "OOMKilled");
	pod_status(f, "hello", text);
	settle(f, "in a loop");
	expect_condition(f, "Ready", "False", "OOMKilled", "again and again (OOMKilled: it used");
	expect_last_termination(f, "OOMKilled", 137);
	expect_trace(f, "later -> instance=same container=same !OOMKilled\n"
	                "again -> instance=Running container=Running !Running\n"
	                "in a loop -> instance=Failed container=Failed !OOMKilled\n");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_plan_tells_why_the_runtime_cannot_start_a_pod),
	        T(test_plan_waits_for_a_runtime_that_fails_for_a_moment),
	        T(test_plan_calls_it_a_failure_when_the_runtime_goes_on_to_fail),
	        T(test_plan_waits_for_the_runtime_of_a_provider_too),
	        T(test_plan_fails_at_once_for_what_a_user_has_to_mend),
	        T(test_plan_tells_an_image_that_cannot_be_pulled),
	        T(test_plan_waits_for_a_runtime_that_goes_away_in_a_pull),
	        T(test_plan_keeps_waking_while_a_new_provider_is_pulled),
	        T(test_plan_tells_a_crash_loop_as_failed_until_it_is_over),
	        T(test_plan_tells_the_end_of_the_main_container),
	        T(test_plan_tells_that_the_memory_was_not_enough),
	};

	return cmocka_run_group_tests_name("controller-plan-kubelet", tests, NULL, NULL);
}
