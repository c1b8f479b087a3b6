/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/core/wake_rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct wake_rates rates = {
        .all = {.per_s = 50, .burst = 100},
        .of_namespace = {.per_s = 10, .burst = 40},
        .of_node = {.per_s = 6, .burst = 20},
};

enum { NAMESPACES = 3, NODES = 2 };

/* Two nodes, and three namespaces on each. */
struct buckets {
	struct bucket all;
	struct bucket namespaces[NAMESPACES];
	struct bucket nodes[NODES];
	struct bucket shares[NAMESPACES][NODES];
};

static struct wake_buckets of(struct buckets *b, unsigned ns, unsigned node)
{
	return (struct wake_buckets){&b->all, &b->namespaces[ns], &b->nodes[node],
	                             &b->shares[ns][node]};
}

static struct wake_buckets without_node(struct buckets *b, unsigned ns)
{
	return (struct wake_buckets){.all = &b->all, .of_namespace = &b->namespaces[ns]};
}

/* As many as there may be now. Return: how many; *ret_reason: what ends it */
static unsigned wake_all(struct wake_buckets b, uint64_t now_ms, enum end_reason *ret_reason)
{
	unsigned count = 0;

	while ((*ret_reason = wake_rate_check(&rates, &b, now_ms)) == END_NONE) {
		wake_rate_take(&rates, &b, now_ms);
		count++;
		assert_true(count < 1000);
	}
	return count;
}

static void test_wake_rate_a_node_starts_so_many_and_another_goes_on(void **state)
{
	struct buckets b = {0};
	enum end_reason reason;

	assert_int_equal(wake_all(of(&b, 0, 0), 1000, &reason), 10);
	assert_int_equal(reason, END_WAKE_RATE_NODE);
	assert_int_equal(wake_all(of(&b, 1, 0), 1000, &reason), 10);
	assert_int_equal(reason, END_WAKE_RATE_NODE);
	/* The node has none left, whatever a namespace has. */
	assert_int_equal(wake_all(of(&b, 2, 0), 1000, &reason), 0);
	assert_int_equal(reason, END_WAKE_RATE_NODE);
	assert_int_equal(wake_all(of(&b, 2, 1), 1000, &reason), 10);
	assert_int_equal(wake_all(of(&b, 2, 0), 1500, &reason), 3);
}

static void test_wake_rate_a_namespace_has_half_of_a_node(void **state)
{
	struct buckets b = {0};
	enum end_reason reason;

	/* At its own rate for a minute, and the other half is there all the time. */
	for (uint64_t now_ms = 1000; now_ms < 61000; now_ms += 100)
		(void)wake_all(of(&b, 0, 0), now_ms, &reason);
	assert_int_equal(reason, END_WAKE_RATE_NODE);
	assert_int_equal(wake_all(of(&b, 1, 0), 61000, &reason), 10);
}

static void test_wake_rate_half_of_one_is_one(void **state)
{
	const struct wake_rates one = {.of_node = {.per_s = 1, .burst = 1}};
	struct buckets b = {0};
	struct wake_buckets mine = of(&b, 0, 0);

	assert_int_equal(wake_rate_check(&one, &mine, 1000), END_NONE);
	wake_rate_take(&one, &mine, 1000);
	assert_int_equal(wake_rate_check(&one, &mine, 1999), END_WAKE_RATE_NODE);
	assert_int_equal(wake_rate_check(&one, &mine, 2000), END_NONE);
}

static void test_wake_rate_what_has_no_node_counts_in_the_other_two(void **state)
{
	struct buckets b = {0};
	enum end_reason reason;

	assert_int_equal(wake_all(without_node(&b, 0), 1000, &reason), 40);
	assert_int_equal(reason, END_WAKE_RATE_NAMESPACE);
	assert_int_equal(wake_all(without_node(&b, 1), 1000, &reason), 40);
	assert_int_equal(wake_all(without_node(&b, 2), 1000, &reason), 20);
	assert_int_equal(reason, END_WAKE_RATE);
}

static void test_wake_rate_what_one_bucket_refuses_costs_the_others_nothing(void **state)
{
	struct buckets b = {0};
	struct wake_buckets mine = of(&b, 0, 0);
	struct bucket before;
	enum end_reason reason;

	(void)wake_all(mine, 1000, &reason);
	before = b.namespaces[0];
	assert_int_equal(wake_rate_check(&rates, &mine, 1000), END_WAKE_RATE_NODE);
	assert_memory_equal(&before, &b.namespaces[0], sizeof before);
	assert_int_equal(wake_all(of(&b, 0, 1), 1000, &reason), 10);
}

static void test_wake_rate_no_rate_is_no_limit(void **state)
{
	const struct wake_rates none = {0};
	struct buckets b = {0};
	struct wake_buckets mine = of(&b, 0, 0);

	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(wake_rate_check(&none, &mine, 5), END_NONE);
		wake_rate_take(&none, &mine, 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_wake_rate_a_node_starts_so_many_and_another_goes_on),
	        cmocka_unit_test(test_wake_rate_a_namespace_has_half_of_a_node),
	        cmocka_unit_test(test_wake_rate_half_of_one_is_one),
	        cmocka_unit_test(test_wake_rate_what_has_no_node_counts_in_the_other_two),
	        cmocka_unit_test(test_wake_rate_what_one_bucket_refuses_costs_the_others_nothing),
	        cmocka_unit_test(test_wake_rate_no_rate_is_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
