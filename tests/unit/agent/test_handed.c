/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>

#include "agent/core/handed.h"

static enum handed_step plan(int rc, enum consumer_state state, uint64_t peer)
{
	const struct handed_facts f = {.rc = rc, .state = state, .meant_for = 7, .peer = peer};

	return handed_plan(&f);
}

static void test_handed_to_whom_it_was_meant_for_goes(void **state)
{
	(void)state;
	assert_int_equal(plan(HANDED_NOW, CONSUMER_WAITING, 7), HANDED_DO_GO);
	assert_int_equal(plan(HANDED_BEFORE, CONSUMER_WAITING, 7), HANDED_DO_GO);
	assert_int_equal(plan(-1, CONSUMER_WAITING, 7), HANDED_DO_REFUSE);
}

/* The next container of the Pod waits as its former one did, and has nothing yet. */
static void test_handed_to_the_dead_tells_its_successor_nothing(void **state)
{
	(void)state;
	assert_int_equal(plan(HANDED_NOW, CONSUMER_WAITING, 8), HANDED_DO_FORGET);
	assert_int_equal(plan(HANDED_BEFORE, CONSUMER_WAITING, 8), HANDED_DO_FORGET);
	assert_int_equal(plan(-1, CONSUMER_WAITING, 8), HANDED_DO_FORGET);
	assert_int_equal(plan(HANDED_NOW, CONSUMER_EXITED, 0), HANDED_DO_FORGET);
	assert_int_equal(plan(-1, CONSUMER_FAILED, 7), HANDED_DO_FORGET);
}

static void test_handed_what_is_true_of_all_is_said_whoever_waits(void **state)
{
	(void)state;
	for (uint64_t peer = 7; peer <= 8; peer++) {
		assert_int_equal(plan(HANDED_IN_USE, CONSUMER_WAITING, peer), HANDED_DO_PAUSE);
		assert_int_equal(plan(HANDED_NO_IMAGE, CONSUMER_WAITING, peer), HANDED_DO_NO_IMAGE);
		assert_int_equal(plan(HANDED_BAD_FILES, CONSUMER_WAITING, peer),
		                 HANDED_DO_NO_FILES);
	}
	assert_int_equal(plan(HANDED_IN_USE, CONSUMER_EXITED, 0), HANDED_DO_PAUSE);
	assert_int_equal(plan(HANDED_NO_IMAGE, CONSUMER_EXITED, 0), HANDED_DO_NO_IMAGE);
}

static void test_handed_is_tried_again_when_it_failed_for_want_of_something(void **state)
{
	struct handed_facts f = {-1, true, CONSUMER_WAITING, 7, 7};

	(void)state;
	assert_int_equal(handed_plan(&f), HANDED_DO_PAUSE);
	f.peer = 8;
	assert_int_equal(handed_plan(&f), HANDED_DO_FORGET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_handed_to_whom_it_was_meant_for_goes),
	        cmocka_unit_test(test_handed_to_the_dead_tells_its_successor_nothing),
	        cmocka_unit_test(test_handed_is_tried_again_when_it_failed_for_want_of_something),
	        cmocka_unit_test(test_handed_what_is_true_of_all_is_said_whoever_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
