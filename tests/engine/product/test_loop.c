/* SPDX-License-Identifier: Apache-2.0 */
/* A request wakes a sleeping container, idleness puts it back, its disk stays. */
#include "tests/engine/product/product.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/clk.h"

#define HELLO "hello.default.localhost"
#define API "/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/default"
#define SC API "/stoppablecontainers/hello"
#define SCI API "/stoppablecontainerinstances/hello"
#define POD "/api/v1/namespaces/default/pods/"

/* In no other root directory is there such a file. */
#define NOTE "/var/note.txt"

struct story {
	struct product *p;
	char host_path[256];
};

static void expect_note(const char *method, const char *body, const char *want)
{
	struct world_response res;

	world_http(PRODUCT_PORT, method, HELLO, "/cgi-bin/note", body, &res);
	assert_int_equal(res.status, 200);
	assert_non_null(res.body);
	assert_string_equal(res.body, want);
	world_response_done(&res);
}

static void wait_no_consumer(struct story *s, const char *uid)
{
	uint64_t deadline_ms = clk_now_ms() + WORLD_DEADLINE_MS;

	product_wait_phase(s->p, "hello", "Stopped");
	assert_int_equal(product_rooted(NOTE), 0);
	world_expect_gone(s->p->world, POD "hello");
	/* the container's monitor lives a moment longer than what it watches */
	while (product_processes(uid) > 0)
		assert_true(clk_now_ms() < deadline_ms);
}

static void expect_kept_on_disk(const struct story *s, const char *want)
{
	char path[512];
	char text[64] = "";
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/upper%s", s->host_path, NOTE);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof text, f));
	(void)fclose(f);
	assert_string_equal(text, want);
}

static void find_host_path(struct story *s)
{
	json_t *instance = world_get(s->p->world, SCI);
	const char *path = json_string_value(json_object_get(
	        json_object_get(json_object_get(instance, "status"), "rootfs"), "hostPath"));

	assert_non_null(path);
	(void)snprintf(s->host_path, sizeof s->host_path, "%s", path);
	json_decref(instance);
}

static void by_request_and_idleness(struct story *s)
{
	char uid[PRODUCT_UID_BYTES];

	expect_note("POST", "kept", "kept");
	product_wait_phase(s->p, "hello", "Running");
	product_consumer_uid(s->p, "hello", uid);
	assert_true(product_processes(uid) >= 2);
	assert_true(product_rooted(NOTE) >= 1);
	find_host_path(s);
	wait_no_consumer(s, uid);
	world_expect(s->p->world, SC, "/spec/running", "false");
	world_expect(s->p->world, SC, "/status/idle/lastStopReason",
	             "no request for 2s (last from 127.0.0.1)");
	expect_kept_on_disk(s, "kept");
	expect_note("GET", NULL, "kept");
}

static void by_hand(struct story *s)
{
	char uid[PRODUCT_UID_BYTES];

	json_decref(
	        world_merge_patch(s->p->world, SC, "{\"spec\":{\"idle\":{\"timeout\":\"0s\"}}}"));
	product_wait_phase(s->p, "hello", "Running");
	product_consumer_uid(s->p, "hello", uid);
	assert_int_equal(product_set_running(s->p, "hello", false), 200);
	wait_no_consumer(s, uid);
	assert_int_equal(product_set_running(s->p, "hello", true), 200);
	product_wait_phase(s->p, "hello", "Running");
	product_consumer_uid(s->p, "hello", uid);
	assert_true(product_processes(uid) >= 2);
	expect_note("GET", NULL, "kept");
}

static void test_loop(void **state)
{
	struct story s = {.p = *state};
	struct stat st;
	json_t *list;

	product_apply(s.p, "hello", "localhost/hello:1", false,
	              "\"timeout\":\"2s\",\"startupGrace\":\"0s\"");
	product_wait_phase(s.p, "hello", "Stopped");
	by_request_and_idleness(&s);
	by_hand(&s);
	world_delete(s.p->world, SC);
	world_expect_gone(s.p->world, SC);
	world_expect_gone(s.p->world, SCI);
	world_expect_gone(s.p->world, POD "hello");
	world_expect_gone(s.p->world, POD "hello-provider");
	world_expect_gone(s.p->world, "/api/v1/namespaces/default/services/hello");
	assert_int_equal(stat(s.host_path, &st), -1);
	assert_int_equal(product_rooted(NOTE), 0);
	list = world_get(s.p->world, "/api/v1/namespaces/default/pods");
	assert_int_equal(json_array_size(json_object_get(list, "items")), 0);
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_loop)};

	return cmocka_run_group_tests(tests, product_up, product_down);
}
