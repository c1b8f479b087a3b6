/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "idle-monitor/core/idle.h"

/* One minute of timeout, ten seconds of grace; everything is asked at 1 000 000. */
enum { NOW = 1000000, TIMEOUT = 60000, GRACE = 10000, VIEWS = 2 };

struct fixture {
	struct idle_config config;
	struct idle_view views[VIEWS];
	struct idle_state state;
};

/* Two activators that have been there for long; the last request was long ago, on the first. */
static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){
	        .config = {TIMEOUT, GRACE, true},
	        .views = {{.answered = true,
	                   .asked_ms = NOW,
	                   .knows_since_ms = 100,
	                   .has_request = true,
	                   .last_request_ms = 500000},
	                  {.answered = true, .asked_ms = NOW, .knows_since_ms = 100}},
	        .state = {.spec_valid = true,
	                  .running = true,
	                  .ready = true,
	                  .started_ms = 400000,
	                  .views_count = VIEWS},
	};
	f.state.views = f.views;
	*state = &f;
	return 0;
}

static struct idle_decision decide(const struct fixture *f)
{
	return idle_decide(&f->config, &f->state, NOW);
}

static void assert_keeps(const struct fixture *f, enum idle_reason reason, uint64_t until_ms)
{
	struct idle_decision d = decide(f);

	assert_string_equal(idle_reason_name(d.reason), idle_reason_name(reason));
	assert_int_equal(d.verdict, IDLE_KEEP);
	assert_int_equal(d.until_ms, until_ms);
}

static void test_idle_stops_when_nobody_asked_for_the_timeout(void **state)
{
	struct idle_decision d = decide(*state);

	assert_int_equal(d.verdict, IDLE_STOP);
	assert_int_equal(d.reason, IDLE_NO_REQUEST);
	assert_int_equal(d.last_activity_ms, 500000);
	assert_int_equal(d.last_view, 0);
}

static void test_idle_keeps_what_may_not_be_stopped(void **state)
{
	struct fixture *f = *state;

	f->state.watch_lost = true;
	assert_keeps(f, IDLE_WATCH_LOST, 0);
	f->state.ready = false;
	assert_keeps(f, IDLE_NOT_READY, 0);
	f->config.signal_http = false;
	assert_keeps(f, IDLE_SIGNAL_OFF, 0);
	f->config.timeout_ms = 0;
	assert_keeps(f, IDLE_NO_TIMEOUT, 0);
	f->state.spec_valid = false;
	assert_keeps(f, IDLE_INVALID_SPEC, 0);
	f->state.running = false;
	assert_keeps(f, IDLE_NOT_RUNNING, 0);
}

static void test_idle_keeps_until_the_timeout_after_the_last_request(void **state)
{
	struct fixture *f = *state;

	f->views[1].has_request = true;
	f->views[1].last_request_ms = NOW - TIMEOUT + 1;
	assert_keeps(f, IDLE_RECENT_REQUEST, NOW + 1);
	assert_int_equal(decide(f).last_view, 1);
	f->views[1].last_request_ms = NOW - TIMEOUT;
	assert_int_equal(decide(f).verdict, IDLE_STOP);
}

static void test_idle_any_busy_activator_keeps(void **state)
{
	struct fixture *f = *state;

	f->views[1].busy = true;
	assert_keeps(f, IDLE_REQUESTS_IN_FLIGHT, 0);
	assert_int_equal(decide(f).last_activity_ms, NOW);
	f->views[1].busy = false;
	f->views[0].upgraded_open = true;
	assert_keeps(f, IDLE_UPGRADED_OPEN, 0);
}

static void test_idle_a_silent_activator_keeps_for_ever(void **state)
{
	struct fixture *f = *state;

	f->views[1].answered = false;
	assert_keeps(f, IDLE_ACTIVATOR_UNREACHABLE, 0);
	assert_int_equal(idle_decide(&f->config, &f->state, NOW * 1000ull).verdict, IDLE_KEEP);
	f->views[0].busy = true;
	assert_keeps(f, IDLE_REQUESTS_IN_FLIGHT, 0);
}

static void test_idle_without_any_activator_nothing_is_stopped(void **state)
{
	struct fixture *f = *state;

	f->state.views_count = 0;
	assert_keeps(f, IDLE_ACTIVATOR_UNREACHABLE, 0);
}

static void test_idle_a_restarted_activator_counts_as_a_request(void **state)
{
	struct fixture *f = *state;

	f->views[1].knows_since_ms = NOW - 1000;
	assert_keeps(f, IDLE_ACTIVATOR_RESTARTED, NOW - 1000 + TIMEOUT);
	f->views[1].knows_since_ms = NOW - TIMEOUT;
	assert_int_equal(decide(f).verdict, IDLE_STOP);
}

static void test_idle_a_start_counts_as_a_request(void **state)
{
	struct fixture *f = *state;

	f->state.started_ms = NOW - 20000;
	assert_keeps(f, IDLE_RECENT_START, NOW - 20000 + TIMEOUT);
}

static void test_idle_grace_longer_than_the_timeout_wins(void **state)
{
	struct fixture *f = *state;

	f->config.timeout_ms = 5000;
	f->state.started_ms = NOW - 6000;
	assert_keeps(f, IDLE_STARTUP_GRACE, NOW - 6000 + GRACE);
	f->state.started_ms = NOW - GRACE;
	assert_int_equal(decide(f).verdict, IDLE_STOP);
}

static void test_idle_asks_again_when_an_answer_is_older_than_the_end(void **state)
{
	struct fixture *f = *state;

	f->views[1].asked_ms = 500000 + TIMEOUT - 1;
	assert_int_equal(decide(f).verdict, IDLE_ASK);
	f->views[1].asked_ms = 500000 + TIMEOUT;
	assert_int_equal(decide(f).verdict, IDLE_STOP);
}

static void test_idle_a_huge_timeout_does_not_wrap(void **state)
{
	struct fixture *f = *state;

	f->config.timeout_ms = UINT64_MAX;
	assert_keeps(f, IDLE_RECENT_START, UINT64_MAX);
}

static void test_idle_an_activator_that_went_counts_as_a_request(void **state)
{
	struct fixture *f = *state;

	f->state.view_lost_ms = NOW - TIMEOUT + 1;
	assert_keeps(f, IDLE_ACTIVATOR_RESTARTED, NOW + 1);
	f->state.view_lost_ms = NOW - TIMEOUT;
	assert_int_equal(decide(f).verdict, IDLE_STOP);
}

static void test_idle_an_activator_nobody_asks_keeps_for_ever(void **state)
{
	struct fixture *f = *state;

	f->state.views_missing = true;
	assert_keeps(f, IDLE_ACTIVATOR_UNREACHABLE, 0);
}

static void test_idle_start_assumed_is_now_without_notes(void **state)
{
	assert_int_equal(idle_start_assumed(NOW, 7000000, 0, 0), NOW);
	assert_int_equal(idle_start_assumed(NOW, 7000000, 6990000, 0), NOW);
	assert_int_equal(idle_start_assumed(NOW, 7000000, 0, 6990000), NOW);
}

static void test_idle_start_assumed_is_the_later_note(void **state)
{
	assert_int_equal(idle_start_assumed(NOW, 7000000, 6990000, 6980000), NOW - 10000);
	/* started anew since the note */
	assert_int_equal(idle_start_assumed(NOW, 7000000, 6980000, 6999000), NOW - 1000);
	/* from before this machine's boot */
	assert_int_equal(idle_start_assumed(NOW, 7000000, 5, 6), 0);
}

static void test_idle_start_assumed_does_not_believe_the_future(void **state)
{
	assert_int_equal(idle_start_assumed(NOW, 7000000, 7000001, 6980000), NOW);
	assert_int_equal(idle_start_assumed(NOW, 7000000, 6980000, 9000000), NOW);
}

static void test_idle_every_reason_has_its_own_name(void **state)
{
	for (unsigned i = IDLE_UNSET + 1; i < IDLE_REASONS_COUNT; i++) {
		assert_true(strlen(idle_reason_text((enum idle_reason)i)) > 0);
		for (unsigned j = IDLE_UNSET + 1; j < i; j++)
			assert_string_not_equal(idle_reason_name((enum idle_reason)i),
			                        idle_reason_name((enum idle_reason)j));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(test_idle_stops_when_nobody_asked_for_the_timeout, setup),
	        cmocka_unit_test_setup(test_idle_keeps_what_may_not_be_stopped, setup),
	        cmocka_unit_test_setup(test_idle_keeps_until_the_timeout_after_the_last_request,
	                               setup),
	        cmocka_unit_test_setup(test_idle_any_busy_activator_keeps, setup),
	        cmocka_unit_test_setup(test_idle_a_silent_activator_keeps_for_ever, setup),
	        cmocka_unit_test_setup(test_idle_without_any_activator_nothing_is_stopped, setup),
	        cmocka_unit_test_setup(test_idle_a_restarted_activator_counts_as_a_request, setup),
	        cmocka_unit_test_setup(test_idle_a_start_counts_as_a_request, setup),
	        cmocka_unit_test_setup(test_idle_grace_longer_than_the_timeout_wins, setup),
	        cmocka_unit_test_setup(test_idle_asks_again_when_an_answer_is_older_than_the_end,
	                               setup),
	        cmocka_unit_test_setup(test_idle_a_huge_timeout_does_not_wrap, setup),
	        cmocka_unit_test_setup(test_idle_an_activator_that_went_counts_as_a_request, setup),
	        cmocka_unit_test_setup(test_idle_an_activator_nobody_asks_keeps_for_ever, setup),
	        cmocka_unit_test(test_idle_start_assumed_is_now_without_notes),
	        cmocka_unit_test(test_idle_start_assumed_is_the_later_note),
	        cmocka_unit_test(test_idle_start_assumed_does_not_believe_the_future),
	        cmocka_unit_test(test_idle_every_reason_has_its_own_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
