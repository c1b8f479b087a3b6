/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/mountinfo.h"

static void test_mountinfo_reads_a_line_with_optional_fields(void **state)
{
	char line[] = "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:2 - overlay "
	              "/dev/root rw,lowerdir=/a\n";
	struct mountinfo info;

	(void)state;
	assert_true(mountinfo_parse(line, &info));
	assert_int_equal(info.id, 36);
	assert_int_equal(info.parent_id, 35);
	assert_string_equal(info.mount_point, "/mnt 2");
	assert_string_equal(info.fs_type, "overlay");
	assert_string_equal(info.super_options, "rw,lowerdir=/a");
}

static void test_mountinfo_other_lines_are_none(void **state)
{
	static const char *const lines[] = {"", "\n", "x 35 98:0 / / rw - a b c\n",
	                                    "36 35 98:0 /\n", "36 35 98:0 / / rw - overlay x\n"};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		char line[64];
		struct mountinfo info;

		(void)snprintf(line, sizeof line, "%s", lines[i]);
		assert_false(mountinfo_parse(line, &info));
	}
}

static void expect_layers(const char *text, const char *want)
{
	char options[256];
	char got[256] = "";
	char *cursor = options;
	char *list;
	char *layer;

	(void)snprintf(options, sizeof options, "%s", text);
	while ((list = mountinfo_option(&cursor, "lowerdir", "lowerdir+")) != NULL) {
		while ((layer = mountinfo_layer(&list)) != NULL)
			(void)snprintf(got + strlen(got), sizeof got - strlen(got), "[%s]", layer);
	}
	assert_string_equal(got, want);
}

static void test_mountinfo_layers_with_escapes_and_one_option_each(void **state)
{
	(void)state;
	expect_layers("rw,lowerdir=/a:/b,upperdir=/u,workdir=/w", "[/a][/b]");
	expect_layers("rw,lowerdir=l/A:l/B", "[l/A][l/B]");
	/* a comma and a space as octal, a colon and a backslash as overlayfs escapes them */
	expect_layers("rw,lowerdir=/a\\054b\\040c:/d\\134:e", "[/a,b c][/d:e]");
	expect_layers("rw,lowerdir+=/a,lowerdir+=/b,index=on", "[/a][/b]");
	expect_layers("rw,upperdir=/u", "");
	expect_layers("rw,lowerdirs=/x,lowerdir", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_mountinfo_reads_a_line_with_optional_fields),
	        cmocka_unit_test(test_mountinfo_other_lines_are_none),
	        cmocka_unit_test(test_mountinfo_layers_with_escapes_and_one_option_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
