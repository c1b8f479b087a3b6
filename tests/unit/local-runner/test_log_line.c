/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/local-runner/unit.h"

#include "local/runner/core/log_line.h"

static void test_log_line_takes_a_line_apart(void **state)
{
	static const char text[] = "2026-01-02T03:04:05.1+00:00 stdout F a b";
	struct log_line l;

	(void)state;
	assert_true(log_line_parse(text, sizeof text - 1, &l));
	assert_int_equal(l.time_bytes, 27);
	assert_int_equal(l.text_bytes, 3);
	assert_memory_equal(l.text, "a b", 3);
	assert_false(l.partial);
}

static void test_log_line_knows_parts_and_empty_lines(void **state)
{
	struct log_line l;

	(void)state;
	assert_true(log_line_parse("t stderr P x", 12, &l));
	assert_true(l.partial);
	assert_true(log_line_parse("t stdout F ", 11, &l));
	assert_int_equal(l.text_bytes, 0);
	assert_true(log_line_parse("t stdout F", 10, &l));
	assert_int_equal(l.text_bytes, 0);
}

static void test_log_line_refuses_what_is_not_of_the_format(void **state)
{
	static const char *const bad[] = {"", "x", "t stdout", "t stdout X y", "t stdout Fy"};
	struct log_line l;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(log_line_parse(bad[i], strlen(bad[i]), &l));
}

static void test_log_line_tail_counts_whole_lines(void **state)
{
	static const char text[] = "t o F 1\nt o P 2a\nt o F 2b\nt o F 3\n";
	static const size_t at[] = {34, 26, 8, 0, 0};

	(void)state;
	for (int64_t n = 0; n < 5; n++)
		assert_int_equal(log_line_tail(text, sizeof text - 1, n), at[n]);
	assert_int_equal(log_line_tail(text, sizeof text - 1, -1), 0);
	assert_int_equal(log_line_tail(text, 0, 3), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_log_line_takes_a_line_apart),
	        cmocka_unit_test(test_log_line_knows_parts_and_empty_lines),
	        cmocka_unit_test(test_log_line_refuses_what_is_not_of_the_format),
	        cmocka_unit_test(test_log_line_tail_counts_whole_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
