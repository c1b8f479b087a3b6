/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/core/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { CLAIMANTS = 4, KIB = 1024 };

static const struct hold_limits all = {.requests_max = 400, .bytes_max = 4000 * KIB};

static void test_share_a_manifest_cannot_ask_for_more_than_its_part(void **state)
{
	const struct hold_limits modest = {.requests_max = 7, .bytes_max = 70};
	const struct hold_limits greedy = {.requests_max = 100000, .bytes_max = (size_t)1 << 40};
	struct hold_limits cap = share_cap(&modest, &all, 25);

	assert_int_equal(cap.requests_max, 7);
	assert_int_equal(cap.bytes_max, 70);
	cap = share_cap(&greedy, &all, 25);
	assert_int_equal(cap.requests_max, 100);
	assert_in_range(cap.bytes_max, 999 * KIB, 1000 * KIB);
	assert_int_equal(share_cap(&greedy, &(struct hold_limits){2, 200}, 25).requests_max, 1);
}

/* Each wants so many, one at a time in turn; the rule of the shell, without its queues. */
static void claim(struct hold_usage *u, const unsigned *wants, size_t bytes)
{
	for (unsigned round = 0; round < 2000; round++) {
		unsigned me = round % CLAIMANTS;
		unsigned total = 0;
		unsigned largest = 0;

		for (unsigned i = 0; i < CLAIMANTS; i++) {
			total += u[i].requests_count;
			if (share_of(&u[i], &all) > share_of(&u[largest], &all))
				largest = i;
		}
		if (u[me].requests_count >= wants[me])
			continue;
		if (total >= all.requests_max) {
			if (!share_may_displace(&u[me], &u[largest], &all, bytes))
				continue;
			hold_discharge(&u[largest], bytes);
		}
		hold_charge(&u[me], bytes);
	}
}

static void test_share_is_max_min_when_full(void **state)
{
	static const unsigned wants[CLAIMANTS] = {1000, 20, 1000, 120};
	struct hold_usage u[CLAIMANTS] = {{.requests_count = 400, .bytes = 400 * KIB}};

	claim(u, wants, KIB);
	/* 20 and 120 have all that they want; the others share what is left. */
	assert_int_equal(u[1].requests_count, 20);
	assert_int_equal(u[3].requests_count, 120);
	assert_int_equal(u[0].requests_count, 130);
	assert_int_equal(u[2].requests_count, 130);
}

static void test_share_places_do_not_go_to_and_fro(void **state)
{
	const struct hold_usage ten = {.requests_count = 10};
	const struct hold_usage nine = {.requests_count = 9};
	const struct hold_usage eight = {.requests_count = 8};

	assert_true(share_may_displace(&eight, &ten, &all, 0));
	assert_false(share_may_displace(&nine, &ten, &all, 0));
	assert_false(share_may_displace(&ten, &ten, &all, 0));
}

static void test_share_few_large_requests_count_as_much_as_many(void **state)
{
	const struct hold_usage large = {.requests_count = 10, .bytes = 3000 * KIB};
	const struct hold_usage small = {.requests_count = 100, .bytes = 100 * KIB};

	assert_true(share_may_displace(&small, &large, &all, KIB));
	assert_false(share_may_displace(&large, &small, &all, KIB));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_share_a_manifest_cannot_ask_for_more_than_its_part),
	        cmocka_unit_test(test_share_is_max_min_when_full),
	        cmocka_unit_test(test_share_places_do_not_go_to_and_fro),
	        cmocka_unit_test(test_share_few_large_requests_count_as_much_as_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
