/* SPDX-License-Identifier: Apache-2.0 */
/* The plan when something is wrong: what is done, and what the user is told to do. */
#include "tests/unit/controller/fixture.h"

#include <string.h>

#include "lib/api/names.h"
#include "lib/kube/client/object.h"

static void test_plan_makes_a_provider_anew_and_leaves_the_consumer(void **state)
{
	struct fixture *f = *state;

	fixture_awake(f);
	json_object_set_new(json_object_get(pod(f, "hello-provider"), "metadata"),
	                    "deletionTimestamp", json_string("2026-01-01T00:00:00Z"));
	settle(f, "provider deleted");
	pod_gone(f, "hello-provider");
	settle(f, "provider gone");
	expect_trace(f, "provider deleted -> container=same\n"
	                "provider gone -> create:hello-provider\n"
	                "      -> container=same\n");
	assert_string_equal(
	        json_str_at(json_array_get(
	                            json_at(json_array_get(json_at(pod(f, "hello-provider"), "spec",
	                                                           "affinity", "nodeAffinity",
	                                                           "requiredDuringSchedulingIgnored"
	                                                           "DuringExecution",
	                                                           "nodeSelectorTerms", NULL),
	                                                   0),
	                                    "matchFields", NULL),
	                            0),
	                    "", "key", NULL),
	        "metadata.name"); /* back to where the root filesystem is */
	assert_string_equal(instance_phase(f), "Running");
}

static void test_plan_replaces_an_evicted_provider_with_back_off(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	for (int i = 0; i < 3; i++) {
		pod_status(f, "hello-provider", "{\"phase\":\"Failed\",\"reason\":\"Evicted\"}");
		settle(f, "evicted");
		pod_gone(f, "hello-provider");
		settle(f, "gone");
		f->now.now_ms += f->last.again_ms;
		settle(f, "later");
	}
	expect_trace(f, "evicted -> delete:hello-provider instance=same container=same\n"
	                "gone -> create:hello-provider\n"
	                "      -> instance=same container=same\n"
	                "evicted -> delete:hello-provider instance=same container=same !PodEnded\n"
	                "later -> create:hello-provider container=same\n"
	                "      -> instance=same container=same\n"
	                "evicted -> delete:hello-provider instance=same container=same !PodEnded\n"
	                "later -> create:hello-provider container=same\n"
	                "      -> instance=same container=same\n");
}

static void test_plan_makes_a_consumer_deleted_by_hand_again_at_once(void **state)
{
	struct fixture *f = *state;

	fixture_awake(f);
	json_object_set_new(json_object_get(pod(f, "hello"), "metadata"), "deletionTimestamp",
	                    json_string("2026-01-01T00:00:00Z"));
	settle(f, "deleted by hand");
	assert_string_equal(phase(f), "ProviderReady"); /* never Running with a deletionTimestamp */
	agent_says(f, "hello-2", "Listening");
	pod_gone(f, "hello");
	settle(f, "listening");
	expect_trace(f, "deleted by hand -> create:hello-2 instance=ConsumerStarting "
	                "container=ProviderReady\n"
	                "      -> instance=same\n"
	                "listening -> container=Running !Running\n");
}

static void test_plan_replaces_an_evicted_consumer(void **state)
{
	struct fixture *f = *state;

	fixture_awake(f);
	pod_status(f, "hello", "{\"phase\":\"Failed\",\"reason\":\"Evicted\"}");
	settle(f, "evicted");
	assert_string_not_equal(phase(f), "Running");
	pod_gone(f, "hello");
	settle(f, "gone");
	expect_trace(f,
	             "evicted -> delete:hello instance=ConsumerStarting container=ProviderReady\n"
	             "      -> create:hello-2\n"
	             "      -> instance=same\n");
}

static void test_plan_tells_a_missing_command(void **state)
{
	struct fixture *f = *state;
	char said[256];

	fixture_asleep(f, NULL);
	set_running(f, true);
	settle(f, "wake");
	(void)snprintf(said, sizeof said,
	               "{\"podUID\":\"%s\",\"state\":\"Failed\",\"reason\":\"CommandNotFound\","
	               "\"message\":\"/serve: no such file\"}",
	               kube_uid(pod(f, "hello")));
	agent_says_more(f, said);
	settle(f, "agent");
	assert_string_equal(instance_phase(f), "Failed");
	expect_condition(f, "Ready", "False", "CommandNotFound", "/serve: no such file");
	expect_condition(f, "ConsumerReady", "False", "CommandNotFound", "/serve");
	assert_non_null(strstr(json_str_at(f->instance, "", "status", "message", NULL),
	                       "CommandNotFound: /serve"));
}

static void test_plan_uses_the_images_entrypoint_and_tells_when_there_is_none(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, "{\"template\":{\"container\":{\"command\":null}}}");
	json_object_del(json_at(f->instance, "status", "image", NULL), "entrypoint");
	set_running(f, true);
	settle(f, "wake");
	assert_null(pod(f, "hello"));
	assert_string_equal(instance_phase(f), "Failed");
	expect_condition(f, "Ready", "False", "NoCommand", "set command");
	json_object_set_new(json_at(f->instance, "status", "image", NULL), "entrypoint",
	                    json_pack("[s]", "/entry"));
	settle(f, "image has one");
	assert_non_null(pod(f, "hello"));
}

static void test_plan_waits_for_the_port_and_says_who_listens(void **state)
{
	struct fixture *f = *state;
	char said[256];

	fixture_asleep(f, NULL);
	set_running(f, true);
	settle(f, "wake");
	(void)snprintf(said, sizeof said,
	               "{\"podUID\":\"%s\",\"state\":\"Started\",\"message\":\"80 listens\"}",
	               kube_uid(pod(f, "hello")));
	agent_says_more(f, said);
	settle(f, "started");
	assert_string_equal(instance_phase(f), "ConsumerStarting"); /* no failure */
	expect_condition(f, "ConsumerReady", "False", "WaitingForPort",
	                 "the process runs, but 80 listens");
	/* A Pod without a readiness probe is Ready as soon as the wrapper runs: that is no answer.
	 */
	pod_status(f, "hello", "{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}");
	settle(f, "pod ready");
	assert_string_equal(instance_phase(f), "ConsumerStarting");
}

static void test_plan_takes_started_for_running_without_a_port(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, "{\"template\":{\"container\":{\"ports\":null}}}");
	set_running(f, true);
	settle(f, "wake");
	agent_says(f, "hello", "Started");
	settle(f, "started");
	assert_string_equal(phase(f), "Running");
	expect_condition(f, "Activatable", "False", "NoPort", "containerPort");
}

static void hold(struct fixture *f, enum held what, const char *reason, const char *text)
{
	const struct memory_attempt attempt = {what, kube_generation(f->container), f->now.now_ms};

	memory_hold(&f->memory, &attempt, reason, text);
}

static void test_plan_tells_what_the_api_server_refused(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	set_running(f, true);
	hold(f, HELD_CONSUMER, "ConsumerRejected", "violates PodSecurity \"restricted\"");
	settle(f, "refused");
	assert_string_equal(instance_phase(f), "Failed");
	expect_condition(f, "Ready", "False", "ConsumerRejected", "violates PodSecurity");
	assert_int_equal(f->last.again_ms, 1000);
	f->now.now_ms += 1000;
	settle(f, "after the back-off");
	expect_trace(f, "refused -> patch-instance(running=true) instance=Failed container=Failed "
	                "!ConsumerRejected\n"
	                "after the back-off -> create:hello instance=ConsumerStarting "
	                "container=ProviderReady\n"
	                "      -> instance=same\n");
}

static void test_plan_tries_a_refused_start_at_once_in_a_new_generation(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	set_running(f, true);
	hold(f, HELD_CONSUMER, "ConsumerRejected", "no");
	settle(f, "refused");
	set_running(f, false);
	settle(f, "stop");
	assert_string_equal(phase(f), "Stopped");
	set_running(f, true);
	settle(f, "wake");
	assert_non_null(pod(f, "hello"));
}

static void test_plan_applies_a_changed_template_at_the_next_start(void **state)
{
	struct fixture *f = *state;

	fixture_awake(f);
	spec(f, "{\"template\":{\"container\":{\"env\":[{\"name\":\"A\",\"value\":\"1\"}]}}}");
	settle(f, "template");
	assert_string_equal(phase(f), "Running");
	expect_condition(f, "TemplateChanged", "True", "AppliedAtNextStart", "stop and start");
	set_running(f, false);
	settle(f, "stop");
	assert_null(condition(f, "TemplateChanged"));
	pod_gone(f, "hello");
	set_running(f, true);
	settle(f, "wake");
	expect_trace(f, "template -> patch-instance instance=same container=same !TemplateChanged\n"
	                "stop -> delete:hello patch-instance(running=false) instance=Stopping "
	                "container=Stopping !Stopping\n"
	                "wake -> create:hello\n");
	assert_null(condition(f, "TemplateChanged"));
}

static void test_plan_waits_for_the_agent_after_a_changed_user(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	spec(f, "{\"running\":true,\"template\":{\"container\":{\"securityContext\":{"
	        "\"runAsUser\":7}}}}");
	settle(f, "wake");
	assert_null(pod(f, "hello")); /* which groups are that user's is not known yet */
	expect_condition(f, "RootfsReady", "False", "Preparing", "");
	(void)json_object_set_new(json_at(f->instance, "status", "image", NULL), "runAsUser",
	                          json_integer(7));
	settle(f, "agent");
	assert_non_null(pod(f, "hello"));
}

static void test_plan_waits_for_the_agent_after_a_changed_image(void **state)
{
	struct fixture *f = *state;

	fixture_awake(f);
	spec(f, "{\"template\":{\"container\":{\"image\":\"app:2\"}}}");
	settle(f, "image");
	set_running(f, false);
	settle(f, "stop");
	pod_gone(f, "hello");
	settle(f, "gone");
	pod_gone(f, "hello-provider");
	set_running(f, true);
	settle(f, "old provider gone, wake");
	assert_null(pod(f, "hello")); /* what the agent said was of the old image */
	agent_rootfs(f, "{\"state\":\"Failed\",\"reason\":\"DigestChanged\","
	                "\"message\":\"made from sha256:1\"}");
	settle(f, "agent");
	assert_string_equal(phase(f), "Failed");
	expect_condition(f, "Ready", "False", "DigestChanged", "made from sha256:1");
	expect_condition(f, "RootfsReady", "False", "DigestChanged", "sha256:1");
	expect_trace(f, "image -> patch-instance instance=same container=same !TemplateChanged\n"
	                "stop -> delete:hello patch-instance(running=false) instance=Stopping "
	                "container=Stopping !Stopping\n"
	                "      -> delete:hello-provider\n"
	                "gone -> instance=Pending container=Pending\n"
	                "old provider gone, wake -> create:hello-provider "
	                "patch-instance(running=true) instance=same container=same\n"
	                "      -> instance=ProviderStarting container=same\n"
	                "agent -> instance=Failed container=Failed !DigestChanged\n");
}

static void test_plan_pulls_again_when_the_image_is_gone(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	agent_rootfs(f,
	             "{\"state\":\"Failed\",\"reason\":\"ImageGone\",\"message\":\"no layers\"}");
	settle(f, "image gone");
	pod_gone(f, "hello-provider");
	settle(f, "provider gone");
	expect_trace(f, "image gone -> delete:hello-provider instance=ProviderReady "
	                "container=ProviderReady\n"
	                "      -> instance=Pending container=Pending\n"
	                "provider gone -> create:hello-provider\n"
	                "      -> instance=ProviderStarting container=same\n");
}

static void test_plan_tells_an_invalid_template_and_still_stops(void **state)
{
	struct fixture *f = *state;

	fixture_awake(f);
	spec(f, "{\"template\":{\"container\":null}}");
	settle(f, "invalid");
	assert_string_equal(phase(f), "Running"); /* what runs goes on */
	set_running(f, false);
	settle(f, "stop");
	pod_gone(f, "hello");
	settle(f, "gone");
	assert_string_equal(phase(f), "Failed");
	expect_condition(f, "Ready", "False", "TemplateInvalid", "spec.template");
}

static void test_plan_tells_host_and_service_conflicts(void **state)
{
	struct fixture *f = *state;
	const char *list[] = {"10.0.0.1:8000", NULL};

	f->hosts_reason = "HostConflict";
	fixture_asleep(f, NULL);
	expect_condition(f, "Activatable", "False", "HostConflict", "default/older");
	f->hosts_reason = NULL;

	assert_int_equal(service_target_parse(list, &f->config.target, NULL), 0);
	hold(f, HELD_SERVICE, "ServiceConflict", "a Service hello is in the way");
	settle(f, "conflict");
	assert_null(f->service);
	assert_null(f->slice); /* it would join the foreign Service */
	expect_condition(f, "Activatable", "False", "ServiceConflict", "in the way");
}

static void test_plan_never_overwrites_a_foreign_service_or_instance(void **state)
{
	struct fixture *f = *state;
	const char *list[] = {"10.0.0.1:8000", NULL};

	assert_int_equal(service_target_parse(list, &f->config.target, NULL), 0);
	fixture_container(f, NULL);
	f->instance = json_pack("{s:{s:s,s:s,s:s}}", "metadata", "name", "hello", "namespace",
	                        "default", "uid", "foreign");
	f->deaf = true;
	plan_once(f, "new");
	expect_trace(f,
	             "new -> patch-container create-service container=Failed !InstanceConflict\n");
	f->deaf = false;
	json_object_del(json_object_get(f->container, "metadata"), "finalizers");
	f->service = json_pack("{s:{s:s,s:s,s:s}}", "metadata", "name", "hello", "namespace",
	                       "default", "uid", "foreign");
	f->deaf = true;
	plan_once(f, "foreign Service");
	expect_trace(f, "foreign Service -> patch-container create-service container=Failed "
	                "!InstanceConflict\n");
}

static void test_plan_tells_a_lost_node_and_never_starts_on_an_empty_root(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	f->node_missing = true;
	set_running(f, true);
	settle(f, "wake");
	assert_null(pod(f, "hello"));
	assert_string_equal(phase(f), "Failed");
	expect_condition(f, "Ready", "False", "NodeLost", "node-a");
	expect_condition(f, "RootfsReady", "False", "NodeLost", "abandon-rootfs");
}

static void test_plan_tells_a_node_that_does_not_answer(void **state)
{
	struct fixture *f = *state;

	fixture_awake(f);
	assert_null(condition(f, "NodeReady"));
	f->node_silent = true;
	settle(f, "silent");
	assert_string_equal(phase(f), "Running"); /* for all that is known */
	expect_condition(f, "NodeReady", "False", "NodeNotReady", "node node-a is not Ready");
	f->node_silent = false;
	settle(f, "back");
	assert_null(condition(f, "NodeReady"));
}

static void test_plan_abandons_the_rootfs_when_told(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	json_object_update_new(json_object_get(f->instance, "metadata"),
	                       json_pack("{s:[ss],s:s,s:{s:s}}", "finalizers", "other",
	                                 SC_FINALIZER_NODE, "deletionTimestamp",
	                                 "2026-01-01T00:00:00Z", "annotations",
	                                 PLAN_ANNOTATION_ABANDON_ROOTFS, "true"));
	json_object_set_new(json_object_get(f->container, "metadata"), "deletionTimestamp",
	                    json_string("2026-01-01T00:00:00Z"));
	plan_once(f, "abandoned");
	assert_false(kube_has_finalizer(f->instance, SC_FINALIZER_NODE));
	assert_true(kube_has_finalizer(f->instance, "other"));
}

static void test_plan_waits_for_an_instance_deleted_by_hand(void **state)
{
	struct fixture *f = *state;

	fixture_awake(f);
	json_object_set_new(json_object_get(f->instance, "metadata"), "deletionTimestamp",
	                    json_string("2026-01-01T00:00:00Z"));
	settle(f, "instance deleted");
	pod_gone(f, "hello");
	settle(f, "consumer gone");
	pod_gone(f, "hello-provider");
	instance_gone(f);
	settle(f, "instance gone");
	expect_trace(
	        f,
	        "instance deleted -> delete:hello instance=Stopping container=Stopping !Stopping\n"
	        "consumer gone -> delete:hello-provider\n"
	        "instance gone -> create-instance container=Pending\n"
	        "      -> create:hello-provider instance=Pending container=same\n"
	        "      -> instance=ProviderStarting container=same\n");
}

static void test_plan_forgets_no_delete_whose_answer_was_lost(void **state)
{
	struct fixture *f = *state;

	fixture_awake(f);
	set_running(f, false);
	f->deaf = true;
	plan_once(f, "stop"); /* no answer: it may still arrive */
	f->deaf = false;
	set_running(f, true);
	settle(f, "wake");
	expect_trace(f, "stop -> delete:hello patch-instance(running=false) instance=Stopping "
	                "container=Stopping !Stopping\n"
	                "wake -> delete:hello create:hello-2 instance=ConsumerStarting "
	                "container=ProviderReady\n"
	                "      -> instance=same\n");
}

static void test_plan_starts_under_another_name_beside_a_foreign_pod(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	f->memory.plain_name_taken = true;
	set_running(f, true);
	settle(f, "wake");
	assert_null(pod(f, "hello"));
	assert_non_null(pod(f, "hello-1"));
}

static void test_plan_ignores_pods_that_only_carry_its_labels(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	f->pods[f->pods_count++] =
	        json_pack("{s:{s:s,s:s,s:s,s:{s:s,s:s}}}", "metadata", "name", "liar", "namespace",
	                  "default", "uid", "liar", "labels", SC_LABEL_INSTANCE, "hello",
	                  SC_LABEL_ROLE, SC_ROLE_CONSUMER);
	settle(f, "liar");
	set_running(f, true);
	settle(f, "wake");
	assert_non_null(pod(f, "hello"));
	set_running(f, false);
	settle(f, "stop");
	assert_false(kube_is_deleting(pod(f, "liar")));
	pod_gone(f, "liar");
}

static void test_plan_deletes_the_older_of_two_live_consumers(void **state)
{
	struct fixture *f = *state;
	json_t *copy;

	fixture_awake(f);
	copy = json_deep_copy(pod(f, "hello"));
	json_object_update_new(json_object_get(copy, "metadata"),
	                       json_pack("{s:s,s:s,s:{s:s}}", "name", "hello-7", "uid", "u7x",
	                                 "annotations", SC_ANNOTATION_START, "7"));
	f->pods[f->pods_count++] = copy;
	settle(f, "second one seen");
	assert_true(kube_is_deleting(pod(f, "hello")));
	assert_string_equal(json_str_at(f->instance, "", "status", "consumerPodUID", NULL), "u7x");
}

static void test_plan_refuses_a_name_that_is_no_label(void **state)
{
	struct fixture *f = *state;

	fixture_container(f, NULL);
	json_object_set_new(json_object_get(f->container, "metadata"), "name",
	                    json_string("a123456789012345678901234567890123456789012345678901234567"
	                                "89012345"));
	settle(f, "new");
	assert_null(f->instance);
	expect_condition(f, "Ready", "False", "TemplateInvalid", "63 characters");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_plan_makes_a_provider_anew_and_leaves_the_consumer),
	        T(test_plan_replaces_an_evicted_provider_with_back_off),
	        T(test_plan_makes_a_consumer_deleted_by_hand_again_at_once),
	        T(test_plan_replaces_an_evicted_consumer),
	        T(test_plan_tells_a_missing_command),
	        T(test_plan_uses_the_images_entrypoint_and_tells_when_there_is_none),
	        T(test_plan_waits_for_the_port_and_says_who_listens),
	        T(test_plan_takes_started_for_running_without_a_port),
	        T(test_plan_tells_what_the_api_server_refused),
	        T(test_plan_tries_a_refused_start_at_once_in_a_new_generation),
	        T(test_plan_applies_a_changed_template_at_the_next_start),
	        T(test_plan_waits_for_the_agent_after_a_changed_user),
	        T(test_plan_waits_for_the_agent_after_a_changed_image),
	        T(test_plan_pulls_again_when_the_image_is_gone),
	        T(test_plan_tells_an_invalid_template_and_still_stops),
	        T(test_plan_tells_host_and_service_conflicts),
	        T(test_plan_never_overwrites_a_foreign_service_or_instance),
	        T(test_plan_tells_a_lost_node_and_never_starts_on_an_empty_root),
	        T(test_plan_tells_a_node_that_does_not_answer),
	        T(test_plan_abandons_the_rootfs_when_told),
	        T(test_plan_waits_for_an_instance_deleted_by_hand),
	        T(test_plan_forgets_no_delete_whose_answer_was_lost),
	        T(test_plan_starts_under_another_name_beside_a_foreign_pod),
	        T(test_plan_ignores_pods_that_only_carry_its_labels),
	        T(test_plan_deletes_the_older_of_two_live_consumers),
	        T(test_plan_refuses_a_name_that_is_no_label),
	};

	return cmocka_run_group_tests_name("controller-plan-faults", tests, NULL, NULL);
}
