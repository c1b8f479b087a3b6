/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "idle-monitor/core/note.h"

enum { NOW = 1000000, WALL = 5000000, TIMEOUT = 60000 };

struct fixture {
	struct note_facts facts;
	struct note kept;
	struct note want;
};

/* Used two seconds ago. */
static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){
	        .facts =
	                {
	                        .decision = {.verdict = IDLE_KEEP,
	                                     .reason = IDLE_RECENT_REQUEST,
	                                     .until_ms = NOW - 2000 + TIMEOUT,
	                                     .last_activity_ms = NOW - 2000},
	                        .timeout_ms = TIMEOUT,
	                        .running = true,
	                        .source = "request from 10.0.0.9",
	                        .now_ms = NOW,
	                        .now_wall_ms = WALL,
	                },
	};
	*state = &f;
	return 0;
}

static void make(struct fixture *f)
{
	note_make(&f->facts, &f->kept, &f->want);
}

static void test_note_tells_times_by_the_wall_clock(void **state)
{
	struct fixture *f = *state;

	make(f);
	assert_int_equal(f->want.state, NOTE_ACTIVE);
	assert_int_equal(f->want.active_wall_ms, WALL - 2000);
	assert_int_equal(f->want.stop_at_wall_ms, WALL - 2000 + TIMEOUT);
	assert_string_equal(f->want.source, "request from 10.0.0.9");
}

static void test_note_is_idle_after_ten_seconds_or_half_the_timeout(void **state)
{
	struct fixture *f = *state;

	f->facts.decision.last_activity_ms = NOW - NOTE_STEP_MS + 1;
	make(f);
	assert_int_equal(f->want.state, NOTE_ACTIVE);
	f->facts.decision.last_activity_ms = NOW - NOTE_STEP_MS;
	make(f);
	assert_int_equal(f->want.state, NOTE_IDLE);
	f->facts.timeout_ms = 5000;
	f->facts.decision.last_activity_ms = NOW - 2500;
	make(f);
	assert_int_equal(f->want.state, NOTE_IDLE);
}

static void test_note_is_active_when_the_end_is_not_known(void **state)
{
	struct fixture *f = *state;

	f->facts.decision.until_ms = 0;
	f->facts.decision.last_activity_ms = NOW - NOTE_STEP_MS;
	make(f);
	assert_int_equal(f->want.state, NOTE_ACTIVE);
	assert_int_equal(f->want.stop_at_wall_ms, 0);
}

static void test_note_of_a_sleeping_container_keeps_its_last_activity(void **state)
{
	struct fixture *f = *state;

	make(f);
	f->kept = f->want;
	f->facts.running = false;
	f->facts.consumer_left = true;
	make(f);
	assert_int_equal(f->want.state, NOTE_STOPPING);
	f->facts.consumer_left = false;
	make(f);
	assert_int_equal(f->want.state, NOTE_ASLEEP);
	assert_int_equal(f->want.active_wall_ms, WALL - 2000);
	assert_int_equal(f->want.stop_at_wall_ms, 0);
	assert_string_equal(f->want.source, "request from 10.0.0.9");
}

static void test_note_small_steps_are_not_worth_a_write(void **state)
{
	struct fixture *f = *state;

	make(f);
	assert_true(note_is_worth_it(&f->kept, &f->want));
	f->kept = f->want;
	assert_false(note_is_worth_it(&f->kept, &f->want));
	f->want.active_wall_ms += NOTE_STEP_MS;
	f->want.stop_at_wall_ms += NOTE_STEP_MS;
	assert_false(note_is_worth_it(&f->kept, &f->want));
	f->want.active_wall_ms++;
	assert_true(note_is_worth_it(&f->kept, &f->want));
}

static void test_note_a_time_that_comes_or_goes_is_worth_a_write(void **state)
{
	struct fixture *f = *state;

	make(f);
	f->kept = f->want;
	f->want.stop_at_wall_ms = 0;
	assert_true(note_is_worth_it(&f->kept, &f->want));
	assert_true(note_is_worth_it(&f->want, &f->kept));
}

static void test_note_states_are_read_back(void **state)
{
	for (unsigned s = 0; s < NOTE_STATES_COUNT; s++)
		assert_int_equal(note_state_parse(note_state_name((enum note_state)s)), s);
	assert_int_equal(note_state_parse("Dreaming"), NOTE_NONE);
}

static void test_note_is_read_as_the_status_has_it(void **state)
{
	json_t *object = json_pack("{s:{s:{s:s,s:s,s:s,s:s}}}", "status", "idle", "state", "Idle",
	                           "lastActivityTime", "1970-01-01T00:00:05Z", "stopAt",
	                           "1970-01-01T00:01:00.250Z", "lastActivitySource", "start");
	struct note note;

	note_read(object, &note);
	assert_int_equal(note.state, NOTE_IDLE);
	assert_int_equal(note.active_wall_ms, 5000);
	assert_int_equal(note.stop_at_wall_ms, 60250);
	assert_string_equal(note.source, "start");
	json_decref(object);
}

static void test_note_of_a_new_object_is_empty(void **state)
{
	json_t *object = json_pack("{s:{s:{s:n,s:s}}}", "status", "idle", "stopAt",
	                           "lastActivityTime", "yesterday");
	struct note note;

	note_read(object, &note);
	assert_int_equal(note.state, NOTE_NONE);
	assert_int_equal(note.active_wall_ms, 0);
	assert_int_equal(note.stop_at_wall_ms, 0);
	assert_string_equal(note.source, "");
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(test_note_tells_times_by_the_wall_clock, setup),
	        cmocka_unit_test_setup(test_note_is_idle_after_ten_seconds_or_half_the_timeout,
	                               setup),
	        cmocka_unit_test_setup(test_note_is_active_when_the_end_is_not_known, setup),
	        cmocka_unit_test_setup(test_note_of_a_sleeping_container_keeps_its_last_activity,
	                               setup),
	        cmocka_unit_test_setup(test_note_small_steps_are_not_worth_a_write, setup),
	        cmocka_unit_test_setup(test_note_a_time_that_comes_or_goes_is_worth_a_write, setup),
	        cmocka_unit_test(test_note_states_are_read_back),
	        cmocka_unit_test(test_note_is_read_as_the_status_has_it),
	        cmocka_unit_test(test_note_of_a_new_object_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
