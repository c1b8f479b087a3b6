/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/core/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct pace_limit limit = {.bytes_per_s = 240, .grace_ms = 10000};

/* A look each 250 ms, as the shell does. Return: when it was called too slow, or 0 */
static uint64_t slow_after_ms(uint64_t bytes, uint64_t each_ms, uint64_t until_ms)
{
	struct pace p;
	uint64_t now_ms = 1;

	pace_open(&p, 0, now_ms);
	for (; now_ms < until_ms; now_ms += 250) {
		uint64_t moved = now_ms / each_ms * bytes;

		if (pace_is_due(&p, &limit, now_ms) && pace_judge(&p, &limit, moved, now_ms))
			return now_ms;
	}
	return 0;
}

static void test_pace_steadily_above_the_minimum_goes_on_for_ever(void **state)
{
	assert_int_equal(slow_after_ms(300, 1000, 3600000), 0);
	assert_int_equal(slow_after_ms(64 * 1024, 9000, 3600000), 0);
}

static void test_pace_a_byte_now_and_then_is_too_slow(void **state)
{
	uint64_t ms = slow_after_ms(1, 2000, 3600000);

	assert_in_range(ms, 10000, 10500);
	assert_in_range(slow_after_ms(1, 299000, 3600000), 10000, 10500);
}

static void test_pace_who_stops_goes_within_two_windows(void **state)
{
	struct pace p;

	pace_open(&p, 0, 1000);
	assert_false(pace_is_due(&p, &limit, 10999));
	assert_true(pace_is_due(&p, &limit, 11000));
	assert_false(pace_judge(&p, &limit, 1 << 20, 11000));
	assert_false(pace_is_due(&p, &limit, 20999));
	assert_true(pace_judge(&p, &limit, 1 << 20, 21000));
}

static void test_pace_is_not_asked_for_when_off_or_not_waiting(void **state)
{
	const struct pace_limit off = {.bytes_per_s = 0, .grace_ms = 10000};
	struct pace p;

	pace_open(&p, 0, 1);
	assert_false(pace_is_due(&p, &off, 1000000));
	pace_close(&p);
	assert_false(pace_is_due(&p, &limit, 1000000));
}

static void test_recent_fades_whenever_it_is_looked_at(void **state)
{
	struct recent often = {.since_ms = 1000};
	struct recent seldom = {.since_ms = 1000};

	recent_add(&often, 1 << 20, 1000);
	recent_add(&seldom, 1 << 20, 1000);
	for (uint64_t now_ms = 1010; now_ms <= 3000; now_ms += 10)
		recent_add(&often, 0, now_ms);
	recent_add(&seldom, 0, 3000);
	assert_int_equal(often.bytes, seldom.bytes);
	assert_in_range(often.bytes, (1 << 20) * 3 / 10, (1 << 20) * 4 / 10);
	recent_add(&seldom, 7, 1000000);
	assert_int_equal(seldom.bytes, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pace_steadily_above_the_minimum_goes_on_for_ever),
	        cmocka_unit_test(test_pace_a_byte_now_and_then_is_too_slow),
	        cmocka_unit_test(test_pace_who_stops_goes_within_two_windows),
	        cmocka_unit_test(test_pace_is_not_asked_for_when_off_or_not_waiting),
	        cmocka_unit_test(test_recent_fades_whenever_it_is_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
