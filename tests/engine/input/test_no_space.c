/* SPDX-License-Identifier: Apache-2.0 */
/* The disk below hostPathPrefix is full, and has room again. */
#include "tests/engine/input/input.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

static char prefix[PATH_MAX];

/* A file system with room for the folders of the namespace and the resource, and no more. */
static int setup(void **state)
{
	(void)snprintf(prefix, sizeof prefix, "%s/tiny", getenv("ENGINE_DIR"));
	if (mkdir(prefix, 0755) < 0 || mount("tmpfs", prefix, "tmpfs", 0, "nr_inodes=4") < 0)
		return -1;
	*state = world_new(&(struct world_options){.runner = true, .host_path_prefix = prefix});
	input_image(*state, "localhost/input:1", ":");
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return umount2(prefix, MNT_DETACH);
}

static void test_a_full_disk_is_told_and_left_when_there_is_room(void **state)
{
	struct world *w = *state;

	input_apply(w, &(struct input_manifest){
	                       .name = "full", .image = "localhost/input:1", .prefix = prefix});
	input_condition(w, "full", "RootfsReady", "NoSpace", "No space left on device");
	input_event(w, "full", "NoSpace");
	(void)input_answer("full.default.localhost", 503, "failed: NoSpace: ");
	assert_int_equal(mount("tmpfs", prefix, "tmpfs", MS_REMOUNT, "nr_inodes=0"), 0);
	input_answer_soon("full.default.localhost", 200, "localhost/input:1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_full_disk_is_told_and_left_when_there_is_room),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
