/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's state folder on a disk that is full, and has room again. */
#include "tests/world/world.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/kube/client/object.h"

#define MAPS "/api/v1/namespaces/default/configmaps"

enum { TEXT_BYTES = 64 << 10, MAPS_MAX = 200, FILL_BYTES = 4096 };

static char small[PATH_MAX];

static int setup(void **state)
{
	(void)snprintf(small, sizeof small, "%s/small", getenv("ENGINE_DIR"));
	if (mkdir(small, 0755) < 0 || mount("tmpfs", small, "tmpfs", 0, "size=4m") < 0 ||
	    setenv("TMPDIR", small, 1) < 0)
		return -1;
	*state = world_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return umount2(small, MNT_DETACH);
}

static void fill(const char *path)
{
	static const char block[FILL_BYTES];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	while (write(fd, block, sizeof block) > 0)
		;
	(void)close(fd);
}

/* Return: HTTP status. */
static int create(struct world *w, int number, char message[256])
{
	static char body[TEXT_BYTES + 256];
	json_t *answer = NULL;
	int at = snprintf(body, sizeof body, "{\"metadata\":{\"name\":\"m%d\"},\"data\":{\"k\":\"",
	                  number);
	int status;

	memset(body + at, 'x', TEXT_BYTES);
	(void)snprintf(body + at + TEXT_BYTES, sizeof body - (size_t)at - TEXT_BYTES, "\"}}");
	status = world_call(w, "POST", MAPS, "application/json", body, &answer);
	(void)snprintf(message, 256, "%s", json_str_at(answer, "", "message", NULL));
	json_decref(answer);
	return status;
}

static size_t count(struct world *w)
{
	json_t *list = world_get(w, MAPS);
	size_t n = json_array_size(json_object_get(list, "items"));

	json_decref(list);
	return n;
}

static void test_a_full_disk_is_told_and_nothing_is_lost(void **state)
{
	struct world *w = *state;
	char filler[PATH_MAX + 16];
	char message[256];
	int status = 201;
	int made = 0;

	(void)snprintf(filler, sizeof filler, "%s/filler", small);
	assert_int_equal(create(w, made++, message), 201);
	fill(filler);
	while (status == 201 && made < MAPS_MAX)
		status = create(w, made++, message);
	if (status != 507 || strstr(message, "full") == NULL)
		fail_msg("want 507 with a text, got %d %s", status, message);
	made--;
	assert_int_equal(world_call(w, "GET", "/readyz", NULL, NULL, NULL), 200);
	assert_int_equal(count(w), made);
	assert_int_equal(unlink(filler), 0);
	assert_int_equal(create(w, made++, message), 201);
	assert_int_equal(count(w), made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_full_disk_is_told_and_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
