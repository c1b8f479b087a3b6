/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/core/wake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct wake wake;
	char trace[2048];
	size_t bytes;
};

static void step(struct fixture *f, uint64_t now_ms, enum wake_event ev)
{
	enum wake_state before = f->wake.state;
	unsigned actions = wake_step(&f->wake, ev, now_ms);
	size_t size = sizeof f->trace;

	f->bytes += (size_t)snprintf(f->trace + f->bytes, size - f->bytes,
	                             "%s %s -> %s:", wake_state_name(before), wake_event_name(ev),
	                             wake_state_name(f->wake.state));
	for (unsigned bit = 0; bit < WAKE_ACTIONS_COUNT; bit++)
		if (actions & 1u << bit)
			f->bytes += (size_t)snprintf(f->trace + f->bytes, size - f->bytes, " %s",
			                             wake_action_name(bit));
	f->bytes += (size_t)snprintf(f->trace + f->bytes, size - f->bytes, "\n");
}

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof f);
	wake_init(&f.wake);
	*state = &f;
	return 0;
}

static void test_wake_one_patch_and_release_when_ready(void **state)
{
	struct fixture *f = *state;

	step(f, 0, WAKE_EV_REQUEST);
	step(f, 1, WAKE_EV_REQUEST);
	step(f, 2, WAKE_EV_STARTING);
	step(f, 3, WAKE_EV_UP);
	step(f, 4, WAKE_EV_REQUEST);
	assert_string_equal(f->trace, "cold request -> waking: hold wake\n"
	                              "waking request -> waking: hold\n"
	                              "waking starting -> waking:\n"
	                              "waking up -> ready: release\n"
	                              "ready request -> ready: pass\n");
}

static void test_wake_holds_under_a_lease_and_wakes_when_it_ends(void **state)
{
	struct fixture *f = *state;

	step(f, 0, WAKE_EV_UP);
	step(f, 1, WAKE_EV_QUIESCE);
	step(f, 2, WAKE_EV_REQUEST);
	step(f, 3, WAKE_EV_UP);
	step(f, 4, WAKE_EV_LEASE_END_HELD);
	assert_string_equal(f->trace, "cold up -> ready:\n"
	                              "ready quiesce -> draining: arm_lease\n"
	                              "draining request -> draining: hold\n"
	                              "draining up -> draining:\n"
	                              "draining lease_end_held -> waking: wake disarm\n");
	assert_true(f->wake.wake_due);
}

static void test_wake_stop_during_a_lease_wakes_for_what_is_held(void **state)
{
	struct fixture *f = *state;

	step(f, 0, WAKE_EV_UP);
	step(f, 1, WAKE_EV_QUIESCE);
	step(f, 2, WAKE_EV_REQUEST);
	step(f, 3, WAKE_EV_STOPPED_HELD);
	assert_string_equal(f->trace + strcspn(f->trace, "\n") + 1,
	                    "ready quiesce -> draining: arm_lease\n"
	                    "draining request -> draining: hold\n"
	                    "draining stopped_held -> waking: wake disarm\n");
}

static void test_wake_lease_end_lets_nothing_pass_before_a_wake(void **state)
{
	struct fixture *f = *state;
	struct wake_view view = {.generation = 4,
	                         .running = true,
	                         .consumer_generation = 4,
	                         .consumer_listening = true};

	assert_int_equal(wake_observe(&f->wake, &view, false), WAKE_EV_UP);
	step(f, 0, WAKE_EV_UP);
	(void)wake_quiesce(&f->wake, 1000, 10);
	assert_int_equal(f->wake.lease_until_ms, 1010);
	step(f, 1010, WAKE_EV_LEASE_END);
	assert_int_equal(wake_observe(&f->wake, &view, false), WAKE_EV_UNSET);
	assert_int_equal(wake_step(&f->wake, WAKE_EV_REQUEST, 1020), WAKE_DO_WAKE | WAKE_DO_HOLD);
	wake_confirmed(&f->wake, 4);
	assert_int_equal(wake_observe(&f->wake, &view, true), WAKE_EV_UP);
}

static void test_wake_failed_refuses_at_once_and_recovers(void **state)
{
	struct fixture *f = *state;

	step(f, 0, WAKE_EV_REQUEST);
	step(f, 10, WAKE_EV_FAIL);
	step(f, 20, WAKE_EV_REQUEST);
	step(f, 30, WAKE_EV_STARTING);
	step(f, 40, WAKE_EV_REQUEST);
	assert_string_equal(f->trace, "cold request -> waking: hold wake\n"
	                              "waking fail -> failed: fail_held\n"
	                              "failed request -> failed: refuse nudge\n"
	                              "failed starting -> waking:\n"
	                              "waking request -> waking: hold\n");
}

static void test_wake_nudges_at_once_when_stopped_else_after_the_backoff(void **state)
{
	struct fixture *f = *state;
	struct wake_view view = {.generation = 2, .running = true, .failed = true};

	assert_int_equal(wake_observe(&f->wake, &view, false), WAKE_EV_FAIL);
	step(f, 100, WAKE_EV_FAIL);
	assert_false(wake_nudge_due(&f->wake, 5099));
	assert_true(wake_nudge_due(&f->wake, 5100));
	assert_false(wake_nudge_due(&f->wake, 5101));
	view.running = false;
	(void)wake_observe(&f->wake, &view, false);
	assert_true(wake_nudge_due(&f->wake, 5102));
}

static void test_wake_fence_refuses_a_status_older_than_the_start(void **state)
{
	struct fixture *f = *state;
	struct wake_view view = {.generation = 5,
	                         .running = true,
	                         .consumer_generation = 5,
	                         .consumer_listening = true};

	assert_int_equal(wake_observe(&f->wake, &view, false), WAKE_EV_UP);
	view.generation = 6; /* another field was changed: the container goes on */
	assert_int_equal(wake_observe(&f->wake, &view, false), WAKE_EV_UP);
	view.generation = 8; /* a stop and a start that we did not see */
	assert_int_equal(wake_observe(&f->wake, &view, false), WAKE_EV_STARTING);
	view.consumer_generation = 8;
	assert_int_equal(wake_observe(&f->wake, &view, false), WAKE_EV_UP);
	wake_confirmed(&f->wake, 9);
	view.generation = 9;
	assert_int_equal(wake_observe(&f->wake, &view, true), WAKE_EV_STARTING);
}

static void test_wake_ready_rule(void **state)
{
	struct fixture *f = *state;
	const struct wake_view ready = {.generation = 1,
	                                .running = true,
	                                .consumer_generation = 1,
	                                .consumer_listening = true};
	struct wake_view view = ready;

	assert_true(wake_is_ready(&f->wake, &view));
	view.stopping = true;
	assert_false(wake_is_ready(&f->wake, &view));
	view = ready;
	view.running = false;
	assert_false(wake_is_ready(&f->wake, &view));
	view = ready;
	view.consumer_listening = false;
	assert_false(wake_is_ready(&f->wake, &view));
}

static void test_wake_given_up_lets_the_next_request_ask_again(void **state)
{
	struct fixture *f = *state;

	step(f, 0, WAKE_EV_REQUEST);
	step(f, 9, WAKE_EV_GIVEN_UP);
	assert_int_equal(wake_step(&f->wake, WAKE_EV_REQUEST, 10), WAKE_DO_WAKE | WAKE_DO_HOLD);
}

static void test_wake_table_has_a_rule_for_every_state_and_event(void **state)
{
	for (enum wake_state s = WAKE_UNSET + 1; s < WAKE_STATES_COUNT; s++) {
		for (enum wake_event ev = WAKE_EV_UNSET + 1; ev < WAKE_EVENTS_COUNT; ev++) {
			struct wake w = {.state = s};

			(void)wake_step(&w, ev, 0);
			assert_int_not_equal(w.state, WAKE_UNSET);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(test_wake_one_patch_and_release_when_ready, setup),
	        cmocka_unit_test_setup(test_wake_holds_under_a_lease_and_wakes_when_it_ends, setup),
	        cmocka_unit_test_setup(test_wake_stop_during_a_lease_wakes_for_what_is_held, setup),
	        cmocka_unit_test_setup(test_wake_lease_end_lets_nothing_pass_before_a_wake, setup),
	        cmocka_unit_test_setup(test_wake_failed_refuses_at_once_and_recovers, setup),
	        cmocka_unit_test_setup(test_wake_nudges_at_once_when_stopped_else_after_the_backoff,
	                               setup),
	        cmocka_unit_test_setup(test_wake_fence_refuses_a_status_older_than_the_start,
	                               setup),
	        cmocka_unit_test_setup(test_wake_ready_rule, setup),
	        cmocka_unit_test_setup(test_wake_given_up_lets_the_next_request_ask_again, setup),
	        cmocka_unit_test(test_wake_table_has_a_rule_for_every_state_and_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
