/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/core/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { FILES = 524288 };

#define MIB ((size_t)1 << 20)

static void test_budget_is_a_part_of_the_limit_or_of_the_machine(void **state)
{
	assert_int_equal(budget_bytes(500 * MIB, 8000 * MIB), 300 * MIB);
	assert_int_equal(budget_bytes(0, 8000 * MIB), 2000 * MIB);
	assert_int_equal(budget_bytes(9000 * MIB, 8000 * MIB), 2000 * MIB);
}

static void test_budget_grows_tight_before_it_is_full(void **state)
{
	assert_int_equal(budget_level(0, SIZE_MAX), BUDGET_EASY);
	assert_int_equal(budget_level(100, 74), BUDGET_EASY);
	assert_int_equal(budget_level(100, 75), BUDGET_TIGHT);
	assert_int_equal(budget_level(100, 99), BUDGET_TIGHT);
	assert_int_equal(budget_level(100, 100), BUDGET_FULL);
	assert_true(budget_goal(100) < 75);
}

static void test_budget_pieces_shrink_and_never_end(void **state)
{
	assert_int_equal(budget_piece(BUDGET_EASY, 65536), 65536);
	assert_int_equal(budget_piece(BUDGET_TIGHT, 65536), BUDGET_TIGHT_PIECE_BYTES);
	assert_int_equal(budget_piece(BUDGET_FULL, 65536), BUDGET_FULL_PIECE_BYTES);
	assert_int_equal(budget_piece(BUDGET_FULL, 100), 100);
}

static void test_budget_lowers_connections_that_do_not_fit(void **state)
{
	assert_int_equal(budget_connections(0, FILES, 8000), 8000);
	assert_int_equal(budget_connections(32 * MIB, FILES, 8000), 2048);
	assert_int_equal(budget_connections(1, FILES, 8000), 1);
	assert_int_equal(budget_connections(0, 1000, 8000), 476);
	assert_int_equal(budget_connections(0, 0, 8000), 1);
}

/* The chart: 512Mi, 8000 connections; what is over the budget at worst is in the other part. */
static void test_budget_of_the_chart_holds_its_connections(void **state)
{
	size_t limit = 512 * MIB;
	size_t budget = budget_bytes(limit, 64 * 1024 * MIB);

	assert_int_equal(budget_connections(budget, FILES, 8000), 8000);
	assert_true(budget + 8800 * (size_t)BUDGET_FULL_PIECE_BYTES < limit - 128 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_budget_is_a_part_of_the_limit_or_of_the_machine),
	        cmocka_unit_test(test_budget_grows_tight_before_it_is_full),
	        cmocka_unit_test(test_budget_pieces_shrink_and_never_end),
	        cmocka_unit_test(test_budget_lowers_connections_that_do_not_fit),
	        cmocka_unit_test(test_budget_of_the_chart_holds_its_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
