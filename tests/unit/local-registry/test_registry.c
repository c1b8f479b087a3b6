/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry on a state file that cannot be read for a while: a second connection to the file
 * takes a table away, or breaks an object.
 */
#include <event2/event.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"
#include "local/registry.h"
#include "tests/unit/local-registry/unit.h"

enum { TURNS_MAX = 1000, PATIENCE_MS = 10000 };

static const struct kube_type maps = {"", "v1", "configmaps", "ConfigMap", false};
static const struct kube_type namespaces = {"", "v1", "namespaces", "Namespace", true};

struct fixture {
	struct event_base *base;
	struct registry *registry;
	struct registry_watch *watch;
	sqlite3 *other;
	char dir[32];
	char path[64];
	unsigned told; /* objects of the watch */
};

/* In place of the C library's, for SQLite, too: the disk is not what is looked at. */
int fsync(int fd)
{
	return fd < 0 ? -1 : 0;
}

int fdatasync(int fd)
{
	return fd < 0 ? -1 : 0;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct registry_opts opts = {.change_log_max = 100};
	struct err err = {0};

	*state = f;
	log_setup("test", LOG_ERROR, LOG_FORMAT_LOGFMT);
	(void)snprintf(f->dir, sizeof f->dir, "/tmp/test_registry.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof f->path, "%s/db", f->dir);
	opts.database_file = f->path;
	f->base = event_base_new();
	if (registry_open(f->base, &opts, &f->registry, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(sqlite3_open(f->path, &f->other), SQLITE_OK);
	return 0;
}

static int teardown(void **state)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	struct fixture *f = *state;
	char path[80];

	registry_watch_stop(f->watch);
	registry_close(f->registry);
	(void)sqlite3_close(f->other);
	event_base_free(f->base);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		(void)snprintf(path, sizeof path, "%s%s", f->path, ends[i]);
		(void)unlink(path);
	}
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

static void sql(struct fixture *f, const char *text)
{
	char *why = NULL;

	if (sqlite3_exec(f->other, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
}

/* All that is due now. Return: nothing is left that is due at once */
static bool settle(struct fixture *f)
{
	for (unsigned i = 0; i < TURNS_MAX; i++) {
		(void)event_base_loop(f->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		if (event_base_get_num_events(f->base, EVENT_BASE_COUNT_ACTIVE) == 0)
			return true;
	}
	return false;
}

static void make(struct fixture *f, const struct kube_type *type, const char *ns, const char *text)
{
	json_t *object = json_q(text);
	struct err err = {0};

	if (registry_create(f->registry, &(struct registry_ref){type, ns}, object, NULL, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	json_decref(object);
}

static bool is_there(struct fixture *f, const struct kube_type *type, const char *ns,
                     const char *name)
{
	json_t *object = NULL;
	struct err err = {0};
	int r = registry_get(f->registry, &(struct registry_ref){type, ns, name}, &object, &err);

	json_decref(object);
	return r == 0 || err.code != ERR_NOT_FOUND;
}

static void wait_gone(struct fixture *f, const struct kube_type *type, const char *ns,
                      const char *name)
{
	uint64_t end_ms = clk_now_ms() + PATIENCE_MS;

	while (is_there(f, type, ns, name) && clk_now_ms() < end_ms)
		(void)event_base_loop(f->base, EVLOOP_ONCE);
	assert_false(is_there(f, type, ns, name));
}

static void delete (struct fixture *f, const struct kube_type *type, const char *ns,
                    const char *name)
{
	const struct kube_delete_opts opts = {.grace_period_s = -1};
	struct err err = {0};

	if (registry_delete(f->registry, &(struct registry_ref){type, ns, name}, &opts, NULL,
	                    &err) < 0)
		fail_msg("delete %s: %s", name, err.text);
}

static void test_registry_gc_keeps_an_owner_whose_dependents_cannot_be_read(void **state)
{
	struct fixture *f = *state;
	json_t *owner = NULL;
	char text[512];

	make(f, &maps, "default",
	     "{'metadata': {'name': 'owner', 'finalizers': ['foregroundDeletion']}}");
	assert_int_equal(registry_get(f->registry,
	                              &(struct registry_ref){&maps, "default", "owner"}, &owner,
	                              NULL),
	                 0);
	for (unsigned i = 0; i < 2; i++) {
		(void)snprintf(text, sizeof text,
		               "{'metadata': {'name': 'child-%u', 'ownerReferences': [{"
		               "'apiVersion': 'v1', 'kind': 'ConfigMap', 'name': 'owner', "
		               "'uid': '%s'}]}}",
		               i, kube_uid(owner));
		make(f, &maps, "default", text);
	}
	json_decref(owner);
	assert_true(settle(f));

	/* the first is read and deleted, the second is not read */
	sql(f, "CREATE TABLE kept AS SELECT uid, body FROM objects"
	       " WHERE uid = (SELECT max(uid) FROM owners);"
	       "UPDATE objects SET body = '{' WHERE uid IN (SELECT uid FROM kept)");
	delete (f, &maps, "default", "owner");
	assert_true(settle(f));
	assert_true(is_there(f, &maps, "default", "owner"));

	sql(f, "UPDATE objects SET body = (SELECT body FROM kept) WHERE uid IN (SELECT uid FROM "
	       "kept)");
	wait_gone(f, &maps, "default", "owner");
	assert_false(is_there(f, &maps, "default", "child-0"));
	assert_false(is_there(f, &maps, "default", "child-1"));
}

static void test_registry_namespace_whose_content_cannot_be_read_stays(void **state)
{
	struct fixture *f = *state;

	make(f, &namespaces, NULL, "{'metadata': {'name': 't'}}");
	make(f, &maps, "t", "{'metadata': {'name': 'm'}}");
	sql(f, "CREATE TABLE kept AS SELECT uid, body FROM objects WHERE ns = 't';"
	       "UPDATE objects SET body = '{' WHERE ns = 't'");
	delete (f, &namespaces, NULL, "t");
	assert_true(settle(f));
	assert_true(is_there(f, &namespaces, NULL, "t"));

	sql(f, "UPDATE objects SET body = (SELECT body FROM kept) WHERE ns = 't'");
	wait_gone(f, &namespaces, NULL, "t");
	assert_false(is_there(f, &maps, "t", "m"));
}

/* More than one piece of objects that stay as long as somebody else wants. */
static void test_registry_gc_rests_while_a_namespace_is_held(void **state)
{
	struct fixture *f = *state;
	char text[256];

	make(f, &namespaces, NULL, "{'metadata': {'name': 't'}}");
	for (unsigned i = 0; i < 100; i++) {
		(void)snprintf(text, sizeof text,
		               "{'metadata': {'name': 'm-%u', 'finalizers': ['a/b']}}", i);
		make(f, &maps, "t", text);
	}
	delete (f, &namespaces, NULL, "t");
	assert_true(settle(f));
	assert_true(is_there(f, &namespaces, NULL, "t"));
	for (unsigned i = 0; i < 100; i++) {
		const json_t *none = json_null();
		json_t *patch = json_pack("{s:{s:O}}", "metadata", "finalizers", none);

		(void)snprintf(text, sizeof text, "m-%u", i);
		assert_int_equal(registry_merge_patch(f->registry,
		                                      &(struct registry_ref){&maps, "t", text},
		                                      patch, NULL, NULL),
		                 0);
		json_decref(patch);
	}
	wait_gone(f, &namespaces, NULL, "t");
}

static void on_change(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct fixture *f = arg;

	f->told += old_object == NULL && new_object != NULL;
}

static void test_registry_watch_begins_when_it_can_read(void **state)
{
	struct fixture *f = *state;
	uint64_t end_ms = clk_now_ms() + PATIENCE_MS;

	make(f, &maps, "default", "{'metadata': {'name': 'a'}}");
	make(f, &maps, "default", "{'metadata': {'name': 'b'}}");
	assert_true(settle(f));
	sql(f, "ALTER TABLE objects RENAME TO hidden");
	f->watch = registry_watch_start(f->registry, &maps, on_change, f);
	assert_non_null(f->watch);
	assert_true(settle(f));
	assert_int_equal(f->told, 0);
	sql(f, "ALTER TABLE hidden RENAME TO objects");
	while (f->told < 2 && clk_now_ms() < end_ms)
		(void)event_base_loop(f->base, EVLOOP_ONCE);
	assert_int_equal(f->told, 2);
	make(f, &maps, "default", "{'metadata': {'name': 'c'}}");
	assert_true(settle(f));
	assert_int_equal(f->told, 3);
}

static bool on_object(void *arg, const json_t *object)
{
	(void)object;
	++*(unsigned *)arg;
	return true;
}

/* A list without it would be a list in which it is deleted. */
static void test_registry_list_with_a_broken_object_fails(void **state)
{
	const struct registry_ref all = {.type = &maps};
	struct fixture *f = *state;
	unsigned seen = 0;
	struct err err = {0};

	make(f, &maps, "default", "{'metadata': {'name': 'a'}}");
	make(f, &maps, "default", "{'metadata': {'name': 'b'}}");
	assert_int_equal(registry_foreach(f->registry, &all, on_object, &seen, &err), 0);
	assert_int_equal(seen, 2);
	sql(f, "UPDATE objects SET body = '{' WHERE name = 'b'");
	assert_true(registry_foreach(f->registry, &all, on_object, &seen, &err) < 0);
	assert_int_equal(seen, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                test_registry_gc_keeps_an_owner_whose_dependents_cannot_be_read, setup,
	                teardown),
	        cmocka_unit_test_setup_teardown(
	                test_registry_namespace_whose_content_cannot_be_read_stays, setup,
	                teardown),
	        cmocka_unit_test_setup_teardown(test_registry_gc_rests_while_a_namespace_is_held,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(test_registry_watch_begins_when_it_can_read, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_registry_list_with_a_broken_object_fails,
	                                        setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
