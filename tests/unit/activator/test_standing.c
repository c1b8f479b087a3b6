/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/core/standing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { PLACES_MAX = 8 };

struct fixture {
	struct standing standing;
	struct standing_place places[PLACES_MAX];
};

static int fixture_new(void **state)
{
	static struct fixture f;

	f = (struct fixture){0};
	standing_init(&f.standing);
	*state = &f;
	return 0;
}

static void put(struct fixture *f, unsigned i, uint64_t recent_bytes, bool heavy)
{
	standing_put(&f->standing, &f->places[i], standing_rank(false, recent_bytes), heavy);
}

/* Return: the number of who goes now, -1 when there is nobody */
static int take(struct fixture *f, bool heavy_only)
{
	struct standing_place *place = standing_first(&f->standing, heavy_only);

	if (place == NULL)
		return -1;
	standing_remove(&f->standing, place);
	return (int)(place - f->places);
}

static void test_standing_ranks_heads_first_then_the_slowest(void **state)
{
	assert_int_equal(standing_rank(true, UINT64_MAX), 0);
	assert_int_equal(standing_rank(false, 0), 1);
	assert_int_equal(standing_rank(false, 8 * 1024 - 1), 1);
	assert_int_equal(standing_rank(false, 8 * 1024), 2);
	assert_int_equal(standing_rank(false, 16 * 1024 - 1), 2);
	assert_int_equal(standing_rank(false, 16 * 1024), 3);
	assert_int_equal(standing_rank(false, 1024 * 1024), 9);
	assert_int_equal(standing_rank(false, UINT64_MAX), STANDING_RANKS - 1);
}

static void test_standing_lets_the_slowest_go_first(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 1 << 20, true);
	put(f, 1, 100, true);
	put(f, 2, 1 << 16, true);
	standing_put(&f->standing, &f->places[3], standing_rank(true, 1 << 30), true);
	assert_int_equal(take(f, false), 3);
	assert_int_equal(take(f, false), 1);
	assert_int_equal(take(f, false), 2);
	assert_int_equal(take(f, false), 0);
	assert_int_equal(take(f, false), -1);
}

static void test_standing_of_one_rank_lets_go_who_is_in_it_for_the_longest(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 0, true);
	put(f, 1, 0, true);
	put(f, 2, 0, true);
	put(f, 0, 100, true); /* the same rank, so the same place */
	put(f, 1, 1 << 20, true);
	put(f, 1, 0, true); /* it was away */
	assert_int_equal(take(f, false), 0);
	assert_int_equal(take(f, false), 2);
	assert_int_equal(take(f, false), 1);
}

static void test_standing_finds_memory_without_passing_by_the_light(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 0, false);
	put(f, 1, 1 << 20, true);
	put(f, 2, 1 << 20, false);
	assert_int_equal(take(f, true), 1);
	assert_int_equal(take(f, true), -1);
	assert_int_equal(take(f, false), 0);
	put(f, 2, 1 << 20, true);
	assert_int_equal(take(f, true), 2);
}

static void test_standing_forgets_who_is_removed(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 0, true);
	standing_remove(&f->standing, &f->places[0]);
	standing_remove(&f->standing, &f->places[0]);
	assert_int_equal(take(f, false), -1);
	put(f, 0, 0, true);
	assert_int_equal(take(f, false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_standing_ranks_heads_first_then_the_slowest),
	        cmocka_unit_test_setup(test_standing_lets_the_slowest_go_first, fixture_new),
	        cmocka_unit_test_setup(
	                test_standing_of_one_rank_lets_go_who_is_in_it_for_the_longest,
	                fixture_new),
	        cmocka_unit_test_setup(test_standing_finds_memory_without_passing_by_the_light,
	                               fixture_new),
	        cmocka_unit_test_setup(test_standing_forgets_who_is_removed, fixture_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
