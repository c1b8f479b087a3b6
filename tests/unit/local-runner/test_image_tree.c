/* SPDX-License-Identifier: Apache-2.0 */
#include "local/runner/io/image_tree.h"
#include "tests/unit/local-runner/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[] = "/tmp/image-tree.XXXXXX";
static char path[256];

static const char *at(const char *name)
{
	(void)snprintf(path, sizeof path, "%s/%s", base, name);
	return path;
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(base) != NULL && mkdir(at("low"), 0700) == 0 && mkdir(at("high"), 0700) == 0
	               ? 0
	               : -1;
}

static int remove_entry(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(name);
}

static int teardown(void **state)
{
	(void)state;
	(void)nftw(base, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	(void)snprintf(base, sizeof base, "/tmp/image-tree.XXXXXX");
	return 0;
}

/* Return: what is wrong, or "". */
static const char *check(void)
{
	static struct err err;
	json_t *driver = json_pack("{s:{s:o}}", "Data", "LowerDir",
	                           json_sprintf("%s/high:%s/low", base, base));
	int r = image_tree_check(driver, &err);

	json_decref(driver);
	return r < 0 ? err.text : "";
}

static void test_image_tree_takes_folders_and_nothing(void **state)
{
	(void)state;
	assert_string_equal(check(), "");
	assert_int_equal(mkdir(at("low/dev"), 0755), 0);
	assert_string_equal(check(), "");
}

static void test_image_tree_refuses_links_and_files(void **state)
{
	(void)state;
	assert_int_equal(symlink("../../..", at("low/dev")), 0);
	assert_non_null(strstr(check(), "UnsafeMountPoint: /dev in the image is a symbolic link"));
	assert_int_equal(unlink(at("low/dev")), 0);
	assert_int_equal(mknod(at("low/proc"), S_IFREG | 0644, 0), 0);
	assert_non_null(strstr(check(), "/proc in the image is not a folder"));
}

static void test_image_tree_looks_at_the_highest_layer_only(void **state)
{
	(void)state;
	assert_int_equal(symlink("/etc", at("low/dev")), 0);
	assert_int_equal(mkdir(at("high/dev"), 0755), 0);
	assert_string_equal(check(), "");
	assert_int_equal(symlink("/etc", at("high/sys")), 0);
	assert_non_null(strstr(check(), "/sys in the image"));
}

static void test_image_tree_without_layers_is_refused(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(image_tree_check(NULL, &err), -1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        T(test_image_tree_takes_folders_and_nothing),
	        T(test_image_tree_refuses_links_and_files),
	        T(test_image_tree_looks_at_the_highest_layer_only),
	        T(test_image_tree_without_layers_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
