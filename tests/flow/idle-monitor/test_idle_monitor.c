/* SPDX-License-Identifier: Apache-2.0 */
/* The program against an API server; the test plays controller and activators. */
#include "tests/world/world.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clk.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"
#include "tests/flow/idle-monitor/fake_activator.h"

#define GROUP "/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/default/"
#define CONTAINER GROUP "stoppablecontainers/hello"
#define INSTANCE GROUP "stoppablecontainerinstances/hello"
#define PODS "/api/v1/namespaces/default/pods"
#define SLICES "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
#define EVENTS "/api/v1/namespaces/default/events"
#define STOPS(result) "sc_idle_monitor_stops_total{result=\"" result "\"}"
#define AWAKE(reason) "sc_idle_monitor_awake{reason=\"" reason "\"}"

enum { TIMEOUT_MS = 800, PAUSE_MS = 5000 /* of a write about a start among others */ };

struct fixture {
	struct world *world;
	struct fake_activator *activators[2];
	struct world_process *monitor;
};

static const char container[] =
        "{\"apiVersion\":\"stoppablecontainer.xtlsoft.top/v1alpha1\","
        "\"kind\":\"StoppableContainer\",\"metadata\":{\"name\":\"hello\"},\"spec\":{"
        "\"running\":true,\"idle\":{\"timeout\":\"800ms\",\"startupGrace\":\"0s\"},"
        "\"template\":{\"container\":{\"image\":\"app:1\",\"ports\":[{\"containerPort\":8080}]}}}}";

static const char instance[] =
        "{\"apiVersion\":\"stoppablecontainer.xtlsoft.top/v1alpha1\","
        "\"kind\":\"StoppableContainerInstance\",\"metadata\":{\"name\":\"hello\"},\"spec\":{"
        "\"stoppableContainerName\":\"hello\",\"running\":true,"
        "\"template\":{\"container\":{\"image\":\"app:1\"}}}}";

static const char listening[] = "{\"status\":{\"phase\":\"Running\",\"consumerPodUID\":\"pod-1\","
                                "\"consumer\":{\"podUID\":\"pod-1\",\"state\":\"Listening\"}}}";

static int setup(void **state)
{
	const struct world_options options = {.runner = false};
	struct fixture *f = calloc(1, sizeof *f);
	json_t *made;

	*state = f;
	/* before anything that the children should not inherit */
	for (size_t i = 0; i < 2; i++) {
		f->activators[i] = fake_activator_up();
		assert_non_null(f->activators[i]);
	}
	f->world = world_new(&options);
	made = world_create(f->world, GROUP "stoppablecontainers", container);
	for (size_t i = 0; i < 2; i++)
		(void)snprintf(f->activators[i]->uid, sizeof f->activators[i]->uid, "%s",
		               kube_uid(made));
	json_decref(made);
	json_decref(world_create(f->world, GROUP "stoppablecontainerinstances", instance));
	json_decref(world_merge_patch(f->world, INSTANCE "/status", listening));
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	world_free(f->world);
	for (size_t i = 0; i < 2; i++)
		fake_activator_down(f->activators[i]);
	free(f);
	return 0;
}

static void spawn(struct fixture *f)
{
	char activators[2][64];

	for (size_t i = 0; i < 2; i++)
		(void)snprintf(activators[i], sizeof activators[i],
		               "--activators=http://127.0.0.1:%d",
		               atomic_load(&f->activators[i]->port));
	f->monitor = world_spawn(f->world, "sc-idle-monitor", "--leader-elect=false",
	                         "--scrape-interval=100ms", activators[0], activators[1], NULL);
}

static void expect_stopped(struct fixture *f)
{
	world_expect(f->world, CONTAINER, "/spec/running", "false");
}

static void assert_running(struct fixture *f)
{
	json_t *object = world_get(f->world, CONTAINER);

	assert_true(json_bool_at(object, false, "spec", "running", NULL));
	json_decref(object);
}

static void wait_until_count(atomic_int *counter, int want)
{
	uint64_t deadline_ms = clk_now_ms() + WORLD_DEADLINE_MS;

	while (atomic_load(counter) < want) {
		if (clk_now_ms() > deadline_ms)
			fail_msg("the activator was not asked");
		(void)poll(NULL, 0, 5);
	}
}

/* Until the activator was asked that much more: it has been decided so often since. */
static void wait_for_count(atomic_int *counter, int more)
{
	wait_until_count(counter, atomic_load(counter) + more);
}

/* By it people tell a stop for idleness from one by hand. */
static void expect_stop_time(const struct fixture *f)
{
	json_t *object = world_get(f->world, CONTAINER);
	uint64_t stopped_ms = 0;
	struct err err;

	if (num_parse_rfc3339(json_str_at(object, "", "status", "idle", "lastStopTime", NULL),
	                      &stopped_ms, &err) < 0)
		fail_msg("%s", err.text);
	assert_in_range(stopped_ms, clk_wall_ms() - WORLD_DEADLINE_MS, clk_wall_ms());
	json_decref(object);
}

static void write_key(const char *path, const char *key)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(key, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Both prove that they have the key; a bearer token is good for /metrics alone. */
static void test_monitor_and_activator_share_a_key(void **state)
{
	struct fixture *f = *state;
	struct world_process *activator;
	char path[512], argument[600], monitor_key[600], url[64];

	(void)snprintf(path, sizeof path, "%s/key", world_dir(f->world));
	write_key(path, "0123456789abcdef0123456789abcdef\n");
	(void)snprintf(argument, sizeof argument, "--idle-monitor-key-file=%s", path);
	(void)snprintf(monitor_key, sizeof monitor_key, "--activator-key-file=%s", path);
	activator = world_spawn(f->world, "sc-activator", "--listen=127.0.0.1:0", argument, NULL);
	assert_int_equal(world_admin(activator, "GET", "/v1/activity", NULL, NULL), 401);
	assert_int_equal(world_admin(activator, "POST", "/v1/quiesce", "{}", NULL), 401);
	(void)snprintf(url, sizeof url, "--activators=http://127.0.0.1:%u",
	               world_admin_port(activator));
	f->monitor = world_spawn(f->world, "sc-idle-monitor", "--leader-elect=false",
	                         "--scrape-interval=100ms", monitor_key, url, NULL);
	expect_stopped(f);
	/* another process: it is believed as soon as it has proven that it has the key, too */
	world_restart(activator);
	json_decref(world_merge_patch(f->world, CONTAINER, "{\"spec\":{\"running\":true}}"));
	expect_stopped(f);
}

/* What anybody could answer in an activator's place stops nothing. */
static void test_monitor_believes_no_answer_without_a_seal(void **state)
{
	struct fixture *f = *state;
	char path[512], key[600], url[64];

	(void)snprintf(path, sizeof path, "%s/key", world_dir(f->world));
	write_key(path, "0123456789abcdef0123456789abcdef\n");
	(void)snprintf(key, sizeof key, "--activator-key-file=%s", path);
	(void)snprintf(url, sizeof url, "--activators=http://127.0.0.1:%d",
	               atomic_load(&f->activators[0]->port));
	f->monitor = world_spawn(f->world, "sc-idle-monitor", "--leader-elect=false",
	                         "--scrape-interval=100ms", key, url, NULL);
	wait_for_count(&f->activators[0]->activities, 20);
	assert_int_equal(atomic_load(&f->activators[0]->quiesces), 0);
	assert_int_equal(atomic_load(&f->activators[0]->bearers), 0);
	assert_running(f);
}

/* It is for those who ask the monitor; who listens to its own questions must not learn it. */
static void test_monitor_tells_no_activator_its_own_token(void **state)
{
	struct fixture *f = *state;

	spawn(f);
	expect_stopped(f);
	assert_true(atomic_load(&f->activators[0]->activities) > 0);
	assert_int_equal(atomic_load(&f->activators[0]->bearers), 0);
}

static void test_monitor_stops_after_the_timeout_and_says_why(void **state)
{
	struct fixture *f = *state;
	json_t *object;

	atomic_store(&f->activators[1]->age_ms, 5000);
	spawn(f);
	expect_stopped(f);
	world_expect(f->world, CONTAINER, "/status/idle/state", "Stopping");
	world_expect(f->world, CONTAINER, "/status/idle/lastActivitySource", "start");
	expect_stop_time(f);
	object = world_get(f->world, CONTAINER);
	assert_non_null(strstr(json_str_at(object, "", "status", "idle", "lastStopReason", NULL),
	                       "no request since its start"));
	json_decref(object);
	json_decref(world_merge_patch(f->world, INSTANCE "/status",
	                              "{\"status\":{\"phase\":\"Stopped\"}}"));
	world_expect(f->world, CONTAINER, "/status/idle/state", "Asleep");
	world_expect(f->world, EVENTS, "/items/0/reason", "IdleStop");
	world_expect(f->world, EVENTS, "/items/0/involvedObject/name", "hello");
	assert_int_equal(atomic_load(&f->activators[0]->quiesces), 1);
	assert_int_equal(atomic_load(&f->activators[1]->quiesces), 1);
	assert_int_equal(atomic_load(&f->activators[0]->resumes), 0);
	world_expect_metric(f->monitor, STOPS("stopped"), 1);
}

static void test_monitor_stops_soon_after_the_last_request(void **state)
{
	struct fixture *f = *state;
	uint64_t start_ms;

	atomic_store(&f->activators[1]->in_flight, 1);
	spawn(f);
	world_expect_metric(f->monitor, AWAKE("RequestsInFlight"), 1);
	wait_for_count(&f->activators[1]->activities, 2 * TIMEOUT_MS / 100);
	assert_running(f);
	assert_int_equal(atomic_load(&f->activators[0]->quiesces), 0);
	atomic_store(&f->activators[1]->age_ms, 200);
	start_ms = clk_now_ms();
	atomic_store(&f->activators[1]->in_flight, 0);
	wait_for_count(&f->activators[1]->activities, 3);
	atomic_store(&f->activators[1]->age_ms, TIMEOUT_MS);
	expect_stopped(f);
	assert_true(clk_now_ms() - start_ms < 2000);
}

static void test_monitor_tells_who_asked_last(void **state)
{
	struct fixture *f = *state;

	/* the start is to be longer ago than the request */
	atomic_store(&f->activators[0]->in_flight, 1);
	spawn(f);
	world_expect_metric(f->monitor, AWAKE("RequestsInFlight"), 1);
	wait_for_count(&f->activators[0]->activities, 20);
	atomic_store(&f->activators[0]->age_ms, 1200);
	atomic_store(&f->activators[0]->in_flight, 0);
	expect_stopped(f);
	world_expect(f->world, CONTAINER, "/status/idle/lastStopReason",
	             "no request for 1s (last from 10.9.8.7)");
}

static void test_monitor_resumes_when_an_activator_is_busy(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->activators[1]->busy, true);
	spawn(f);
	world_expect_metric(f->monitor, STOPS("busy"), 2);
	assert_running(f);
	wait_until_count(&f->activators[0]->resumes, 1);
	wait_until_count(&f->activators[1]->resumes, 1);
	atomic_store(&f->activators[1]->busy, false);
	expect_stopped(f);
}

static void test_monitor_decides_again_after_a_conflict(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->activators[0]->holds_quiesce, true);
	spawn(f);
	wait_for_count(&f->activators[0]->quiesces, 1);
	json_decref(world_merge_patch(f->world, CONTAINER,
	                              "{\"metadata\":{\"annotations\":{\"x\":\"y\"}}}"));
	atomic_store(&f->activators[0]->holds_quiesce, false);
	world_expect_metric(f->monitor, STOPS("conflict"), 1);
	world_expect_metric(f->monitor, STOPS("stopped"), 1);
	expect_stopped(f);
	wait_until_count(&f->activators[0]->resumes, 1);
}

static void test_monitor_gives_up_when_an_activator_is_too_slow(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->activators[0]->holds_quiesce, true);
	spawn(f);
	world_expect_metric(f->monitor, STOPS("deadline"), 1);
	wait_until_count(&f->activators[1]->resumes, 1);
	/* the next question is answered at once */
	expect_stopped(f);
	atomic_store(&f->activators[0]->holds_quiesce, false);
}

static void test_monitor_never_stops_while_an_activator_is_silent(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->activators[1]->silent, true);
	spawn(f);
	world_expect_metric(f->monitor, AWAKE("ActivatorUnreachable"), 1);
	wait_for_count(&f->activators[1]->activities, 2 * TIMEOUT_MS / 100);
	assert_running(f);
	assert_int_equal(atomic_load(&f->activators[0]->quiesces), 0);
	atomic_store(&f->activators[1]->silent, false);
	expect_stopped(f);
}

static void test_monitor_waits_a_timeout_after_an_activator_restarted(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->activators[1]->age_ms, -1);
	atomic_store(&f->activators[1]->uptime_ms, 100);
	spawn(f);
	wait_for_count(&f->activators[1]->activities, 2 * TIMEOUT_MS / 100);
	assert_running(f);
	world_expect_metric(f->monitor, AWAKE("ActivatorRestarted"), 1);
	atomic_store(&f->activators[1]->uptime_ms, 2 * TIMEOUT_MS);
	expect_stopped(f);
}

static void test_monitor_killed_while_it_quiesces_stops_after_its_restart(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->activators[0]->holds_quiesce, true);
	spawn(f);
	wait_for_count(&f->activators[0]->quiesces, 1);
	world_kill(f->monitor, SIGKILL);
	atomic_store(&f->activators[0]->holds_quiesce, false);
	assert_running(f);
	world_restart(f->monitor);
	expect_stopped(f);
	world_expect(f->world, CONTAINER, "/status/idle/state", "Stopping");
}

static void test_monitor_killed_after_the_patch_tells_the_state_after_its_restart(void **state)
{
	struct fixture *f = *state;

	spawn(f);
	expect_stopped(f);
	world_kill(f->monitor, SIGKILL);
	json_decref(world_merge_patch(f->world, INSTANCE "/status",
	                              "{\"status\":{\"phase\":\"Stopped\"}}"));
	world_restart(f->monitor);
	world_expect(f->world, CONTAINER, "/status/idle/state", "Asleep");
}

static void expect_decision(const struct fixture *f, const char *reason)
{
	json_t *decisions = NULL;

	assert_int_equal(world_admin(f->monitor, "GET", "/v1/decisions", NULL, &decisions), 200);
	assert_string_equal(json_str_at(json_array_get(json_object_get(decisions, "targets"), 0),
	                                "", "reason", NULL),
	                    reason);
	json_decref(decisions);
}

static void test_monitor_tells_of_a_consumer_of_one_that_sleeps(void **state)
{
	struct fixture *f = *state;

	json_decref(world_merge_patch(f->world, CONTAINER, "{\"spec\":{\"running\":false}}"));
	json_decref(world_merge_patch(f->world, INSTANCE "/status",
	                              "{\"status\":{\"phase\":\"Stopped\"}}"));
	spawn(f);
	world_expect(f->world, CONTAINER, "/status/idle/state", "Asleep");
	wait_for_count(&f->activators[1]->activities, 2); /* it is at rest by now */
	expect_decision(f, "NotRunning");
	json_decref(world_merge_patch(f->world, INSTANCE "/status",
	                              "{\"status\":{\"phase\":\"ConsumerStarting\"}}"));
	world_expect(f->world, CONTAINER, "/status/idle/state", "Stopping");
	json_decref(world_merge_patch(f->world, INSTANCE "/status",
	                              "{\"status\":{\"phase\":\"Stopped\"}}"));
	world_expect(f->world, CONTAINER, "/status/idle/state", "Asleep");
}

static uint64_t start_and_await(const struct fixture *f)
{
	uint64_t start_ms = clk_now_ms();

	json_decref(world_merge_patch(f->world, CONTAINER, "{\"spec\":{\"running\":true}}"));
	json_decref(world_merge_patch(f->world, INSTANCE "/status", listening));
	json_decref(world_merge_patch(f->world, CONTAINER "/status",
	                              "{\"status\":{\"phase\":\"Running\"}}"));
	world_expect(f->world, CONTAINER, "/status/idle/state", "Active");
	world_expect(f->world, CONTAINER, "/status/idle/lastActivitySource", "start");
	return clk_now_ms() - start_ms;
}

static void rest_and_await(const struct fixture *f)
{
	json_decref(
	        world_merge_patch(f->world, CONTAINER,
	                          "{\"spec\":{\"running\":false,\"idle\":{\"timeout\":\"1h\"}}}"));
	json_decref(world_merge_patch(f->world, CONTAINER "/status",
	                              "{\"status\":{\"phase\":\"Stopped\"}}"));
	json_decref(world_merge_patch(f->world, INSTANCE "/status",
	                              "{\"status\":{\"phase\":\"Stopped\"}}"));
	world_expect(f->world, CONTAINER, "/status/idle/state", "Asleep");
}

/*
 * A start that nobody else's waits behind is told at once, and not a pause later. A machine that
 * does much else can take as long, but not each time.
 */
static void test_monitor_tells_a_lone_start_at_once(void **state)
{
	struct fixture *f = *state;
	uint64_t took_ms = PAUSE_MS;

	spawn(f);
	for (unsigned i = 0; i < 5 && took_ms >= PAUSE_MS; i++) {
		rest_and_await(f);
		took_ms = start_and_await(f);
	}
	assert_in_range(took_ms, 0, PAUSE_MS - 1);
}

static void test_monitor_keeps_a_container_that_is_never_to_stop(void **state)
{
	struct fixture *f = *state;
	json_t *decisions = NULL;
	const json_t *target;

	json_decref(world_merge_patch(f->world, CONTAINER,
	                              "{\"spec\":{\"idle\":{\"timeout\":\"0s\"}}}"));
	spawn(f);
	world_expect_metric(f->monitor, AWAKE("NoTimeout"), 1);
	wait_for_count(&f->activators[1]->activities, 2 * TIMEOUT_MS / 100);
	assert_running(f);
	assert_int_equal(world_admin(f->monitor, "GET", "/v1/decisions", NULL, &decisions), 200);
	target = json_array_get(json_object_get(decisions, "targets"), 0);
	assert_string_equal(json_str_at(target, "", "reason", NULL), "NoTimeout");
	assert_string_equal(json_str_at(target, "", "name", NULL), "hello");
	assert_true(json_is_null(json_object_get(target, "secondsUntilStop")));
	assert_int_equal(json_array_size(json_object_get(decisions, "activators")), 2);
	json_decref(decisions);
}

static void test_monitor_stops_as_the_elected_leader(void **state)
{
	struct fixture *f = *state;
	char activator[64];

	(void)snprintf(activator, sizeof activator, "--activators=http://127.0.0.1:%d",
	               atomic_load(&f->activators[0]->port));
	f->monitor = world_spawn(f->world, "sc-idle-monitor", "--scrape-interval=100ms", activator,
	                         NULL);
	expect_stopped(f);
	world_expect_metric(f->monitor, "sc_idle_monitor_leader", 1);
}

/* --- activators of a Service --- */

/* One slice for each, since each is a process of this machine with a port of its own. */
static void slice(struct fixture *f, size_t i, const char *endpoint_more)
{
	char text[700];

	(void)snprintf(
	        text, sizeof text,
	        "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\","
	        "\"metadata\":{\"name\":\"sc-activator-%zu\",\"labels\":"
	        "{\"kubernetes.io/service-name\":\"sc-activator\"}},\"addressType\":\"IPv4\","
	        "\"ports\":[{\"name\":\"http\",\"port\":1},{\"name\":\"admin\",\"port\":%d}],"
	        "\"endpoints\":[{\"addresses\":[\"127.0.0.1\"]%s}]}",
	        i, atomic_load(&f->activators[i]->port), endpoint_more);
	json_decref(world_create(f->world, SLICES, text));
}

static void spawn_for_service(struct fixture *f, const char *more)
{
	f->monitor = world_spawn(f->world, "sc-idle-monitor", "--leader-elect=false",
	                         "--scrape-interval=100ms",
	                         "--activator-service=default/sc-activator", more, NULL);
}

static void test_monitor_asks_every_activator_of_the_service(void **state)
{
	struct fixture *f = *state;

	slice(f, 0, "");
	slice(f, 1, ",\"conditions\":{\"ready\":false,\"serving\":false,\"terminating\":true}");
	atomic_store(&f->activators[1]->in_flight, 1);
	spawn_for_service(f, NULL);
	world_expect_metric(f->monitor, AWAKE("RequestsInFlight"), 1);
	wait_for_count(&f->activators[1]->activities, 2 * TIMEOUT_MS / 100);
	assert_running(f);
	assert_int_equal(atomic_load(&f->activators[0]->quiesces), 0);
	atomic_store(&f->activators[1]->in_flight, 0);
	expect_stopped(f);
	assert_int_equal(atomic_load(&f->activators[0]->quiesces), 1);
	assert_int_equal(atomic_load(&f->activators[1]->quiesces), 1);
}

static void test_monitor_stops_nothing_before_there_is_an_activator(void **state)
{
	struct fixture *f = *state;

	spawn_for_service(f, NULL);
	world_expect_metric(f->monitor, AWAKE("ActivatorUnreachable"), 1);
	assert_running(f);
	slice(f, 0, "");
	expect_stopped(f);
	assert_int_equal(atomic_load(&f->activators[1]->activities), 0);
}

static void test_monitor_forgets_an_activator_when_its_pod_is_gone(void **state)
{
	static const char pod[] =
	        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a-1\"},"
	        "\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"a:1\"}]}}";
	struct fixture *f = *state;
	json_t *made = world_create(f->world, PODS, pod);
	char more[256];

	(void)snprintf(more, sizeof more,
	               ",\"targetRef\":{\"kind\":\"Pod\",\"name\":\"a-1\",\"uid\":\"%s\"}",
	               kube_uid(made));
	json_decref(made);
	slice(f, 0, "");
	slice(f, 1, more);
	atomic_store(&f->activators[1]->silent, true);
	spawn_for_service(f, NULL);
	world_expect_metric(f->monitor, AWAKE("ActivatorUnreachable"), 1);
	world_delete(f->world, SLICES "/sc-activator-1");
	wait_for_count(&f->activators[1]->activities, 2 * TIMEOUT_MS / 100);
	assert_running(f); /* nothing shows it, but its Pod is there */
	world_delete(f->world, PODS "/a-1");
	expect_stopped(f);
	assert_int_equal(atomic_load(&f->activators[1]->quiesces), 0);
}

static void test_monitor_takes_the_default_of_the_namespace(void **state)
{
	struct fixture *f = *state;

	json_decref(
	        world_merge_patch(f->world, CONTAINER, "{\"spec\":{\"idle\":{\"timeout\":null}}}"));
	slice(f, 0, "");
	spawn_for_service(f, "--idle-namespaces=default timeout=900ms");
	expect_stopped(f); /* for all it is five minutes */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_monitor_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(stops_after_the_timeout_and_says_why),
	        TEST(and_activator_share_a_key),
	        TEST(believes_no_answer_without_a_seal),
	        TEST(tells_no_activator_its_own_token),
	        TEST(stops_soon_after_the_last_request),
	        TEST(tells_who_asked_last),
	        TEST(resumes_when_an_activator_is_busy),
	        TEST(decides_again_after_a_conflict),
	        TEST(gives_up_when_an_activator_is_too_slow),
	        TEST(never_stops_while_an_activator_is_silent),
	        TEST(waits_a_timeout_after_an_activator_restarted),
	        TEST(killed_while_it_quiesces_stops_after_its_restart),
	        TEST(killed_after_the_patch_tells_the_state_after_its_restart),
	        TEST(tells_of_a_consumer_of_one_that_sleeps),
	        TEST(tells_a_lone_start_at_once),
	        TEST(keeps_a_container_that_is_never_to_stop),
	        TEST(stops_as_the_elected_leader),
	        TEST(asks_every_activator_of_the_service),
	        TEST(stops_nothing_before_there_is_an_activator),
	        TEST(forgets_an_activator_when_its_pod_is_gone),
	        TEST(takes_the_default_of_the_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
