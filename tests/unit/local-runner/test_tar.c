/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/local-runner/unit.h"

#include "local/runner/io/tar.h"

static void test_tar_is_made_of_whole_blocks(void **state)
{
	struct tar_buf t = {0};
	unsigned sum = 0;

	(void)state;
	tar_add(&t, "a", 0755, "xyz", 3);
	tar_end(&t);
	assert_false(t.failed);
	assert_int_equal(t.bytes, 512 * 4);
	assert_string_equal(t.data, "a");
	assert_memory_equal(t.data + 100, "0000755", 8);
	assert_memory_equal(t.data + 124, "00000000003", 12);
	assert_memory_equal(t.data + 257, "ustar", 6);
	assert_memory_equal(t.data + 512, "xyz", 4);
	for (size_t i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? ' ' : (unsigned char)t.data[i];
	assert_int_equal(strtoul(t.data + 148, NULL, 8), sum);
	tar_done(&t);
}

static void test_tar_refuses_a_long_name(void **state)
{
	struct tar_buf t = {0};
	char name[128];

	(void)state;
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	tar_add(&t, name, 0644, "", 0);
	assert_true(t.failed);
	tar_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_tar_is_made_of_whole_blocks),
	        cmocka_unit_test(test_tar_refuses_a_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
