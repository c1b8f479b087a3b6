/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_buf_it_grows_and_ends_with_nul(void **state)
{
	struct buf b = {0};

	(void)state;
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(buf_put(&b, "ab", 2), 0);
		assert_int_equal(b.data[b.bytes], '\0');
	}
	assert_int_equal(b.bytes, 20000);
	assert_int_equal(strspn(b.data, "ab"), 20000);
	buf_done(&b);
	assert_null(b.data);
}

static void test_buf_it_holds_nothing_too(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(buf_put(&b, NULL, 0), 0);
	assert_string_equal(b.data, "");
	buf_done(&b);
}

static void test_buf_cleared_it_keeps_only_so_much_memory(void **state)
{
	struct buf b = {0};
	char *had;

	(void)state;
	assert_int_equal(buf_put(&b, "text", 4), 0);
	had = b.data;
	buf_clear(&b, 64 * 1024);
	assert_int_equal(b.bytes, 0);
	assert_ptr_equal(b.data, had);
	while (b.space <= 64 * 1024)
		assert_int_equal(buf_put(&b, "0123456789abcdef", 16), 0);
	buf_clear(&b, 64 * 1024);
	assert_null(b.data);
	assert_int_equal(buf_put(&b, "anew", 4), 0);
	assert_string_equal(b.data, "anew");
	buf_done(&b);
}

static void test_buf_more_than_there_can_be_is_refused_and_nothing_is_lost(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(buf_put(&b, "text", 4), 0);
	assert_int_equal(buf_put(&b, "text", SIZE_MAX - 4), -1);
	assert_string_equal(b.data, "text");
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_buf_it_grows_and_ends_with_nul),
	        cmocka_unit_test(test_buf_it_holds_nothing_too),
	        cmocka_unit_test(test_buf_cleared_it_keeps_only_so_much_memory),
	        cmocka_unit_test(test_buf_more_than_there_can_be_is_refused_and_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
