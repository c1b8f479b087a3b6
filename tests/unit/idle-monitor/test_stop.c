/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "idle-monitor/core/stop.h"

static const struct stop_limits limits = {.lease_ms = 5000, .margin_ms = 2000, .backoff_ms = 1000};

struct fixture {
	struct stop stop;
	char trace[2000];
};

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof f);
	stop_init(&f.stop, &limits);
	*state = &f;
	return 0;
}

static void trace(struct fixture *f, uint64_t now_ms, const char *what, unsigned actions)
{
	static const char *const names[] = {"quiesce", "patch",  "resume", "arm",
	                                    "record",  "report", "decide"};
	size_t len = strlen(f->trace);

	len += (size_t)snprintf(f->trace + len, sizeof f->trace - len,
	                        "[%5llu] %s -> %s:", (unsigned long long)now_ms, what,
	                        stop_state_name(f->stop.state));
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (actions & (1u << i))
			len += (size_t)snprintf(f->trace + len, sizeof f->trace - len, " %s",
			                        names[i]);
	}
	(void)snprintf(f->trace + len, sizeof f->trace - len, "\n");
}

static void start(struct fixture *f, uint64_t now_ms, uint32_t activators)
{
	trace(f, now_ms, "start", stop_start(&f->stop, activators, now_ms));
}

static void answer(struct fixture *f, uint64_t now_ms, uint32_t attempt, enum stop_event ev)
{
	trace(f, now_ms, stop_event_name(ev), stop_answer(&f->stop, attempt, ev, now_ms));
}

static void step(struct fixture *f, uint64_t now_ms, enum stop_event ev)
{
	trace(f, now_ms, stop_event_name(ev), stop_step(&f->stop, ev, now_ms));
}

static void test_stop_patches_when_every_activator_said_yes(void **state)
{
	struct fixture *f = *state;

	start(f, 100, 2);
	answer(f, 110, 1, STOP_EV_QUIESCED);
	answer(f, 120, 1, STOP_EV_QUIESCED);
	answer(f, 150, 1, STOP_EV_PATCHED);
	assert_string_equal(f->trace, "[  100] start -> quiescing: quiesce arm\n"
	                              "[  110] quiesced -> quiescing:\n"
	                              "[  120] quiesced -> patching: patch arm\n"
	                              "[  150] patched -> stopped: record\n");
}

static void test_stop_one_busy_activator_ends_the_attempt(void **state)
{
	struct fixture *f = *state;

	start(f, 100, 2);
	answer(f, 110, 1, STOP_EV_BUSY);
	answer(f, 120, 1, STOP_EV_QUIESCED);
	assert_string_equal(f->trace, "[  100] start -> quiescing: quiesce arm\n"
	                              "[  110] busy -> aborted: resume arm report\n"
	                              "[  120] quiesced -> aborted:\n");
}

static void test_stop_conflict_resumes_and_decides_again_after_the_backoff(void **state)
{
	struct fixture *f = *state;

	start(f, 100, 1);
	answer(f, 110, 1, STOP_EV_QUIESCED);
	answer(f, 130, 1, STOP_EV_CONFLICT);
	start(f, 140, 1);
	step(f, 1130, STOP_EV_DEADLINE);
	start(f, 1140, 1);
	assert_string_equal(f->trace, "[  100] start -> quiescing: quiesce arm\n"
	                              "[  110] quiesced -> patching: patch arm\n"
	                              "[  130] conflict -> aborted: resume arm report\n"
	                              "[  140] start -> aborted:\n"
	                              "[ 1130] deadline -> idle: decide\n"
	                              "[ 1140] start -> quiescing: quiesce arm\n");
	assert_int_equal(f->stop.attempt, 2);
}

static void test_stop_drops_answers_of_an_older_attempt(void **state)
{
	struct fixture *f = *state;

	start(f, 100, 1);
	answer(f, 110, 1, STOP_EV_BUSY);
	step(f, 1110, STOP_EV_DEADLINE);
	start(f, 1200, 1);
	answer(f, 1210, 1, STOP_EV_QUIESCED);
	assert_int_equal(f->stop.state, STOP_QUIESCING);
	answer(f, 1220, 2, STOP_EV_QUIESCED);
	assert_int_equal(f->stop.state, STOP_PATCHING);
}

static void test_stop_never_patches_in_the_margin_of_the_lease(void **state)
{
	struct fixture *f = *state;

	start(f, 100, 1);
	assert_int_equal(f->stop.deadline_ms, 100 + 5000 - 2000);
	/* the deadline's timer is late too */
	answer(f, 3100, 1, STOP_EV_QUIESCED);
	assert_string_equal(f->trace, "[  100] start -> quiescing: quiesce arm\n"
	                              "[ 3100] quiesced -> aborted: resume arm report\n");
}

static void test_stop_a_silent_api_server_ends_with_the_lease(void **state)
{
	struct fixture *f = *state;

	start(f, 100, 1);
	answer(f, 110, 1, STOP_EV_QUIESCED);
	assert_int_equal(f->stop.deadline_ms, 5100);
	step(f, 5100, STOP_EV_DEADLINE);
	answer(f, 5200, 1, STOP_EV_PATCHED);
	assert_int_equal(f->stop.state, STOP_ABORTED);
	assert_non_null(strstr(f->trace, "deadline -> aborted: resume arm report\n"));
}

static void test_stop_cancel_resumes_in_both_phases(void **state)
{
	struct fixture *f = *state;

	step(f, 50, STOP_EV_CANCEL);
	start(f, 100, 1);
	step(f, 105, STOP_EV_CANCEL);
	step(f, 1105, STOP_EV_DEADLINE);
	start(f, 1200, 1);
	answer(f, 1210, 2, STOP_EV_QUIESCED);
	step(f, 1220, STOP_EV_CANCEL);
	assert_string_equal(f->trace, "[   50] cancel -> idle:\n"
	                              "[  100] start -> quiescing: quiesce arm\n"
	                              "[  105] cancel -> aborted: resume arm report\n"
	                              "[ 1105] deadline -> idle: decide\n"
	                              "[ 1200] start -> quiescing: quiesce arm\n"
	                              "[ 1210] quiesced -> patching: patch arm\n"
	                              "[ 1220] cancel -> aborted: resume arm report\n");
}

static void test_stop_a_woken_container_can_be_stopped_again(void **state)
{
	struct fixture *f = *state;

	start(f, 100, 1);
	answer(f, 110, 1, STOP_EV_QUIESCED);
	answer(f, 120, 1, STOP_EV_PATCHED);
	start(f, 9000, 1);
	assert_int_equal(f->stop.state, STOP_QUIESCING);
	assert_int_equal(f->stop.attempt, 2);
}

static void test_stop_table_has_a_rule_for_every_state_and_event(void **state)
{
	struct fixture *f = *state;

	for (unsigned st = STOP_UNSET + 1; st < STOP_STATES_COUNT; st++) {
		for (unsigned ev = 0; ev < STOP_EVENTS_COUNT; ev++) {
			f->stop.state = (enum stop_state)st;
			(void)stop_step(&f->stop, (enum stop_event)ev, 10000);
			assert_int_not_equal(f->stop.state, STOP_UNSET);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(test_stop_patches_when_every_activator_said_yes, setup),
	        cmocka_unit_test_setup(test_stop_one_busy_activator_ends_the_attempt, setup),
	        cmocka_unit_test_setup(
	                test_stop_conflict_resumes_and_decides_again_after_the_backoff, setup),
	        cmocka_unit_test_setup(test_stop_drops_answers_of_an_older_attempt, setup),
	        cmocka_unit_test_setup(test_stop_never_patches_in_the_margin_of_the_lease, setup),
	        cmocka_unit_test_setup(test_stop_a_silent_api_server_ends_with_the_lease, setup),
	        cmocka_unit_test_setup(test_stop_cancel_resumes_in_both_phases, setup),
	        cmocka_unit_test_setup(test_stop_a_woken_container_can_be_stopped_again, setup),
	        cmocka_unit_test_setup(test_stop_table_has_a_rule_for_every_state_and_event, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
