/* SPDX-License-Identifier: Apache-2.0 */
/* The program against an API server; the test plays kubelet and node agent. */
#include "tests/flow/controller/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clk.h"
#include "lib/kube/client/object.h"

#define INSTANCE GROUP "stoppablecontainerinstances/hello"
#define PODS "/api/v1/namespaces/default/pods/"
#define SERVICE "/api/v1/namespaces/default/services/hello"
#define SLICES "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
#define SLICE SLICES "/hello"

static const char node[] =
        "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"node-a\"}}";

static void uid_of(struct fixture *f, const char *path, char *buf, size_t size)
{
	json_t *object = world_get(f->world, path);

	assert_non_null(object);
	(void)snprintf(buf, size, "%s", kube_uid(object));
	json_decref(object);
}

static void wait_for(struct fixture *f, const char *path)
{
	world_expect(f->world, path, "/metadata/namespace", "default");
}

/* As the node agent does when the provider's container is there. */
static void agent_prepares(struct fixture *f)
{
	char uid[64], patch[512];

	wait_for(f, PODS "hello-provider");
	uid_of(f, PODS "hello-provider", uid, sizeof uid);
	(void)snprintf(patch, sizeof patch,
	               "{\"status\":{\"rootfs\":{\"state\":\"Ready\",\"hostPath\":\"/x\","
	               "\"providerPodUID\":\"%s\"},\"image\":{\"entrypoint\":[\"/serve\"],"
	               "\"uid\":1000,\"gid\":100}}}",
	               uid);
	wait_for(f, INSTANCE);
	json_decref(world_merge_patch(f->world, INSTANCE "/status", patch));
}

/* As the scheduler does. */
static void place_provider(struct fixture *f)
{
	json_decref(world_merge_patch(f->world, PODS "hello-provider",
	                              "{\"spec\":{\"nodeName\":\"node-a\"}}"));
}

static void agent_says(struct fixture *f, const char *pod, const char *state, const char *more)
{
	char path[256], uid[64], patch[512];

	(void)snprintf(path, sizeof path, PODS "%s", pod);
	wait_for(f, path);
	uid_of(f, path, uid, sizeof uid);
	(void)snprintf(patch, sizeof patch,
	               "{\"status\":{\"consumer\":{\"podUID\":\"%s\",\"state\":\"%s\"%s}}}", uid,
	               state, more);
	json_decref(world_merge_patch(f->world, INSTANCE "/status", patch));
}

static void expect_phase(struct fixture *f, const char *phase)
{
	world_expect(f->world, CONTAINER, "/status/phase", phase);
}

static void set_running(struct fixture *f, bool running)
{
	json_decref(world_merge_patch(f->world, CONTAINER,
	                              running ? "{\"spec\":{\"running\":true}}"
	                                      : "{\"spec\":{\"running\":false}}"));
}

static void make_asleep(struct fixture *f)
{
	json_decref(world_create(f->world, GROUP "stoppablecontainers", hello));
	agent_prepares(f);
	expect_phase(f, "Stopped");
}

static void test_controller_starts_stops_and_deletes(void **state)
{
	struct fixture *f = *state;

	make_asleep(f);
	world_expect(f->world, CONTAINER, "/status/activation/url",
	             "http://hello.default.localhost:8080/");
	world_expect(f->world, SERVICE, "/spec/ports/0/port", "8080");
	world_expect(f->world, SLICE, "/endpoints/0/addresses/0", "10.1.1.1");

	set_running(f, true);
	agent_says(f, "hello", "Listening", "");
	expect_phase(f, "Running");
	world_expect(f->world, PODS "hello", "/spec/containers/0/args/0", "/serve");
	world_expect(f->world, INSTANCE, "/status/containerGeneration", "2");
	world_expect_metric(f->controller, "sc_controller_containers{phase=\"Running\"}", 1);
	world_expect_metric(f->controller,
	                    "sc_controller_wake_stage_seconds_count{stage=\"running\"}", 1);

	set_running(f, false);
	world_expect_gone(f->world, PODS "hello"); /* it was on no node: it goes at once */
	expect_phase(f, "Stopped");

	world_delete(f->world, CONTAINER);
	world_expect_gone(f->world, CONTAINER);
	world_expect_gone(f->world, INSTANCE);
	world_expect_gone(f->world, SERVICE);
}

static void test_controller_waits_for_the_agent_that_has_files(void **state)
{
	static const char finalizer[] = "/metadata/finalizers/0";
	static const char name[] = "stoppablecontainer.xtlsoft.top/rootfs";
	struct fixture *f = *state;

	make_asleep(f);
	json_decref(world_merge_patch(f->world, INSTANCE "/status",
	                              "{\"status\":{\"rootfs\":{\"nodeName\":\"node-a\"}}}"));
	world_expect(f->world, INSTANCE, finalizer, name);
	world_delete(f->world, CONTAINER);
	world_expect_gone(f->world, PODS "hello-provider");
	world_expect(f->world, INSTANCE, finalizer, name);
	/* even when the container is made to go before it, and nobody was there to see it */
	world_kill(f->controller, SIGKILL);
	json_decref(world_merge_patch(f->world, CONTAINER, "{\"metadata\":{\"finalizers\":null}}"));
	world_expect_gone(f->world, CONTAINER);
	json_decref(world_merge_patch(f->world, INSTANCE "/status",
	                              "{\"status\":{\"rootfs\":{\"state\":\"Removed\"}}}"));
	world_restart(f->controller);
	world_expect_gone(f->world, INSTANCE);
}

static void test_controller_tells_that_the_only_node_is_gone(void **state)
{
	static const char reason[] = "/status/conditions/2/reason"; /* of RootfsReady */
	struct fixture *f = *state;

	json_decref(world_create(f->world, "/api/v1/nodes", node));
	make_asleep(f);
	place_provider(f);
	json_decref(world_merge_patch(f->world, INSTANCE "/status",
	                              "{\"status\":{\"rootfs\":{\"nodeName\":\"node-a\"}}}"));
	world_expect(f->world, CONTAINER, "/status/nodeName", "node-a");
	world_expect(f->world, CONTAINER, reason, "Ready");
	json_decref(world_merge_patch(f->world, "/api/v1/nodes/node-a/status",
	                              "{\"status\":{\"conditions\":[{\"type\":\"Ready\","
	                              "\"status\":\"Unknown\"}]}}"));
	world_expect(f->world, CONTAINER, "/status/conditions/5/reason", "NodeNotReady");
	world_delete(f->world, "/api/v1/nodes/node-a");
	world_expect(f->world, CONTAINER, reason, "NodeLost");
	json_decref(world_create(f->world, "/api/v1/nodes", node));
	world_expect(f->world, CONTAINER, reason, "Ready");
}

static void test_controller_refuses_the_claim_of_a_node_without_the_provider(void **state)
{
	static const char reason[] = "/status/conditions/2/reason"; /* of RootfsReady */
	static const char claim[] =
	        "{\"status\":{\"rootfs\":{\"state\":\"Ready\",\"hostPath\":\"/x\","
	        "\"nodeName\":\"node-%s\",\"providerPodUID\":\"%s\"},\"image\":{\"entrypoint\":"
	        "[\"/serve\"],\"uid\":1000,\"gid\":100}}}";
	struct fixture *f = *state;
	char uid[64], patch[512];
	json_t *instance;

	json_decref(world_create(f->world, "/api/v1/nodes", node));
	json_decref(world_create(f->world, GROUP "stoppablecontainers", hello));
	set_running(f, true);
	wait_for(f, PODS "hello-provider");
	place_provider(f);
	world_expect(f->world, INSTANCE, "/status/nodeName", "node-a");
	uid_of(f, PODS "hello-provider", uid, sizeof uid);
	(void)snprintf(patch, sizeof patch, claim, "evil", uid);
	json_decref(world_merge_patch(f->world, INSTANCE "/status", patch));
	world_expect(f->world, "/api/v1/namespaces/default/events", "/items/0/reason",
	             "ClaimRefused");
	world_expect(f->world, CONTAINER, reason, "WaitingForAgent");
	assert_null(world_get(f->world, PODS "hello"));
	instance = world_get(f->world, INSTANCE);
	assert_null(json_at(instance, "status", "rootfs", NULL));
	json_decref(instance);
	/* and the agent that has the Pod can make its own */
	(void)snprintf(patch, sizeof patch, claim, "a", uid);
	json_decref(world_merge_patch(f->world, INSTANCE "/status", patch));
	world_expect(f->world, CONTAINER, reason, "Ready");
	wait_for(f, PODS "hello");
}

static void test_controller_goes_on_after_a_kill(void **state)
{
	struct fixture *f = *state;

	make_asleep(f);
	world_kill(f->controller, SIGKILL);
	set_running(f, true);
	world_restart(f->controller);
	agent_says(f, "hello", "Listening", "");
	expect_phase(f, "Running");
	world_kill(f->controller, SIGKILL);
	set_running(f, false);
	world_restart(f->controller);
	world_expect_gone(f->world, PODS "hello");
	expect_phase(f, "Stopped");
}

static void test_controller_tells_a_command_that_is_not_in_the_image(void **state)
{
	struct fixture *f = *state;

	make_asleep(f);
	set_running(f, true);
	agent_says(f, "hello", "Failed",
	           ",\"reason\":\"CommandNotFound\",\"message\":\"/serve: no such file\"");
	expect_phase(f, "Failed");
	world_expect(f->world, CONTAINER, "/status/conditions/0/reason", "CommandNotFound");
}

static void test_controller_never_overwrites_a_foreign_service_or_pod(void **state)
{
	struct fixture *f = *state;

	json_decref(
	        world_create(f->world, "/api/v1/namespaces/default/services",
	                     "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"
	                     "\"hello\"},\"spec\":{\"ports\":[{\"port\":81}]}}"));
	json_decref(world_create(f->world, "/api/v1/namespaces/default/pods",
	                         "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":"
	                         "\"hello\"},\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":"
	                         "\"a:1\"}]}}"));
	make_asleep(f);
	world_expect(f->world, CONTAINER, "/status/conditions/4/reason", "ServiceConflict");
	world_expect(f->world, SERVICE, "/spec/ports/0/port", "81");
	set_running(f, true);
	world_expect(f->world, CONTAINER, "/status/consumerPodName", "hello-1");
	world_expect(f->world, PODS "hello", "/spec/containers/0/image", "a:1");
}

static void test_controller_waits_for_a_former_pod_that_still_ends(void **state)
{
	struct fixture *f = *state;
	json_t *events, *event;
	size_t i;

	json_decref(world_create(f->world, "/api/v1/namespaces/default/pods",
	                         "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":"
	                         "\"hello-provider\",\"finalizers\":[\"test/wait\"]},\"spec\":{"
	                         "\"containers\":[{\"name\":\"a\",\"image\":\"a:1\"}]}}"));
	world_delete(f->world, PODS "hello-provider");
	json_decref(world_create(f->world, GROUP "stoppablecontainers", hello));
	world_expect_metric(f->controller, "sc_controller_reconciles_total{result=\"failed\"}", 3);
	world_expect(f->world, CONTAINER, "/status/conditions/1/reason", "Creating");
	json_decref(world_merge_patch(f->world, PODS "hello-provider",
	                              "{\"metadata\":{\"finalizers\":null}}"));
	world_expect(f->world, PODS "hello-provider",
	             "/metadata/labels/stoppablecontainer.xtlsoft.top~1role", "provider");
	agent_prepares(f);
	expect_phase(f, "Stopped");
	events = world_get(f->world, "/api/v1/namespaces/default/events");
	json_array_foreach(json_object_get(events, "items"), i, event) {
		assert_string_not_equal(json_str_at(event, "", "type", NULL), "Warning");
	}
	json_decref(events);
}

static void test_controller_settles(void **state)
{
	struct fixture *f = *state;
	json_t *before, *after;
	double plans;

	make_asleep(f);
	set_running(f, true);
	agent_says(f, "hello", "Listening", "");
	expect_phase(f, "Running");
	world_expect(f->world, CONTAINER, "/status/observedGeneration", "2");
	plans = world_metric(f->controller, "sc_controller_reconciles_total{result=\"done\"}");
	before = world_get(f->world, INSTANCE);
	/* One more change is looked at, and nothing is written for it. */
	json_decref(world_merge_patch(f->world, CONTAINER,
	                              "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}"));
	world_expect_metric(f->controller, "sc_controller_reconciles_total{result=\"done\"}",
	                    plans + 1);
	after = world_get(f->world, INSTANCE);
	assert_string_equal(kube_resource_version(before), kube_resource_version(after));
	json_decref(before);
	json_decref(after);
}

static void test_controller_takes_the_lease_and_gives_it_back(void **state)
{
	static const char lease[] =
	        "/apis/coordination.k8s.io/v1/namespaces/default/leases/sc-controller";
	struct fixture *f = *state;
	struct world_process *second;
	json_t *object;

	world_kill(f->controller, SIGTERM);
	second = world_spawn(f->world, "sc-controller", "--leader-namespace=default",
	                     "--activator-addresses=10.1.1.1:8080", NULL);
	make_asleep(f);
	world_expect_metric(second, "sc_controller_leader", 1);
	world_kill(second, SIGTERM);
	object = world_get(f->world, lease);
	assert_non_null(object);
	assert_string_equal(json_str_at(object, "", "spec", "holderIdentity", NULL), "");
	json_decref(object);
}

static void test_controller_answers_a_request_for_what_cannot_be_honoured(void **state)
{
	struct fixture *f = *state;
	struct world_process *activator =
	        world_spawn(f->world, "sc-activator", "--listen=127.0.0.1:0",
	                    "--answer-details=loopback", NULL);
	struct world_response r;

	json_decref(world_create(
	        f->world, GROUP "stoppablecontainers",
	        "{\"apiVersion\":\"stoppablecontainer.xtlsoft.top/v1alpha1\","
	        "\"kind\":\"StoppableContainer\",\"metadata\":{\"name\":\"hello\"},\"spec\":{"
	        "\"template\":{\"spec\":{\"hostPID\":true,\"containers\":[{\"name\":\"a\","
	        "\"image\":\"app:1\",\"ports\":[{\"containerPort\":8080}]}]}}}}"));
	expect_phase(f, "Failed");
	world_expect(f->world, INSTANCE, "/status/phase", "Failed");
	/* held, woken and told why, long before the minute that it may be held is over */
	world_http(world_port(activator), "GET", "hello.default", "/", NULL, &r);
	assert_int_equal(r.status, 503);
	assert_non_null(strstr(r.body, "TemplateNotSupported: spec.template.spec.hostPID"));
	world_response_done(&r);
	assert_null(world_get(f->world, PODS "hello-provider"));
}

/* What an EndpointSlice controller writes for the activators' own Service. */
static void activators(struct fixture *f, const char *endpoints)
{
	char text[800];

	(void)snprintf(
	        text, sizeof text,
	        "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\","
	        "\"metadata\":{\"name\":\"sc-activator-x\",\"labels\":"
	        "{\"kubernetes.io/service-name\":\"sc-activator\"}},\"addressType\":\"IPv4\","
	        "\"ports\":[{\"name\":\"http\",\"port\":8080}],\"endpoints\":[%s]}",
	        endpoints);
	json_decref(world_create(f->world, SLICES, text));
}

static void change_activators(struct fixture *f, const char *endpoints)
{
	char text[600];

	(void)snprintf(text, sizeof text, "{\"endpoints\":[%s]}", endpoints);
	json_decref(world_merge_patch(f->world, SLICES "/sc-activator-x", text));
}

static void test_controller_follows_the_activators_of_a_service(void **state)
{
#define ONE "{\"addresses\":[\"10.9.0.1\"]}"
#define TWO "{\"addresses\":[\"10.9.0.2\"]}"
	struct fixture *f = *state;
	json_t *before, *after;

	world_kill(f->controller, SIGTERM);
	f->controller = world_spawn(f->world, "sc-controller", "--leader-elect=false",
	                            "--activator-service=default/sc-activator", NULL);
	make_asleep(f);
	assert_null(world_get(f->world, SERVICE)); /* nobody knows where it would lead */
	activators(f, ONE ",{\"addresses\":[\"10.9.0.3\"],\"conditions\":{\"ready\":false}}");
	world_expect(f->world, SLICE, "/endpoints/0/addresses/0", "10.9.0.1");
	world_expect(f->world, SERVICE, "/spec/ports/0/targetPort", "8080");
	world_expect_metric(f->controller, "sc_controller_activator_addresses", 1);
	before = world_get(f->world, SLICE);
	assert_int_equal(json_array_size(json_at(before, "endpoints", NULL)), 1);

	/* one that is not ready goes: nothing is written for that */
	change_activators(f, ONE);
	change_activators(f, ONE "," TWO);
	world_expect(f->world, SLICE, "/endpoints/1/addresses/0", "10.9.0.2");
	after = world_get(f->world, SLICE);
	assert_int_equal(json_int_at(after, 0, "metadata", "generation", NULL),
	                 json_int_at(before, 0, "metadata", "generation", NULL) + 1);
	json_decref(before);
	json_decref(after);

	world_kill(f->controller, SIGKILL);
	change_activators(f, TWO);
	world_restart(f->controller);
	world_expect(f->world, SLICE, "/endpoints/0/addresses/0", "10.9.0.2");
	change_activators(f, "");
	world_expect(f->world, SLICE, "/endpoints", "[]");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_controller_starts_stops_and_deletes),
	        T(test_controller_waits_for_the_agent_that_has_files),
	        T(test_controller_tells_that_the_only_node_is_gone),
	        T(test_controller_refuses_the_claim_of_a_node_without_the_provider),
	        T(test_controller_goes_on_after_a_kill),
	        T(test_controller_tells_a_command_that_is_not_in_the_image),
	        T(test_controller_never_overwrites_a_foreign_service_or_pod),
	        T(test_controller_waits_for_a_former_pod_that_still_ends),
	        T(test_controller_settles),
	        T(test_controller_takes_the_lease_and_gives_it_back),
	        T(test_controller_follows_the_activators_of_a_service),
	        T(test_controller_answers_a_request_for_what_cannot_be_honoured),
	};

	return cmocka_run_group_tests_name("controller-flow", tests, NULL, NULL);
}
