/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core/consumer_state.h"

/* The trace of a consumer that is fed these events from the beginning. */
static void expect_trace(const enum consumer_event *events, size_t count, const char *want)
{
	enum consumer_state state = CONSUMER_ABSENT;
	char got[256] = "";

	for (size_t i = 0; i < count; i++) {
		state = consumer_state_next(state, events[i]);
		(void)snprintf(got + strlen(got), sizeof got - strlen(got), "%s ",
		               consumer_state_text(state));
	}
	assert_string_equal(got, want);
}

#define TRACE(want, ...)                                                                           \
	expect_trace((const enum consumer_event[]){__VA_ARGS__},                                   \
	             sizeof((const enum consumer_event[]){__VA_ARGS__}) /                          \
	                     sizeof(enum consumer_event),                                          \
	             want)

static void test_consumer_state_of_a_whole_life(void **state)
{
	(void)state;
	TRACE("Waiting HandedOver Started Listening Exited ", CONSUMER_EV_HELLO_WAITING,
	      CONSUMER_EV_HANDED, CONSUMER_EV_STARTED, CONSUMER_EV_PORT, CONSUMER_EV_GONE);
}

static void test_consumer_state_failure_is_not_covered_by_the_end(void **state)
{
	(void)state;
	TRACE("Waiting HandedOver Failed Failed Waiting ", CONSUMER_EV_HELLO_WAITING,
	      CONSUMER_EV_HANDED, CONSUMER_EV_FAILED, CONSUMER_EV_GONE, CONSUMER_EV_HELLO_WAITING);
}

static void test_consumer_state_a_running_one_is_met_by_a_new_agent(void **state)
{
	(void)state;
	TRACE("Started Listening Listening ", CONSUMER_EV_HELLO_RUNNING, CONSUMER_EV_PORT,
	      CONSUMER_EV_HELLO_RUNNING);
}

static void test_consumer_state_a_restarted_container_begins_again(void **state)
{
	(void)state;
	TRACE("Started Listening Exited Waiting HandedOver ", CONSUMER_EV_HELLO_RUNNING,
	      CONSUMER_EV_PORT, CONSUMER_EV_GONE, CONSUMER_EV_HELLO_WAITING, CONSUMER_EV_HANDED);
}

static void test_consumer_state_an_address_that_is_not_its_own_is_withdrawn(void **state)
{
	(void)state;
	TRACE("Started Listening Started Started Listening ", CONSUMER_EV_HELLO_RUNNING,
	      CONSUMER_EV_PORT, CONSUMER_EV_ASTRAY, CONSUMER_EV_ASTRAY, CONSUMER_EV_PORT);
	assert_false(consumer_state_is_brief(CONSUMER_LISTENING, CONSUMER_STARTED, true));
}

static void test_consumer_state_nothing_is_handed_to_the_dead(void **state)
{
	(void)state;
	TRACE("Waiting Exited Exited Exited Exited ", CONSUMER_EV_HELLO_WAITING, CONSUMER_EV_GONE,
	      CONSUMER_EV_HANDED, CONSUMER_EV_STARTED, CONSUMER_EV_PORT);
}

static void test_consumer_state_every_move_ends_in_a_state(void **state)
{
	(void)state;
	for (int s = CONSUMER_ABSENT; s < CONSUMER_STATES_COUNT; s++) {
		for (int e = 0; e < CONSUMER_EVENTS_COUNT; e++) {
			enum consumer_state next =
			        consumer_state_next((enum consumer_state)s, (enum consumer_event)e);

			assert_in_range(next, CONSUMER_ABSENT, CONSUMER_STATES_COUNT - 1);
			assert_non_null(consumer_state_text(next));
		}
	}
}

static void test_consumer_state_on_the_way_to_listening_is_passing(void **state)
{
	(void)state;
	assert_true(consumer_state_is_brief(CONSUMER_ABSENT, CONSUMER_WAITING, true));
	assert_true(consumer_state_is_brief(CONSUMER_WAITING, CONSUMER_HANDED_OVER, true));
	assert_true(consumer_state_is_brief(CONSUMER_HANDED_OVER, CONSUMER_STARTED, true));
	assert_false(consumer_state_is_brief(CONSUMER_STARTED, CONSUMER_LISTENING, true));
}

static void test_consumer_state_that_somebody_waits_for_is_not_passing(void **state)
{
	(void)state;
	/* without a port it is the last one */
	assert_false(consumer_state_is_brief(CONSUMER_HANDED_OVER, CONSUMER_STARTED, false));
	assert_false(consumer_state_is_brief(CONSUMER_WAITING, CONSUMER_FAILED, true));
	assert_false(consumer_state_is_brief(CONSUMER_STARTED, CONSUMER_EXITED, true));
	/* requests still go to where it listened */
	assert_false(consumer_state_is_brief(CONSUMER_LISTENING, CONSUMER_WAITING, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_consumer_state_of_a_whole_life),
	        cmocka_unit_test(test_consumer_state_failure_is_not_covered_by_the_end),
	        cmocka_unit_test(test_consumer_state_a_running_one_is_met_by_a_new_agent),
	        cmocka_unit_test(test_consumer_state_a_restarted_container_begins_again),
	        cmocka_unit_test(test_consumer_state_an_address_that_is_not_its_own_is_withdrawn),
	        cmocka_unit_test(test_consumer_state_nothing_is_handed_to_the_dead),
	        cmocka_unit_test(test_consumer_state_every_move_ends_in_a_state),
	        cmocka_unit_test(test_consumer_state_on_the_way_to_listening_is_passing),
	        cmocka_unit_test(test_consumer_state_that_somebody_waits_for_is_not_passing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
