/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loadtest/stages.h"

enum { CYCLES = 30, RATIO_PCT = 130, HANDOVER_US_MAX = 2000 };

static struct stages *stages;

static int setup(void **state)
{
	(void)state;
	if (stages_new(CYCLES, &stages, NULL) < 0)
		return -1;
	stages->count = CYCLES;
	for (unsigned k = 0; k < STAGES_KINDS_COUNT; k++) {
		for (unsigned i = 0; i < CYCLES; i++) {
			stages_cycle_init(&stages->cycles[k][i]);
			stages->cycles[k][i].us[STAGES_FIRST_BYTE] = 100000;
		}
	}
	for (unsigned i = 0; i < CYCLES; i++)
		stages->cycles[STAGES_RESUME][i].handover_us = 900;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stages_free(stages);
	return 0;
}

static struct stages_verdict judge(void)
{
	return stages_judge(stages, RATIO_PCT / 100.0, HANDOVER_US_MAX);
}

static void test_stages_as_fast_as_podman_holds(void **state)
{
	struct stages_verdict v = judge();

	(void)state;
	assert_true(v.ratio_holds);
	assert_true(v.handover_holds);
	assert_true(v.ratio_bridge > 0.99 && v.ratio_bridge < 1.01);
	assert_int_equal(v.handover_p50_us, 900);
}

static void test_stages_median_that_is_too_slow_fails(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CYCLES; i++)
		stages->cycles[STAGES_RESUME][i].us[STAGES_FIRST_BYTE] = 140000;
	assert_false(judge().ratio_holds);
	assert_true(judge().handover_holds);
}

static void test_stages_one_slow_start_is_not_the_median(void **state)
{
	(void)state;
	stages->cycles[STAGES_RESUME][7].us[STAGES_FIRST_BYTE] = 9000000;
	assert_true(judge().ratio_holds);
}

static void test_stages_more_than_one_slow_handover_in_twenty_fails(void **state)
{
	(void)state;
	stages->cycles[STAGES_RESUME][7].handover_us = 2100;
	assert_true(judge().handover_holds);
	stages->cycles[STAGES_RESUME][8].handover_us = 2100;
	assert_false(judge().handover_holds);
}

static void test_stages_nothing_measured_does_not_hold(void **state)
{
	(void)state;
	stages->count = 0;
	assert_false(judge().ratio_holds);
	assert_false(judge().handover_holds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_stages_as_fast_as_podman_holds, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_stages_median_that_is_too_slow_fails, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_stages_one_slow_start_is_not_the_median, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(
	                test_stages_more_than_one_slow_handover_in_twenty_fails, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_stages_nothing_measured_does_not_hold, setup,
	                                        teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
