/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/kube/client/object.h"
#include "local/registry/io/store.h"
#include "tests/unit/local-registry/unit.h"

struct fixture {
	struct store *store;
	char trace[256];
	const char *stop_at; /* or NULL */
};

static void put(struct fixture *f, const char *type, const char *ns, const char *name)
{
	struct store_key key = {type, ns, name};
	char uid[64];
	json_t *object;

	(void)snprintf(uid, sizeof uid, "%s-%s-%s", type, ns, name);
	object = json_pack("{s:{s:s, s:s, s:s}}", "metadata", "namespace", ns, "name", name, "uid",
	                   uid);
	assert_int_equal(store_put(f->store, &key, STORE_ADDED, object, NULL), 0);
	json_decref(object);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	*state = f;
	assert_int_equal(store_open(":memory:", 100, &f->store, NULL), 0);
	put(f, "pods", "b", "1");
	put(f, "pods", "a", "2");
	put(f, "pods", "a", "1");
	put(f, "nodes", "", "n");
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	free(f);
	return 0;
}

static bool on_object(void *arg, const json_t *object)
{
	struct fixture *f = arg;
	size_t len = strlen(f->trace);

	(void)snprintf(f->trace + len, sizeof f->trace - len, "%s/%s ", kube_namespace(object),
	               kube_name(object));
	return f->stop_at == NULL || strcmp(f->stop_at, kube_name(object)) != 0;
}

static void expect(struct fixture *f, struct store_range range, const char *trace)
{
	range.type = "pods";
	f->trace[0] = '\0';
	assert_int_equal(store_list(f->store, &range, on_object, f, NULL), 0);
	assert_string_equal(f->trace, trace);
}

static void test_store_lists_a_range(void **state)
{
	struct fixture *f = *state;

	expect(f, (struct store_range){0}, "a/1 a/2 b/1 ");
	expect(f, (struct store_range){.ns = "a"}, "a/1 a/2 ");
	expect(f, (struct store_range){.max_count = 2}, "a/1 a/2 ");
	expect(f, (struct store_range){.after_ns = "a", .after_name = "1", .max_count = 2},
	       "a/2 b/1 ");
	expect(f, (struct store_range){.ns = "a", .after_name = "1"}, "a/2 ");
	expect(f, (struct store_range){.after_ns = "b", .after_name = "1"}, "");
	f->stop_at = "2";
	expect(f, (struct store_range){0}, "a/1 a/2 ");
}

/* In place of the C library's, for SQLite, too. */
static unsigned syncs_count;
int fsync(int fd)
{
	syncs_count++;
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	syncs_count++;
	return (int)syscall(SYS_fdatasync, fd);
}

static void test_store_syncs_when_told_and_not_at_each_write(void **state)
{
	struct fixture f = {0};
	char dir[] = "/tmp/test_store.XXXXXX", path[64];
	static const char *const ends[] = {"", "-wal", "-shm"};
	unsigned before;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/db", dir);
	assert_int_equal(store_open(path, 100, &f.store, NULL), 0);
	put(&f, "pods", "a", "1");
	before = syncs_count;
	put(&f, "pods", "a", "2");
	assert_int_equal(syncs_count, before);
	assert_int_equal(store_sync(f.store, NULL), 0);
	assert_int_equal(syncs_count, before + 1);
	store_close(f.store);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		(void)snprintf(path, sizeof path, "%s/db%s", dir, ends[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_store_syncs_when_told_and_not_at_each_write),
	        cmocka_unit_test_setup_teardown(test_store_lists_a_range, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
