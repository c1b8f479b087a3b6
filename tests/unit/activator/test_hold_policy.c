/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/core/hold_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_hold_budget_of_the_target_and_of_all(void **state)
{
	const struct hold_limits target = {.requests_max = 2, .bytes_max = 100};
	const struct hold_limits all = {.requests_max = 3, .bytes_max = 120};
	struct hold_usage t = {0};
	struct hold_usage a = {0};

	assert_int_equal(hold_admit(&target, &t, &all, &a, 100), END_NONE);
	assert_int_equal(hold_admit(&target, &t, &all, &a, 101), END_OVER_BUDGET);
	hold_charge(&t, 40);
	hold_charge(&a, 40);
	assert_int_equal(hold_admit(&target, &t, &all, &a, 61), END_OVER_BUDGET);
	hold_charge(&t, 10);
	assert_int_equal(hold_admit(&target, &t, &all, &a, 1), END_OVER_BUDGET);
	hold_discharge(&t, 10);
	a = (struct hold_usage){.requests_count = 3, .bytes = 0};
	assert_int_equal(hold_admit(&target, &t, &all, &a, 1), END_OVERLOADED);
	a = (struct hold_usage){.requests_count = 0, .bytes = 119};
	assert_int_equal(hold_admit(&target, &t, &all, &a, 2), END_OVERLOADED);
}

static void test_hold_retry_rule(void **state)
{
	static const struct {
		struct hold_loss loss;
		bool may;
	} rows[] = {
	        {{.sent = false, .has_body = true}, true},
	        {{.sent = true, .idempotent = true}, true},
	        {{.sent = true, .idempotent = true, .has_body = true}, false},
	        {{.sent = true, .idempotent = false}, false},
	        {{.sent = true, .idempotent = true, .answered = true}, false},
	        {{.sent = false, .attempts_count = 2}, true},
	        {{.sent = false, .attempts_count = 3}, false},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(hold_may_retry(&rows[i].loss), rows[i].may);
}

static void test_hold_backoff_is_bounded(void **state)
{
	assert_int_equal(hold_backoff_ms(0), 100);
	assert_int_equal(hold_backoff_ms(4), 1600);
	assert_int_equal(hold_backoff_ms(5), 2000);
	assert_int_equal(hold_backoff_ms(4000000), 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_hold_budget_of_the_target_and_of_all),
	        cmocka_unit_test(test_hold_retry_rule),
	        cmocka_unit_test(test_hold_backoff_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
