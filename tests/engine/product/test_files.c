/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are not what they were, while their container sleeps: a request is told, nothing is
 * started or overwritten, and it goes on when they are back, or are accepted as they are. Files
 * that are dropped keep no start waiting.
 */
#include "tests/engine/product/product.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clk.h"
#include "tests/world/world_internal.h"

#define API "/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/default"
#define SC API "/stoppablecontainers/hello"
#define SCI API "/stoppablecontainerinstances/hello"

enum { PATH_BYTES = 300, COMMAND_BYTES = 1000 };

struct story {
	struct product *p;
	char folder[PATH_BYTES]; /* of the kept files */
};

static void expect_answer(int status, const char *want)
{
	struct product_answer a;

	product_http("hello", "GET", "/cgi-bin/note", &a);
	if (a.status != status || strstr(a.body, want) == NULL)
		fail_msg("%d %s", a.status, a.body);
}

static void fall_asleep(struct story *s)
{
	assert_int_equal(product_set_running(s->p, "hello", false), 200);
	product_wait_phase(s->p, "hello", "Stopped");
}

static void text_at(struct story *s, const char *key, char *text, size_t size)
{
	json_t *instance = product_object(s->p, "stoppablecontainerinstances", "hello");
	const char *is = json_string_value(json_object_get(
	        json_object_get(json_object_get(instance, "status"), "rootfs"), key));

	(void)snprintf(text, size, "%s", is != NULL ? is : "");
	json_decref(instance);
}

/* The generation that was told after the last stop is not @before. */
static void wait_settled(struct story *s, char generation[PATH_BYTES])
{
	uint64_t deadline_ms = world_deadline();
	char before[PATH_BYTES];

	memcpy(before, generation, sizeof before);
	do {
		assert_true(world_poll(deadline_ms));
		text_at(s, "filesGeneration", generation, PATH_BYTES);
	} while (strcmp(before, generation) == 0);
}

static void on_disk(const struct story *s, const char *fmt)
{
	char command[COMMAND_BYTES];

	(void)snprintf(command, sizeof command, "set -e; cd '%.250s'; ", s->folder);
	(void)snprintf(command + strlen(command), sizeof command - strlen(command), "%.600s", fmt);
	assert_int_equal(system(command), 0);
}

static void expect_reason(struct story *s, const char *reason)
{
	world_expect(s->p->world, SCI, "/status/rootfs/reason", reason);
	world_expect(s->p->world, SC, "/status/phase", "Failed");
}

/* What the message says that can be done. */
static void order_it(struct story *s, const char *name)
{
	char message[PATH_BYTES * 2];
	char patch[COMMAND_BYTES];
	char at[PATH_BYTES];
	uint64_t deadline_ms = world_deadline();
	const char *order;

	do { /* until the provider's image is known, too */
		assert_true(world_poll(deadline_ms));
		text_at(s, "message", message, sizeof message);
		order = strstr(message, name);
	} while (order == NULL || strstr(order, "=IMAGE-DIGEST") != NULL);
	(void)snprintf(patch, sizeof patch,
	               "{\"metadata\":{\"annotations\":{"
	               "\"stoppablecontainer.xtlsoft.top/%s\":\"%s\"}}}",
	               name, strchr(order, '=') + 1);
	json_decref(world_merge_patch(s->p->world, SCI, patch));
	world_expect(s->p->world, SCI, "/status/rootfs/state", "Ready");
	(void)snprintf(at, sizeof at, "/metadata/annotations/stoppablecontainer.xtlsoft.top~1%s",
	               name);
	world_expect(s->p->world, SCI, at, "");
}

static void wait_listed(struct story *s)
{
	uint64_t deadline_ms = world_deadline();
	char path[PATH_BYTES + 16];

	(void)snprintf(path, sizeof path, "%s/files.list", s->folder);
	while (access(path, F_OK) < 0)
		assert_true(world_poll(deadline_ms));
}

static void expect_verified(struct story *s, const char *order, const char *result)
{
	char patch[PATH_BYTES];

	(void)snprintf(patch, sizeof patch,
	               "{\"metadata\":{\"annotations\":{"
	               "\"stoppablecontainer.xtlsoft.top/verify-rootfs\":\"%s\"}}}",
	               order);
	json_decref(world_merge_patch(s->p->world, SCI, patch));
	world_expect(s->p->world, SCI, "/status/rootfs/verified/order", order);
	world_expect(s->p->world, SCI, "/status/rootfs/verified/result", result);
}

/* What a start does not see: it looks at the top folder. */
static void verified_below(struct story *s)
{
	wait_listed(s);
	expect_verified(s, "1", "Same");
	on_disk(s, "cp -p upper/var/note.txt note; echo more >>upper/var/note.txt");
	expect_verified(s, "2", "Differs");
	world_expect(s->p->world, SCI, "/status/rootfs/verified/message", "changed var/note.txt\n");
	on_disk(s, "cp -p note upper/var/note.txt; rm note");
	expect_verified(s, "3", "Same");
}

static void changed_and_accepted(struct story *s, char generation[PATH_BYTES])
{
	on_disk(s, "touch upper/from-outside");
	expect_answer(503, "FilesChanged");
	expect_reason(s, "FilesChanged");
	on_disk(s, "grep -q x=1 upper/var/note.txt");
	assert_int_equal(product_set_running(s->p, "hello", false), 200);
	order_it(s, "accept-rootfs");
	product_wait_phase(s->p, "hello", "Stopped");
	text_at(s, "filesGeneration", generation, PATH_BYTES);
	expect_answer(200, "x=1");
	expect_verified(s, "4", "InUse");
	fall_asleep(s);
	wait_settled(s, generation);
}

static void missing_and_back(struct story *s, char generation[PATH_BYTES])
{
	char away[PATH_BYTES + 8];

	(void)snprintf(away, sizeof away, "%s-away", s->folder);
	assert_int_equal(rename(s->folder, away), 0);
	expect_answer(503, "FilesMissing");
	expect_reason(s, "FilesMissing");
	assert_int_equal(access(s->folder, F_OK), -1); /* nothing is made in its place */
	assert_int_equal(rename(away, s->folder), 0);
	/* by itself, when it is tried again; it was asked for */
	product_wait_phase(s->p, "hello", "Running");
	expect_answer(200, "x=1");
	fall_asleep(s);
	wait_settled(s, generation);
}

/*
 * The agent can't remove them for now: something is mounted in them where only it sees that. When
 * it is killed the mount is gone, and the agent that comes then has to know what they are.
 */
static void dropped_behind_the_start(struct story *s)
{
	on_disk(s, "echo broken >record.json; kill -KILL $(pgrep -ox sc-node-agent)");
	expect_reason(s, "RecordCorrupt");
	on_disk(s, "nsenter -t $(pgrep -ox sc-node-agent) -m mount -t tmpfs held $PWD/upper/var");
	order_it(s, "reset-rootfs");
	product_wait_phase(s->p, "hello",
	                   "Stopped"); /* until then a request is told why it failed */
	expect_answer(200, "no note yet");
	on_disk(s, "grep -q x=1 dropped-*/var/note.txt");
	on_disk(s, "kill -KILL $(pgrep -ox sc-node-agent)");
	on_disk(s, "for i in $(seq 600); do ls -d dropped-* || exit 0; sleep 0.1; done; exit 1");
	expect_answer(200, "no note yet");
}

static void test_files(void **state)
{
	struct story s = {.p = *state};
	struct product_answer a;
	char generation[PATH_BYTES] = "";

	product_apply(s.p, "hello", "localhost/hello:1", false, "\"timeout\":\"0s\"");
	product_wait_phase(s.p, "hello", "Stopped");
	text_at(&s, "hostPath", s.folder, sizeof s.folder);
	text_at(&s, "filesGeneration", generation, sizeof generation);
	product_http("hello", "POST", "/cgi-bin/note", &a); /* writes "x=1" */
	assert_int_equal(a.status, 200);
	fall_asleep(&s);
	wait_settled(&s, generation);
	verified_below(&s);
	changed_and_accepted(&s, generation);
	missing_and_back(&s, generation);
	dropped_behind_the_start(&s);
	world_delete(s.p->world, SC);
	world_expect_gone(s.p->world, SCI);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_files)};

	return cmocka_run_group_tests(tests, product_up, product_down);
}
