/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loadtest/histogram.h"

static struct histogram histogram;

static void test_histogram_without_values_is_zero(void **state)
{
	(void)state;
	histogram_init(&histogram);
	assert_int_equal(histogram_at(&histogram, 500), 0);
	assert_int_equal(histogram.max_us, 0);
}

static void test_histogram_small_values_are_exact(void **state)
{
	(void)state;
	histogram_init(&histogram);
	for (uint64_t us = 1; us <= 100; us++)
		histogram_add(&histogram, us);
	assert_int_equal(histogram_at(&histogram, 0), 1);
	assert_int_equal(histogram_at(&histogram, 500), 50);
	assert_int_equal(histogram_at(&histogram, 950), 95);
	assert_int_equal(histogram_at(&histogram, 1000), 100);
	assert_int_equal(histogram.min_us, 1);
}

static void test_histogram_is_never_below_and_at_most_a_thousandth_above(void **state)
{
	(void)state;
	for (uint64_t us = 1; us < 1ull << 36; us += us / 3 + 1) {
		uint64_t got;

		histogram_init(&histogram);
		histogram_add(&histogram, us);
		histogram_add(&histogram, UINT64_MAX);
		got = histogram_at(&histogram, 500);
		assert_true(got >= us);
		assert_true(got <= us + us / HISTOGRAM_PARTS);
	}
}

static void test_histogram_never_says_more_than_the_maximum(void **state)
{
	(void)state;
	histogram_init(&histogram);
	histogram_add(&histogram, 100000);
	assert_int_equal(histogram_at(&histogram, 500), 100000);
	assert_int_equal(histogram_at(&histogram, 1000), 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_histogram_without_values_is_zero),
	        cmocka_unit_test(test_histogram_small_values_are_exact),
	        cmocka_unit_test(test_histogram_is_never_below_and_at_most_a_thousandth_above),
	        cmocka_unit_test(test_histogram_never_says_more_than_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
