/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/kube/control/lease_rules.h"

static const struct lease_limits limits = {15000, 5000, 2000};

struct fixture {
	struct lease lease;
	char trace[4096];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	lease_init(&f->lease, &limits, 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void step(struct fixture *f, uint64_t now_ms, enum lease_event ev)
{
	static const char *const events[] = {"tick",    "free",   "ours",   "others",
	                                     "written", "failed", "expired"};
	static const char *const actions[] = {"-", "read", "write"};
	enum lease_action action = lease_step(&f->lease, ev, now_ms);
	size_t len = strlen(f->trace);

	(void)snprintf(f->trace + len, sizeof f->trace - len, "[%5u] %s -> %s: %s, next %u\n",
	               (unsigned)now_ms, events[ev], lease_state_name(f->lease.state),
	               actions[action], (unsigned)f->lease.next_ms);
}

static void lead(struct fixture *f)
{
	step(f, 0, LEASE_EV_TICK);
	step(f, 10, LEASE_EV_FREE);
	step(f, 20, LEASE_EV_WRITTEN);
}

static void test_lease_free_is_taken_and_renewed(void **state)
{
	struct fixture *f = *state;

	lead(f);
	step(f, 5010, LEASE_EV_TICK);
	step(f, 5030, LEASE_EV_WRITTEN);
	assert_string_equal(f->trace, "[    0] tick -> watching: read, next 2500\n"
	                              "[   10] free -> taking: write, next 2510\n"
	                              "[   20] written -> leading: -, next 5010\n"
	                              "[ 5010] tick -> renewing: write, next 7510\n"
	                              "[ 5030] written -> leading: -, next 10010\n");
}

static void test_lease_leading_ends_two_thirds_after_the_write_was_begun(void **state)
{
	struct fixture *f = *state;

	lead(f);
	assert_true(lease_is_leading(&f->lease, 10009));
	assert_false(lease_is_leading(&f->lease, 10010));
}

static void test_lease_failed_renewal_looks_first_and_writes_again(void **state)
{
	struct fixture *f = *state;

	lead(f);
	f->trace[0] = '\0';
	step(f, 5010, LEASE_EV_TICK);
	step(f, 5020, LEASE_EV_FAILED);
	assert_true(lease_is_leading(&f->lease, 5020));
	step(f, 7020, LEASE_EV_TICK);
	step(f, 7030, LEASE_EV_OURS);
	step(f, 7040, LEASE_EV_WRITTEN);
	assert_string_equal(f->trace, "[ 5010] tick -> renewing: write, next 7510\n"
	                              "[ 5020] failed -> doubting: -, next 7020\n"
	                              "[ 7020] tick -> doubting: read, next 9520\n"
	                              "[ 7030] ours -> renewing: write, next 9530\n"
	                              "[ 7040] written -> leading: -, next 12030\n");
}

static void test_lease_not_renewed_in_time_is_lost(void **state)
{
	struct fixture *f = *state;

	lead(f);
	f->trace[0] = '\0';
	step(f, 5010, LEASE_EV_TICK);
	step(f, 7510, LEASE_EV_TICK);
	step(f, 10010, LEASE_EV_TICK);
	assert_false(lease_is_leading(&f->lease, 10010));
	assert_string_equal(f->trace, "[ 5010] tick -> renewing: write, next 7510\n"
	                              "[ 7510] tick -> doubting: read, next 10010\n"
	                              "[10010] tick -> watching: read, next 12510\n");
}

static void test_lease_answer_later_than_the_lease_does_not_lead(void **state)
{
	struct fixture *f = *state;

	step(f, 0, LEASE_EV_TICK);
	step(f, 10, LEASE_EV_FREE);
	step(f, 10010, LEASE_EV_WRITTEN);
	assert_false(lease_is_leading(&f->lease, 10010));
	assert_int_equal(f->lease.state, LEASE_WATCHING);
}

static void test_lease_taken_by_another_is_lost_at_once(void **state)
{
	struct fixture *f = *state;

	lead(f);
	step(f, 5010, LEASE_EV_TICK);
	step(f, 5020, LEASE_EV_FAILED);
	step(f, 7020, LEASE_EV_TICK);
	step(f, 7030, LEASE_EV_OTHERS);
	assert_false(lease_is_leading(&f->lease, 7030));
}

static void test_lease_of_another_is_free_when_unchanged_for_its_time(void **state)
{
	struct fixture *f = *state;
	struct lease *l = &f->lease;

	assert_int_equal(lease_observe(l, true, false, true, 1000), LEASE_EV_OTHERS);
	assert_int_equal(lease_observe(l, true, false, false, 15999), LEASE_EV_OTHERS);
	assert_int_equal(lease_observe(l, true, false, false, 16000), LEASE_EV_FREE);
	/* it was renewed: the wait begins anew */
	assert_int_equal(lease_observe(l, true, false, true, 16000), LEASE_EV_OTHERS);
	assert_int_equal(lease_observe(l, false, false, true, 16001), LEASE_EV_FREE);
	assert_int_equal(lease_observe(l, true, true, true, 16002), LEASE_EV_OURS);
}

static void test_lease_table_has_a_rule_for_every_state_and_event(void **state)
{
	struct fixture *f = *state;

	for (int s = LEASE_UNSET + 1; s < LEASE_STATE_COUNT; s++) {
		for (int ev = 0; ev < LEASE_EVENT_COUNT; ev++) {
			lease_init(&f->lease, &limits, 0);
			f->lease.state = (enum lease_state)s;
			f->lease.leads_until_ms = 1000;
			(void)lease_step(&f->lease, (enum lease_event)ev, 1);
			assert_int_not_equal(f->lease.state, LEASE_UNSET);
			assert_true(f->lease.next_ms > 1);
		}
	}
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_lease_free_is_taken_and_renewed),
	        TEST(test_lease_leading_ends_two_thirds_after_the_write_was_begun),
	        TEST(test_lease_failed_renewal_looks_first_and_writes_again),
	        TEST(test_lease_not_renewed_in_time_is_lost),
	        TEST(test_lease_answer_later_than_the_lease_does_not_lead),
	        TEST(test_lease_taken_by_another_is_lost_at_once),
	        TEST(test_lease_of_another_is_free_when_unchanged_for_its_time),
	        TEST(test_lease_table_has_a_rule_for_every_state_and_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
