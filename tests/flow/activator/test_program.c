/* SPDX-License-Identifier: Apache-2.0 */
/* The program against an API server: its options, and how it ends. */
#include "tests/world/world.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clk.h"

#define CONTAINERS                                                                                 \
	"/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/default/stoppablecontainers"

struct fixture {
	struct world *world;
	struct world_process *activator;
	int client; /* -1: none */
};

static int setup(void **state)
{
	const struct world_options options = {.runner = false};
	struct fixture *f = calloc(1, sizeof *f);

	*state = f;
	f->client = -1;
	f->world = world_new(&options);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->client >= 0)
		(void)close(f->client);
	world_free(f->world);
	free(f);
	return 0;
}

static void make(struct fixture *f, const char *name, const char *activation)
{
	char text[512];

	(void)snprintf(
	        text, sizeof text,
	        "{\"apiVersion\":\"stoppablecontainer.xtlsoft.top/v1alpha1\","
	        "\"kind\":\"StoppableContainer\",\"metadata\":{\"name\":\"%s\"},\"spec\":{"
	        "\"activation\":%s,\"template\":{\"container\":{\"image\":\"app:1\",\"ports\":"
	        "[{\"containerPort\":8080}]}}}}",
	        name, activation);
	json_decref(world_create(f->world, CONTAINERS, text));
}

static void wait_until_ready(struct fixture *f)
{
	uint64_t deadline_ms = clk_now_ms() + WORLD_DEADLINE_MS;

	while (world_admin(f->activator, "GET", "/readyz", NULL, NULL) != 200) {
		if (clk_now_ms() > deadline_ms)
			fail_msg("the activator does not become ready");
		(void)poll(NULL, 0, 10);
	}
}

static int status_of(struct fixture *f, const char *host)
{
	struct world_response r;
	int status;

	world_http(world_port(f->activator), "GET", host, "/", NULL, &r);
	status = r.status;
	world_response_done(&r);
	return status;
}

static void test_program_holds_as_configured_where_the_manifest_is_silent(void **state)
{
	struct fixture *f = *state;
	uint64_t start_ms;

	make(f, "silent", "{}");
	make(f, "told", "{\"maxPendingBytes\":1,\"holdTimeout\":\"20s\"}");
	f->activator = world_spawn(f->world, "sc-activator", "--listen=127.0.0.1:0",
	                           "--hold-timeout=200ms", NULL);
	wait_until_ready(f);
	start_ms = clk_now_ms();
	assert_int_equal(status_of(f, "silent.default"), 504);
	assert_true(clk_now_ms() - start_ms < 10000); /* the product's own default is a minute */
	assert_int_equal(status_of(f, "told.default"), 503);

	world_kill(f->activator, SIGTERM);
	f->activator = world_spawn(f->world, "sc-activator", "--listen=127.0.0.1:0",
	                           "--hold-max-pending-bytes=1", NULL);
	wait_until_ready(f);
	assert_int_equal(status_of(f, "silent.default"), 503);
}

/* Without word from the API for so long, an address may be somebody else's. */
static void test_program_trusts_no_address_for_ever(void **state)
{
	struct fixture *f = *state;
	uint64_t deadline_ms = clk_now_ms() + WORLD_DEADLINE_MS;

	make(f, "x", "{}");
	f->activator = world_spawn(f->world, "sc-activator", "--listen=127.0.0.1:0",
	                           "--hold-timeout=50ms", "--lost-watch-timeout=1s", NULL);
	wait_until_ready(f);
	assert_int_equal(status_of(f, "x.default"), 504);
	world_kill(world_server(f->world), SIGTERM);
	while (status_of(f, "x.default") != 503) {
		if (clk_now_ms() > deadline_ms)
			fail_msg("the activator goes on with what it knew");
	}
}

static void test_program_bounds_what_a_manifest_may_ask_for(void **state)
{
	struct fixture *f = *state;
	uint64_t start_ms;

	make(f, "greedy",
	     "{\"holdTimeout\":\"8760h\",\"maxPendingRequests\":100000,"
	     "\"maxPendingBytes\":\"1Ti\"}");
	f->activator = world_spawn(f->world, "sc-activator", "--listen=127.0.0.1:0",
	                           "--hold-timeout-max=200ms", NULL);
	wait_until_ready(f);
	start_ms = clk_now_ms();
	assert_int_equal(status_of(f, "greedy.default"), 504);
	assert_true(clk_now_ms() - start_ms < 10000);

	/* One byte of a hundred: the whole is not enough for its share to hold a head. */
	world_kill(f->activator, SIGTERM);
	f->activator = world_spawn(f->world, "sc-activator", "--listen=127.0.0.1:0",
	                           "--held-bytes-max=2000", "--hold-share-percent=1", NULL);
	wait_until_ready(f);
	assert_int_equal(status_of(f, "greedy.default"), 503);
}

static void test_program_answers_for_the_names_of_services(void **state)
{
	static const struct {
		const char *host;
		int status;
	} cases[] = {
	        {"hello.default", 504},
	        {"hello.default.svc", 504},
	        {"hello.default.svc.corp.internal", 504},
	        {"hello.default.svc.cluster.local", 404},
	        {"hello", 404}, /* of which namespace? */
	};
	struct fixture *f = *state;

	make(f, "hello", "{}");
	f->activator = world_spawn(f->world, "sc-activator", "--listen=127.0.0.1:0",
	                           "--hold-timeout=50ms", "--cluster-domain=corp.internal", NULL);
	wait_until_ready(f);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(status_of(f, cases[i].host), cases[i].status);
}

static void make_on(struct fixture *f, const char *name, const char *node)
{
	char path[256];
	char text[128];

	make(f, name, "{}");
	(void)snprintf(path, sizeof path, CONTAINERS "/%s/status", name);
	(void)snprintf(text, sizeof text, "{\"status\":{\"nodeName\":\"%s\"}}", node);
	json_decref(world_merge_patch(f->world, path, text));
}

enum { ON_A_NODE = 10 };

/* The first wakes; of those behind it, asked for faster than one a second, some are refused. */
static void test_program_wakes_so_many_on_a_node(void **state)
{
	struct fixture *f = *state;
	unsigned refused = 0;
	char name[16];
	char host[32];

	for (unsigned i = 0; i < ON_A_NODE; i++) {
		(void)snprintf(name, sizeof name, "here%u", i);
		make_on(f, name, "n1");
	}
	make_on(f, "there", "n2");
	make(f, "nowhere", "{}");
	f->activator =
	        world_spawn(f->world, "sc-activator", "--listen=127.0.0.1:0", "--hold-timeout=20ms",
	                    "--wakes-node-per-second=1", "--wakes-node-burst=1", NULL);
	wait_until_ready(f);
	assert_int_equal(status_of(f, "here0.default"), 504);
	for (unsigned i = 1; i < ON_A_NODE; i++) {
		struct world_response r;

		(void)snprintf(host, sizeof host, "here%u.default", i);
		world_http(world_port(f->activator), "GET", host, "/", NULL, &r);
		if (r.status == 503) {
			assert_non_null(strstr(r.body, "\"reason\":\"wake_rate_node\""));
			assert_non_null(strcasestr(r.headers, "Retry-After: "));
			refused++;
		}
		world_response_done(&r);
	}
	assert_true(refused > 0);
	assert_int_equal(status_of(f, "there.default"), 504);
	assert_int_equal(status_of(f, "nowhere.default"), 504);
	world_expect_metric(f->activator,
	                    "sc_activator_requests_total{code=\"503\",reason=\"wake_rate_node\"}",
	                    refused);
}

/* One that nobody has now. */
static unsigned free_port(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof any;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &bytes), 0);
	(void)close(fd);
	return ntohs(any.sin_port);
}

static void test_program_tells_strangers_of_no_name_of_the_cluster(void **state)
{
	static const struct {
		const char *host;
		int inner, outer;
	} cases[] = {
	        {"hello.default", 504, 404},
	        {"hello.default.svc", 504, 404},
	        {"hello.default.svc.cluster.local", 504, 404},
	        {"hello.default.apps.test", 504, 504},
	        {"shop.test", 504, 504},
	};
	struct fixture *f = *state;
	unsigned port = free_port();
	char public[64];

	make(f, "hello", "{\"hosts\":[\"shop.test\"]}");
	json_decref(world_merge_patch(f->world, CONTAINERS "/hello/status",
	                              "{\"status\":{\"activation\":{\"hosts\":[\"shop.test\"]}}}"));
	(void)snprintf(public, sizeof public, "--listen-public=127.0.0.1:%u", port);
	f->activator = world_spawn(f->world, "sc-activator", "--listen=127.0.0.1:0", public,
	                           "--domains=apps.test", "--hold-timeout=50ms", NULL);
	wait_until_ready(f);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct world_response r;

		assert_int_equal(status_of(f, cases[i].host), cases[i].inner);
		world_http(port, "GET", cases[i].host, "/", NULL, &r);
		assert_int_equal(r.status, cases[i].outer);
		world_response_done(&r);
	}
}

static void test_program_tells_of_what_was_asked_for_alone(void **state)
{
	struct fixture *f = *state;
	json_t *activity = NULL, *targets;

	make(f, "asked", "{}");
	make(f, "untouched", "{}");
	f->activator = world_spawn(f->world, "sc-activator", "--listen=127.0.0.1:0",
	                           "--hold-timeout=50ms", NULL);
	wait_until_ready(f);
	assert_int_equal(status_of(f, "asked.default"), 504);
	assert_int_equal(world_admin(f->activator, "GET", "/v1/activity", NULL, &activity), 200);
	targets = json_object_get(activity, "targets");
	assert_int_equal(json_array_size(targets), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(targets, 0), "name")),
	                    "asked");
	json_decref(activity);
}

static int dial(struct fixture *f)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	                         .sin_port = htons((uint16_t)world_port(f->activator)),
	                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static void test_program_is_not_ready_before_it_drains(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: hello.default\r\n\r\n";
	struct fixture *f = *state;
	char answer[4096] = "";
	size_t bytes = 0;
	ssize_t n;

	make(f, "hello", "{\"holdTimeout\":\"8s\"}");
	f->activator = world_spawn(f->world, "sc-activator", "--listen=127.0.0.1:0",
	                           "--shutdown-delay=4s", "--drain-timeout=30s", NULL);
	wait_until_ready(f);
	assert_int_equal(kill(world_pid(f->activator), SIGTERM), 0);
	while (world_admin(f->activator, "GET", "/readyz", NULL, NULL) != 503)
		(void)poll(NULL, 0, 2);
	/* who comes nevertheless is served, and held to its own end through the drain */
	f->client = dial(f);
	assert_true(f->client >= 0);
	assert_int_equal(write(f->client, request, strlen(request)), (ssize_t)strlen(request));
	while ((n = read(f->client, answer + bytes, sizeof answer - 1 - bytes)) > 0)
		bytes += (size_t)n;
	assert_non_null(strstr(answer, "HTTP/1.1 504 "));
	assert_non_null(strstr(answer, "onnection: close\r\n"));
	assert_int_equal(dial(f), -1);     /* by now it takes nobody */
	world_kill(f->activator, SIGTERM); /* it ends by itself, with 0 */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_program_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(holds_as_configured_where_the_manifest_is_silent),
	        TEST(trusts_no_address_for_ever),
	        TEST(bounds_what_a_manifest_may_ask_for),
	        TEST(wakes_so_many_on_a_node),
	        TEST(answers_for_the_names_of_services),
	        TEST(tells_strangers_of_no_name_of_the_cluster),
	        TEST(tells_of_what_was_asked_for_alone),
	        TEST(is_not_ready_before_it_drains),
	};

	return cmocka_run_group_tests_name("activator-program", tests, NULL, NULL);
}
