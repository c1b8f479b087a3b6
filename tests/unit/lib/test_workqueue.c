/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/kube/control/workqueue.h"

struct fixture {
	struct event_base *base;
	struct workqueue *q;
	char trace[256];
	bool end_at_once;
};

static void work(void *arg, const char *key)
{
	struct fixture *f = arg;
	size_t len = strlen(f->trace);

	(void)snprintf(f->trace + len, sizeof f->trace - len, "%s ", key);
	if (f->end_at_once)
		workqueue_done(f->q, key, false);
}

static void make(struct fixture *f, uint32_t parallel_max)
{
	const struct workqueue_opts opts = {parallel_max, 1, 4, work, f};

	workqueue_free(f->q);
	assert_int_equal(workqueue_new(f->base, &opts, &f->q, NULL), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	f->base = event_base_new();
	make(f, 2);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	workqueue_free(f->q);
	event_base_free(f->base);
	free(f);
	return 0;
}

static void turn(struct fixture *f)
{
	(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
}

/* Until nothing is pending: the delays are a few milliseconds. */
static void run(struct fixture *f)
{
	(void)event_base_dispatch(f->base);
}

static void test_workqueue_works_each_key_once(void **state)
{
	struct fixture *f = *state;

	f->end_at_once = true;
	workqueue_add(f->q, "a");
	workqueue_add(f->q, "b");
	workqueue_add(f->q, "a");
	assert_int_equal(workqueue_depth(f->q), 2);
	assert_string_equal(f->trace, ""); /* never from inside add */
	turn(f);
	assert_string_equal(f->trace, "a b ");
	assert_int_equal(workqueue_depth(f->q), 0);
}

static void test_workqueue_added_in_work_is_worked_again_after(void **state)
{
	struct fixture *f = *state;

	workqueue_add(f->q, "a");
	turn(f);
	assert_true(workqueue_in_work(f->q, "a"));
	workqueue_add(f->q, "a");
	workqueue_add(f->q, "a");
	turn(f);
	assert_string_equal(f->trace, "a ");
	workqueue_done(f->q, "a", false);
	turn(f);
	assert_string_equal(f->trace, "a a ");
	workqueue_done(f->q, "a", false);
	turn(f);
	assert_string_equal(f->trace, "a a ");
	assert_false(workqueue_in_work(f->q, "a"));
}

static void test_workqueue_works_no_more_than_its_limit_at_once(void **state)
{
	struct fixture *f = *state;

	workqueue_add(f->q, "a");
	workqueue_add(f->q, "b");
	workqueue_add(f->q, "c");
	turn(f);
	assert_string_equal(f->trace, "a b ");
	assert_int_equal(workqueue_depth(f->q), 1);
	workqueue_done(f->q, "a", false);
	turn(f);
	assert_string_equal(f->trace, "a b c ");
	workqueue_done(f->q, "b", false);
	workqueue_done(f->q, "c", false);
}

static void test_workqueue_failed_key_comes_back_after_its_backoff(void **state)
{
	struct fixture *f = *state;

	workqueue_add(f->q, "a");
	turn(f);
	for (int i = 0; i < 4; i++) {
		workqueue_done(f->q, "a", true);
		assert_int_equal(workqueue_depth(f->q), 0); /* not at once */
		run(f);
	}
	assert_string_equal(f->trace, "a a a a a ");
	workqueue_done(f->q, "a", false);
	run(f);
	assert_string_equal(f->trace, "a a a a a ");
}

static void test_workqueue_earlier_of_two_delays_counts(void **state)
{
	struct fixture *f = *state;

	f->end_at_once = true;
	workqueue_add_after(f->q, "a", 3600000);
	workqueue_add_after(f->q, "a", 1);
	workqueue_add_after(f->q, "a", 3600000);
	run(f);
	assert_string_equal(f->trace, "a ");
}

static void test_workqueue_free_with_a_backoff_pending(void **state)
{
	struct fixture *f = *state;

	workqueue_add(f->q, "a");
	turn(f);
	assert_false(workqueue_in_work(f->q, "b"));
	workqueue_done(f->q, "a", true);
	workqueue_free(f->q); /* with a back-off pending */
	f->q = NULL;
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_workqueue_works_each_key_once),
	        TEST(test_workqueue_added_in_work_is_worked_again_after),
	        TEST(test_workqueue_works_no_more_than_its_limit_at_once),
	        TEST(test_workqueue_failed_key_comes_back_after_its_backoff),
	        TEST(test_workqueue_earlier_of_two_delays_counts),
	        TEST(test_workqueue_free_with_a_backoff_pending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
