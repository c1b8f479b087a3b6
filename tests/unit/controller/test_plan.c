/* SPDX-License-Identifier: Apache-2.0 */
/* The plan as it goes when nothing is wrong: traces of what is sent, in its order. */
#include "tests/unit/controller/fixture.h"

#include "controller/core/defer.h"
#include "lib/api/instance.h"
#include "lib/api/names.h"
#include "lib/kube/client/object.h"

#include <string.h>

static void test_plan_prepares_a_new_container_and_leaves_it_asleep(void **state)
{
	struct fixture *f = *state;

	fixture_container(f, NULL);
	settle(f, "new");
	pod_status(f, "hello-provider",
	           "{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}");
	settle(f, "provider ready");
	pod_placed(f, "hello-provider", "node-a");
	agent_rootfs(f, "{}");
	settle(f, "rootfs ready");
	expect_trace(f, "new -> patch-container create-instance container=Pending\n"
	                "      -> create:hello-provider instance=Pending container=same\n"
	                "      -> instance=ProviderStarting container=same\n"
	                "provider ready -> instance=ProviderReady container=ProviderReady\n"
	                "rootfs ready -> patch-instance instance=Stopped container=Stopped\n");
	/* an only empty entry clears them, and none are tracked from then on */
	assert_int_equal(json_array_size(json_at(f->instance, "metadata", "managedFields", NULL)),
	                 1);
}

static void test_plan_creates_the_consumer_before_anything_else(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	set_running(f, true);
	settle(f, "wake");
	agent_says(f, "hello", "HandedOver");
	settle(f, "handed over");
	agent_says(f, "hello", "Started");
	settle(f, "started");
	agent_says(f, "hello", "Listening");
	settle(f, "listening");
	later(f);
	expect_trace(f, "wake -> create:hello\n"
	                "listening -> container=Running !Running\n"
	                "later -> patch-instance(running=true)\n"
	                "      -> instance=Running\n");
}

static void test_plan_tells_a_passing_status_that_stays(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	set_running(f, true);
	settle(f, "wake");
	assert_int_equal(f->last.again_ms, DEFER_MS);
	f->now.now_ms += 500;
	agent_says(f, "hello", "Started");
	settle(f, "started");
	assert_int_equal(f->last.again_ms, DEFER_MS - 500);
	later(f);
	expect_condition(f, "Ready", "False", "ConsumerStarting", "nothing listens on port 8080");
	agent_says_more(f, "{\"message\":\"9090 listens\"}"); /* it lasts: told as it comes */
	settle(f, "other port");
	expect_condition(f, "Ready", "False", "ConsumerStarting", "9090 listens");
	set_running(f, false);
	settle(f, "stop");
	f->now.now_ms += f->last.again_ms;
	agent_says(f, "hello", "Exited");
	settle(f, "later");
	expect_trace(f, "wake -> create:hello\n"
	                "later -> patch-instance(running=true) instance=ConsumerStarting "
	                "container=ProviderReady\n"
	                "other port -> instance=same container=same\n"
	                "stop -> delete:hello patch-instance(running=false) instance=Stopping "
	                "container=Stopping !Stopping\n"
	                "later -> instance=Stopped container=Stopped !Stopped\n");
}

static void test_plan_tells_at_once_why_it_does_not_come_up(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	set_running(f, true);
	settle(f, "wake");
	agent_says(f, "hello", "Started");
	agent_says_more(f, "{\"message\":\"9090 listens\"}");
	f->memory.others_start = true;
	settle(f, "other port");
	expect_condition(f, "Ready", "False", "ConsumerStarting", "9090 listens");
}

static void test_plan_starts_at_once_when_made_running(void **state)
{
	struct fixture *f = *state;

	fixture_container(f, "{\"running\":true}");
	settle(f, "new");
	pod_status(f, "hello-provider",
	           "{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}");
	pod_placed(f, "hello-provider", "node-a");
	agent_rootfs(f, "{}");
	settle(f, "rootfs ready");
	expect_trace(f, "new -> patch-container create-instance container=Pending\n"
	                "      -> create:hello-provider instance=Pending container=same\n"
	                "      -> instance=ProviderStarting container=same\n"
	                "rootfs ready -> create:hello patch-instance instance=ConsumerStarting "
	                "container=ProviderReady\n"
	                "      -> instance=same\n");
}

static void test_plan_stops_and_keeps_the_provider(void **state)
{
	struct fixture *f = *state;

	fixture_awake(f);
	set_running(f, false);
	settle(f, "stop");
	agent_says(f, "hello", "Exited");
	settle(f, "exited");
	pod_gone(f, "hello");
	settle(f, "gone");
	expect_trace(f, "stop -> delete:hello patch-instance(running=false) instance=Stopping "
	                "container=Stopping !Stopping\n"
	                "exited -> instance=Stopped container=Stopped !Stopped\n");
	assert_non_null(pod(f, "hello-provider"));
}

static void test_plan_wakes_beside_the_dying_consumer(void **state)
{
	struct fixture *f = *state;

	fixture_awake(f);
	set_running(f, false);
	settle(f, "stop");
	set_running(f, true);
	settle(f, "wake");
	assert_string_equal(instance_phase(f), "Stopping"); /* not Running on a dying Pod */
	agent_says(f, "hello-2", "Listening");
	settle(f, "listening");
	pod_gone(f, "hello");
	settle(f, "old one gone");
	expect_trace(f, "stop -> delete:hello patch-instance(running=false) instance=Stopping "
	                "container=Stopping !Stopping\n"
	                "wake -> create:hello-2\n"
	                "listening -> container=Running !Running\n");
}

static void test_plan_collapses_two_quick_toggles(void **state)
{
	struct fixture *f = *state;

	fixture_awake(f);
	set_running(f, false);
	set_running(f, true); /* the stop was never acted on: the process stays */
	settle(f, "off and on");
	assert_string_equal(instance_phase(f), "Running");
	assert_int_equal(json_int_at(f->instance, 0, "status", "containerGeneration", NULL), 4);
	set_running(f, false);
	settle(f, "off");
	set_running(f, true);
	settle(f, "on");
	set_running(f, false);
	settle(f, "off");
	set_running(f, true);
	settle(f, "on");
	expect_trace(f, "off and on -> instance=same container=same\n"
	                "off -> delete:hello patch-instance(running=false) instance=Stopping "
	                "container=Stopping !Stopping\n"
	                "on -> create:hello-2\n"
	                "off -> delete:hello-2\n"
	                "on -> create:hello-3\n");
}

static void test_plan_never_names_a_dying_consumer(void **state)
{
	struct fixture *f = *state;
	struct instance_consumer read;

	fixture_awake(f);
	assert_string_equal(json_str_at(f->instance, "", "status", "consumerPodUID", NULL),
	                    kube_uid(pod(f, "hello")));
	set_running(f, false);
	plan_once(f, "stop"); /* in the very status that goes out beside the delete */
	assert_null(json_at(f->instance, "status", "consumerPodUID", NULL));
	set_running(f, true);
	plan_once(f, "wake");
	assert_null(json_at(f->instance, "status", "consumerPodUID", NULL));
	plan_once(f, "answered");
	instance_consumer(f->instance, INT64_MAX, &read);
	assert_string_equal(read.uid, "");
	agent_says(f, "hello-2", "Waiting");
	instance_consumer(f->instance, INT64_MAX, &read);
	assert_string_equal(read.uid, kube_uid(pod(f, "hello-2")));
}

static void test_plan_tells_running_after_the_starts_of_others(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	set_running(f, true);
	settle(f, "wake");
	agent_says(f, "hello", "Listening");
	f->memory.others_start = true;
	settle(f, "listening");
	later(f);
	assert_string_equal(phase(f), "Stopped");
	f->memory.others_start = false;
	later(f);
	assert_string_equal(phase(f), "Running");
}

static void test_plan_tells_running_though_others_start_for_long(void **state)
{
	struct fixture *f = *state;
	uint64_t began_ms;

	fixture_asleep(f, NULL);
	set_running(f, true);
	settle(f, "wake");
	agent_says(f, "hello", "Listening");
	f->memory.others_start = true;
	began_ms = f->now.now_ms;
	settle(f, "listening");
	while (strcmp(phase(f), "Running") != 0 && f->now.now_ms < began_ms + 10 * DEFER_CROWD_MS)
		later(f);
	assert_int_equal(f->now.now_ms - began_ms, DEFER_CROWD_MS);
}

static void test_plan_deletes_in_order(void **state)
{
	struct fixture *f = *state;
	const char *list[] = {"10.0.0.1:8000", NULL};

	assert_int_equal(service_target_parse(list, &f->config.target, NULL), 0);
	fixture_awake(f);
	assert_non_null(f->service);
	json_object_set_new(json_object_get(f->container, "metadata"), "deletionTimestamp",
	                    json_string("2026-01-01T00:00:00Z"));
	settle(f, "deleted");
	pod_gone(f, "hello");
	settle(f, "consumer gone");
	instance_gone(f);
	settle(f, "instance gone");
	expect_trace(f, "deleted -> delete:hello instance=Stopping container=Stopping !Stopping\n"
	                "consumer gone -> delete-instance delete:hello-provider\n"
	                "instance gone -> delete-service delete-endpointslice\n"
	                "      -> patch-container\n");
	assert_int_equal(json_array_size(json_at(f->container, "metadata", "finalizers", NULL)), 0);
}

static void test_plan_goes_on_from_every_phase_after_a_restart(void **state)
{
	struct fixture *f = *state;
	static const char *const said[] = {"Waiting", "HandedOver", "Started", "Listening"};

	fixture_asleep(f, NULL);
	set_running(f, true);
	settle(f, "wake");
	for (size_t i = 0; i < 4; i++) {
		agent_says(f, "hello", said[i]);
		settle(f, said[i]);
		f->trace[0] = '\0';
		f->memory = (struct memory){0};
		settle(f, "restart");
		expect_trace(f, ""); /* nothing is done twice */
	}
	set_running(f, false);
	settle(f, "stop");
	f->trace[0] = '\0';
	f->memory = (struct memory){0};
	settle(f, "restart");
	expect_trace(f, "");
	pod_gone(f, "hello");
	settle(f, "gone");
	assert_string_equal(instance_phase(f), "Stopped");
}

static void test_plan_makes_a_service_and_follows_its_name(void **state)
{
	struct fixture *f = *state;
	const char *list[] = {"10.0.0.1:8000", "10.0.0.2:8000", NULL};

	assert_int_equal(service_target_parse(list, &f->config.target, NULL), 0);
	fixture_asleep(f, NULL);
	assert_string_equal(kube_name(f->service), "hello");
	assert_int_equal(json_array_size(json_at(f->slice, "endpoints", NULL)), 2);

	spec(f, "{\"activation\":{\"port\":9000}}");
	settle(f, "other port");
	json_object_set_new(json_at(f->service, "metadata", "labels", NULL), SC_LABEL_INSTANCE,
	                    json_string("another"));
	settle(f, "label");
	assert_string_equal(kube_label(f->service, SC_LABEL_INSTANCE), "hello");
	spec(f, "{\"activation\":{\"enabled\":false}}");
	settle(f, "off");
	assert_null(f->service);
	assert_null(f->slice);
	expect_condition(f, "Activatable", "False", "Disabled", "spec.activation.enabled");
	expect_trace(f,
	             "other port -> patch-service patch-instance instance=same container=same\n"
	             "label -> patch-service\n"
	             "off -> delete-service delete-endpointslice instance=same container=same\n");
}

/* The endpoints of "hello" and "hello-ipv6" as the plans left them, "-" for no slice. */
static void expect_slices(struct fixture *f, const char *want)
{
	const json_t *slices[] = {f->slice, f->slice6};
	char got[256] = "";
	const json_t *one;
	size_t k;

	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(got + strlen(got), sizeof got - strlen(got), "%s",
		               slices[i] == NULL ? "-" : "[");
		json_array_foreach(json_at(slices[i], "endpoints", NULL), k, one) {
			(void)snprintf(got + strlen(got), sizeof got - strlen(got), "%s ",
			               json_string_value(json_array_get(
			                       json_object_get(one, "addresses"), 0)));
		}
	}
	assert_string_equal(got, want);
}

static void test_plan_follows_the_activators(void **state)
{
	struct fixture *f = *state;
	const char *first[] = {"10.0.0.1:8000", "[fd00::1]:8000", NULL};
	const char *second[] = {"10.0.0.2:8000", "10.0.0.3:8000", NULL};
	const char *third[] = {"[fd00::2]:8000", NULL};

	fixture_asleep(f, NULL); /* it is not known yet where they are */
	assert_null(f->service);
	assert_int_equal(service_target_parse(first, &f->config.target, NULL), 0);
	settle(f, "known");
	expect_slices(f, "[10.0.0.1 [fd00::1 ");
	f->trace[0] = '\0';
	settle(f, "again");
	expect_trace(f, ""); /* no write when nothing changed */
	assert_int_equal(service_target_parse(second, &f->config.target, NULL), 0);
	settle(f, "others");
	expect_slices(f, "[10.0.0.2 10.0.0.3 -");
	assert_int_equal(service_target_parse(third, &f->config.target, NULL), 0);
	settle(f, "other family");
	expect_slices(f, "-[fd00::2 ");
	f->config.target.of[SERVICE_IPV6].count = 0;
	settle(f, "none");
	expect_slices(f, "-[");
	f->trace[0] = '\0';
	f->config.target = (struct service_target){0};
	settle(f, "restart");
	expect_trace(f, "");
	expect_slices(f, "-[");
}

static void test_plan_tells_the_url_and_takes_it_back(void **state)
{
	struct fixture *f = *state;

	fixture_asleep(f, NULL);
	assert_string_equal(json_str_at(f->container, "", "status", "activation", "url", NULL),
	                    "http://hello.default.localhost:8080/");
	json_object_set_new(json_at(f->container, "status", "activation", NULL), "wakes",
	                    json_integer(3));
	spec(f, "{\"activation\":{\"enabled\":false}}");
	settle(f, "off");
	assert_null(json_at(f->container, "status", "activation", "url", NULL));
	assert_int_equal(json_int_at(f->container, 0, "status", "activation", "wakes", NULL), 3);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

static void test_plan_pulls_again_while_a_consumer_waits(void **state)
{
	struct fixture *f = *state;

	fixture_awake(f);
	agent_rootfs(f, "{\"state\":\"Failed\",\"reason\":\"ImageGone\"}");
	settle(f, "image gone");
	assert_non_null(strstr(f->trace, "image gone -> delete:hello-provider"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_plan_prepares_a_new_container_and_leaves_it_asleep),
	        T(test_plan_creates_the_consumer_before_anything_else),
	        T(test_plan_tells_a_passing_status_that_stays),
	        T(test_plan_tells_at_once_why_it_does_not_come_up),
	        T(test_plan_tells_running_after_the_starts_of_others),
	        T(test_plan_tells_running_though_others_start_for_long),
	        T(test_plan_starts_at_once_when_made_running),
	        T(test_plan_stops_and_keeps_the_provider),
	        T(test_plan_wakes_beside_the_dying_consumer),
	        T(test_plan_collapses_two_quick_toggles),
	        T(test_plan_never_names_a_dying_consumer),
	        T(test_plan_deletes_in_order),
	        T(test_plan_goes_on_from_every_phase_after_a_restart),
	        T(test_plan_makes_a_service_and_follows_its_name),
	        T(test_plan_follows_the_activators),
	        T(test_plan_tells_the_url_and_takes_it_back),
	        T(test_plan_pulls_again_while_a_consumer_waits),
	};

	return cmocka_run_group_tests_name("controller-plan", tests, NULL, NULL);
}
