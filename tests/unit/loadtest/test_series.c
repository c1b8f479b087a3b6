/* SPDX-License-Identifier: Apache-2.0 */
#include "loadtest/series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct series_limits limits = {115, 130, 115};

static void add(struct series *s, enum series_kind kind, enum series_stage stage, int64_t us)
{
	struct series_start start;

	series_start_init(&start);
	start.us[stage] = us;
	series_add(s, kind, &start);
}

/* Bare Pods at 100 ms, the tenth at 1 s; wakes as told; all else well within. */
static struct series *filled(int64_t wake_us, int64_t after_end_us, int64_t last_us)
{
	struct series *s = NULL;
	struct err err = {0};

	assert_int_equal(series_new(20, &s, &err), 0);
	for (int i = 0; i < 20; i++) {
		add(s, SERIES_BARE, SERIES_ANSWERS, 100000);
		add(s, SERIES_WAKE, SERIES_FIRST_BYTE, wake_us);
		add(s, SERIES_STOP, SERIES_AFTER_END, after_end_us);
		add(s, SERIES_BARE_MANY, SERIES_ANSWERS, 1000000);
		add(s, SERIES_WAKE_MANY, SERIES_FIRST_BYTE, last_us);
	}
	return s;
}

static void test_series_judges_each_by_what_it_is_held_against(void **state)
{
	static const struct {
		int64_t wake_us, after_end_us, last_us;
		bool wake, stop, many;
	} cases[] = {
	        {110000, 90000, 1100000, true, true, true},
	        {120000, 90000, 1100000, false, true, true},
	        {110000, 130000, 1100000, true, false, true},
	        {110000, 90000, 1200000, true, true, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct series *s =
		        filled(cases[i].wake_us, cases[i].after_end_us, cases[i].last_us);
		struct series_verdict v = series_judge(s, &limits);

		assert_int_equal(v.wake_holds, cases[i].wake);
		assert_int_equal(v.stop_holds, cases[i].stop);
		assert_int_equal(v.many_holds, cases[i].many);
		series_free(s);
	}
}

/* One in ten is slow: the median holds, the tail does not. */
static void test_series_judges_the_tail_too(void **state)
{
	struct series *s = filled(110000, 90000, 1100000);
	struct series_verdict v;

	(void)state;
	s->starts[SERIES_WAKE][3].us[SERIES_FIRST_BYTE] = 200000;
	s->starts[SERIES_WAKE][7].us[SERIES_FIRST_BYTE] = 200000;
	v = series_judge(s, &limits);
	assert_true(v.wake_p50 < 1.15);
	assert_true(v.wake_p95 > 1.9);
	assert_false(v.wake_holds);
	series_free(s);
}

static void test_series_without_starts_holds_nothing(void **state)
{
	struct series *s = NULL;
	struct err err = {0};
	struct series_verdict v;

	(void)state;
	assert_int_equal(series_new(1, &s, &err), 0);
	v = series_judge(s, &limits);
	assert_false(v.wake_holds || v.stop_holds || v.many_holds);
	series_free(s);
}

static void test_series_last_takes_the_later_of_each_stage(void **state)
{
	struct series_start all, one;

	(void)state;
	series_start_init(&all);
	series_start_init(&one);
	one.us[SERIES_CREATED] = 10;
	one.us[SERIES_ANSWERS] = 50;
	series_start_last(&all, &one);
	one.us[SERIES_CREATED] = 20;
	one.us[SERIES_ANSWERS] = 40;
	series_start_last(&all, &one);
	assert_int_equal(all.us[SERIES_CREATED], 20);
	assert_int_equal(all.us[SERIES_ANSWERS], 50);
	assert_int_equal(all.us[SERIES_PATCHED], SERIES_NONE);
}

static void test_series_takes_no_more_than_there_is_room_for(void **state)
{
	struct series *s = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(series_new(1, &s, &err), 0);
	add(s, SERIES_WAKE, SERIES_FIRST_BYTE, 1);
	add(s, SERIES_WAKE, SERIES_FIRST_BYTE, 2);
	assert_int_equal(s->counts[SERIES_WAKE], 1);
	assert_int_equal(series_at(s, SERIES_WAKE, SERIES_FIRST_BYTE, SERIES_P50), 1);
	series_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_series_judges_each_by_what_it_is_held_against),
	        cmocka_unit_test(test_series_judges_the_tail_too),
	        cmocka_unit_test(test_series_without_starts_holds_nothing),
	        cmocka_unit_test(test_series_last_takes_the_later_of_each_stage),
	        cmocka_unit_test(test_series_takes_no_more_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
