/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "activator/net/turn.h"

enum { ITEMS = 3, TRACE_BYTES = 64 };

struct fixture {
	struct event_base *base;
	struct turn turn;
	struct turn_item items[ITEMS];
	char trace[TRACE_BYTES]; /* "a" ran, "A" was freed, "." a turn was over */
	unsigned again;          /* so often "a" marks "b", and that one "a" */
	bool inside;
};

static struct fixture fixture;

static void trace(char what)
{
	size_t n = strlen(fixture.trace);

	assert_true(n + 1 < TRACE_BYTES);
	fixture.trace[n] = what;
}

static void run(void *arg)
{
	struct turn_item *item = arg;
	ptrdiff_t i = item - fixture.items;

	assert_false(fixture.inside);
	fixture.inside = true;
	trace((char)('a' + i));
	if (fixture.again > 0 && i < 2) {
		fixture.again--;
		turn_mark(&fixture.turn, &fixture.items[1 - i]);
	}
	fixture.inside = false;
}

static void give(void *arg)
{
	trace((char)('A' + ((struct turn_item *)arg - fixture.items)));
}

static void over(void *arg)
{
	trace('.');
}

static int fixture_new(void **state)
{
	fixture = (struct fixture){.base = event_base_new()};
	turn_init(&fixture.turn, fixture.base);
	fixture.turn.on_over = over;
	for (unsigned i = 0; i < ITEMS; i++)
		turn_item_init(&fixture.items[i], run, &fixture.items[i]);
	*state = &fixture;
	return 0;
}

static int fixture_free(void **state)
{
	turn_done(&fixture.turn);
	event_base_free(fixture.base);
	return 0;
}

static void loop_is(const char *want)
{
	fixture.trace[0] = '\0';
	memset(fixture.trace, 0, sizeof fixture.trace);
	(void)event_base_loop(fixture.base, EVLOOP_NONBLOCK);
	assert_string_equal(fixture.trace, want);
}

static void test_turn_runs_what_is_marked_once_and_in_order(void **state)
{
	struct fixture *f = *state;

	turn_mark(&f->turn, &f->items[2]);
	turn_mark(&f->turn, &f->items[0]);
	turn_mark(&f->turn, &f->items[2]);
	loop_is("ca.");
	loop_is("");
}

/* What is marked by one that runs, runs behind it, never inside it. */
static void test_turn_runs_nobody_inside_another(void **state)
{
	struct fixture *f = *state;

	f->again = 3;
	turn_mark(&f->turn, &f->items[0]);
	turn_mark(&f->turn, &f->items[2]);
	loop_is("acbab.");
}

static void test_turn_frees_what_is_buried_when_all_have_run(void **state)
{
	struct fixture *f = *state;

	turn_mark(&f->turn, &f->items[0]);
	turn_mark(&f->turn, &f->items[1]);
	turn_bury(&f->turn, &f->items[0], give);
	turn_mark(&f->turn, &f->items[0]); /* nothing: it never runs again */
	loop_is("bA.");
}

static void test_turn_of_many_bytes_goes_on_in_the_next(void **state)
{
	struct fixture *f = *state;

	turn_mark(&f->turn, &f->items[0]);
	assert_false(turn_spend(&f->turn, &f->items[0], TURN_BYTES_MAX - 1));
	assert_true(turn_spend(&f->turn, &f->items[0], 1));
	turn_mark(&f->turn, &f->items[1]);
	(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(f->trace[0], 'b');
	assert_int_equal(f->items[1].place, TURN_NOWHERE);
	/* and there it may move as much again */
	while (strchr(f->trace, 'a') == NULL)
		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_false(turn_spend(&f->turn, &f->items[0], TURN_BYTES_MAX - 1));
}

static void test_turn_forgets_what_is_marked(void **state)
{
	struct fixture *f = *state;

	turn_mark(&f->turn, &f->items[0]);
	turn_forget(&f->turn, &f->items[0]);
	loop_is(".");
}

static void test_turn_has_a_number_by_which_its_marks_are_told(void **state)
{
	struct fixture *f = *state;
	uint64_t next = turn_current(&f->turn);

	turn_mark(&f->turn, &f->items[0]);
	assert_int_equal(turn_current(&f->turn), next);
	loop_is("a.");
	assert_int_equal(turn_current(&f->turn), next + 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_new, fixture_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_turn_runs_what_is_marked_once_and_in_order),
	        T(test_turn_runs_nobody_inside_another),
	        T(test_turn_frees_what_is_buried_when_all_have_run),
	        T(test_turn_of_many_bytes_goes_on_in_the_next),
	        T(test_turn_forgets_what_is_marked),
	        T(test_turn_has_a_number_by_which_its_marks_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
