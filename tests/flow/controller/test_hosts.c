/* SPDX-License-Identifier: Apache-2.0 */
/* Who is admitted for a host, and that activators go by it. */
#include "tests/flow/controller/fixture.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "lib/api/names.h"
#include "lib/base/clk.h"

#define IN(ns) "/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/" ns "/stoppablecontainers"

static const char in_another[] =
        "{\"apiVersion\":\"stoppablecontainer.xtlsoft.top/v1alpha1\","
        "\"kind\":\"StoppableContainer\",\"metadata\":{\"name\":\"old\"},\"spec\":{"
        "\"running\":false,\"template\":{\"container\":{\"image\":\"app:1\",\"ports\":"
        "[{\"containerPort\":8080}]}}}}";

static void set_hosts(struct fixture *f, const char *path, const char *hosts)
{
	char patch[400];

	(void)snprintf(patch, sizeof patch, "{\"spec\":{\"activation\":{\"hosts\":%s}}}", hosts);
	json_decref(world_merge_patch(f->world, path, patch));
}

/* What the activator would answer: the manifest wakes nothing that fails at once. */
static int ask(struct world_process *activator, const char *host)
{
	struct world_response r;
	int status;

	world_http(world_port(activator), "GET", host, "/", NULL, &r);
	status = r.status;
	world_response_done(&r);
	return status;
}

/* Which of the two is woken by a request for @host. */
static void expect_woken(struct fixture *f, struct world_process *activator, const char *host,
                         const char *path, const char *other)
{
	assert_int_equal(ask(activator, host), 504);
	world_expect(f->world, path, "/spec/running", "true");
	world_expect(f->world, other, "/spec/running", "false");
	json_decref(world_merge_patch(f->world, path, "{\"spec\":{\"running\":false}}"));
}

/* The activator sees a change when its watch has brought it. */
static void until_served(struct world_process *activator, const char *host)
{
	uint64_t until_ms = clk_now_ms() + WORLD_DEADLINE_MS;

	while (ask(activator, host) == 404) {
		if (clk_now_ms() > until_ms)
			fail_msg("%s is not served", host);
	}
}

/* What is created from here on is younger: an object is dated to the second. */
static void next_second(void)
{
	time_t before = time(NULL);

	while (time(NULL) == before)
		(void)poll(NULL, 0, 20);
}

static void test_controller_who_serves_a_host_keeps_it(void **state)
{
#define OLD IN("other") "/old"
	static const char reason[] = "/status/conditions/4/reason"; /* of Activatable */
	struct fixture *f = *state;
	struct world_process *activator = world_spawn(
	        f->world, "sc-activator", "--listen=127.0.0.1:0", "--hold-timeout=300ms", NULL);

	json_decref(world_create(f->world, "/api/v1/namespaces",
	                         "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":"
	                         "{\"name\":\"other\"}}"));
	json_decref(world_create(f->world, IN("other"), in_another));
	next_second();
	json_decref(world_create(f->world, GROUP "stoppablecontainers", hello));
	set_hosts(f, CONTAINER, "[\"shop.test\"]");
	world_expect(f->world, CONTAINER, "/status/activation/hosts/0", "shop.test");
	until_served(activator, "shop.test");
	expect_woken(f, activator, "shop.test", CONTAINER, OLD);

	/* an older one asks for it, and for all names there are, by an edit */
	set_hosts(f, OLD, "[\"shop.test\",\"*.svc.cluster.local\",\"*.default.localhost\"]");
	world_expect(f->world, OLD, reason, "HostConflict");
	world_expect(f->world, OLD, "/status/activation/hosts", "[]");
	expect_woken(f, activator, "shop.test", CONTAINER, OLD);
	assert_int_equal(ask(activator, "not-there.default.svc.cluster.local"), 404);
	assert_int_equal(ask(activator, "not-there.default.localhost"), 404);

	/* the controller starts anew, and the manifest is wrong for a moment */
	world_kill(f->controller, SIGKILL);
	json_decref(world_merge_patch(f->world, CONTAINER,
	                              "{\"spec\":{\"activation\":{\"port\":\"none\"}}}"));
	world_restart(f->controller);
	world_expect(f->world, CONTAINER, reason, "TemplateInvalid");
	set_hosts(f, OLD, "[\"shop.test\"]");
	world_expect(f->world, OLD, "/status/observedGeneration", "3");
	world_expect(f->world, OLD, reason, "HostConflict");
	assert_int_equal(ask(activator, "shop.test"), 404);
	json_decref(world_merge_patch(f->world, CONTAINER,
	                              "{\"spec\":{\"activation\":{\"port\":8080}}}"));
	world_expect(f->world, CONTAINER, reason, "Routed");
	until_served(activator, "shop.test");
	expect_woken(f, activator, "shop.test", CONTAINER, OLD);

	/* deleted, it lets go of what was listed; its own names wait for it */
	world_delete(f->world, CONTAINER);
	world_expect_gone(f->world, CONTAINER);
	world_expect(f->world, OLD, "/status/activation/hosts/0", "shop.test");
	assert_int_equal(ask(activator, "hello.default.svc.cluster.local"), 404);
	json_decref(world_create(f->world, GROUP "stoppablecontainers", hello));
	until_served(activator, "hello.default.svc.cluster.local");
	expect_woken(f, activator, "hello.default.svc.cluster.local", CONTAINER, OLD);
	set_hosts(f, CONTAINER, "[\"shop.test\"]");
	world_expect(f->world, CONTAINER, reason, "HostConflict");
}

static void set_allowed_hosts(struct fixture *f, const char *json)
{
	char text[200];

	(void)snprintf(text, sizeof text,
	               "{\"metadata\":{\"annotations\":{\"" SC_ANNOTATION_ALLOWED_HOSTS "\":%s}}}",
	               json);
	json_decref(world_merge_patch(f->world, "/api/v1/namespaces/default", text));
}

/* The operator, in a Namespace: at once, also what is taken back, and over a start anew. */
static void test_controller_heeds_the_hosts_that_a_namespace_may_have(void **state)
{
	static const char reason[] = "/status/conditions/4/reason"; /* of Activatable */
	struct fixture *f = *state;

	world_kill(f->controller, SIGTERM);
	f->controller =
	        world_spawn(f->world, "sc-controller", "--leader-elect=false",
	                    "--activator-addresses=10.1.1.1:8080", "--allowed-hosts=*=", NULL);
	json_decref(world_create(f->world, GROUP "stoppablecontainers", hello));
	set_hosts(f, CONTAINER, "[\"shop.test\"]");
	world_expect(f->world, CONTAINER, reason, "HostNotAllowed");
	set_allowed_hosts(f, "\"other.test, shop.test\"");
	world_expect(f->world, CONTAINER, "/status/activation/hosts/0", "shop.test");
	world_expect(f->world, CONTAINER, reason, "Routed");

	/* who starts knows the Namespaces before it judges: the host is never out of the status */
	world_kill(f->controller, SIGKILL);
	world_restart(f->controller);
	set_hosts(f, CONTAINER, "[\"shop.test\",\"x.shop.test\"]");
	world_expect(f->world, CONTAINER, "/status/activation/hosts/1", "x.shop.test");

	set_allowed_hosts(f, "null");
	world_expect(f->world, CONTAINER, reason, "HostNotAllowed");
	world_expect(f->world, CONTAINER, "/status/activation/hosts", "[]");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_controller_who_serves_a_host_keeps_it),
	        T(test_controller_heeds_the_hosts_that_a_namespace_may_have),
	};

	return cmocka_run_group_tests_name("controller-hosts", tests, NULL, NULL);
}
