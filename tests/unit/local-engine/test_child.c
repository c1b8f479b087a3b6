/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/local-runner/unit.h"

#include "local/engine/core/child.h"

static void test_child_has_a_rule_for_every_state_and_event(void **state)
{
	(void)state;
	for (int s = CHILD_DOWN; s < CHILD_STATES_COUNT; s++) {
		for (int e = 0; e < CHILD_EVENTS_COUNT; e++) {
			struct child c = {.state = (enum child_state)s};

			(void)child_step(&c, (enum child_event)e, 0);
			assert_int_not_equal(c.state, CHILD_UNSET);
		}
	}
}

static void test_child_backs_off_doubling_to_five_seconds(void **state)
{
	static const uint64_t want[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
	struct child c;

	(void)state;
	child_init(&c);
	assert_int_equal(child_step(&c, CHILD_EV_START, 0), CHILD_DO_SPAWN);
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		assert_int_equal(child_step(&c, CHILD_EV_ENDED, 10), CHILD_DO_ARM);
		assert_int_equal(c.backoff_ms, want[i]);
		assert_int_equal(child_step(&c, CHILD_EV_START, 10), CHILD_DO_SPAWN);
	}
	assert_int_equal(c.restarts, 8);
}

static void test_child_forgets_failures_after_a_good_run(void **state)
{
	struct child c = {.state = CHILD_READY, .started_ms = 1000, .backoff_ms = 3200};

	(void)state;
	(void)child_step(&c, CHILD_EV_ENDED, 1000 + CHILD_BACKOFF_FORGET_MS);
	assert_int_equal(c.backoff_ms, CHILD_BACKOFF_FIRST_MS);
}

static void test_child_that_stops_does_not_start_again(void **state)
{
	struct child c = {.state = CHILD_READY};

	(void)state;
	assert_int_equal(child_step(&c, CHILD_EV_STOP, 0), CHILD_DO_TERM);
	assert_int_equal(child_step(&c, CHILD_EV_STOP, 0), 0);
	assert_int_equal(child_step(&c, CHILD_EV_ENDED, 0), 0);
	assert_int_equal(c.state, CHILD_DOWN);
	c.state = CHILD_BACKOFF;
	assert_int_equal(child_step(&c, CHILD_EV_STOP, 0), 0);
	assert_string_equal(child_state_name(c.state), "down");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_child_has_a_rule_for_every_state_and_event),
	        cmocka_unit_test(test_child_backs_off_doubling_to_five_seconds),
	        cmocka_unit_test(test_child_forgets_failures_after_a_good_run),
	        cmocka_unit_test(test_child_that_stops_does_not_start_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
