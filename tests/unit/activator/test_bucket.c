/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/core/bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct bucket_limit limit = {.per_s = 10, .burst = 30};

static unsigned take_all(struct bucket *b, uint64_t now_ms)
{
	unsigned count = 0;

	while (bucket_has(b, &limit, now_ms)) {
		bucket_take(b, &limit, now_ms);
		count++;
	}
	return count;
}

static void test_bucket_a_class_at_once_and_then_the_rate(void **state)
{
	struct bucket b = {0};

	assert_int_equal(take_all(&b, 1000), 30);
	assert_int_equal(bucket_wait_ms(&b, &limit, 1000), 100);
	assert_int_equal(take_all(&b, 1099), 0);
	assert_int_equal(take_all(&b, 1100), 1);
	assert_int_equal(take_all(&b, 2100), 10);
	assert_int_equal(take_all(&b, 1000000), 30);
}

static void test_bucket_without_a_rate_has_no_limit(void **state)
{
	const struct bucket_limit none = {0};
	struct bucket b = {0};

	for (unsigned i = 0; i < 1000; i++)
		bucket_take(&b, &none, 5);
	assert_true(bucket_has(&b, &none, 5));
}

static void test_bucket_time_that_goes_back_gives_nothing(void **state)
{
	struct bucket b = {0};

	assert_int_equal(take_all(&b, 100000), 30);
	assert_int_equal(take_all(&b, 50000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_bucket_a_class_at_once_and_then_the_rate),
	        cmocka_unit_test(test_bucket_without_a_rate_has_no_limit),
	        cmocka_unit_test(test_bucket_time_that_goes_back_gives_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
