/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/controller/fixture.h"

#include <stdio.h>

static void test_memory_holds_back_longer_each_time_up_to_a_minute(void **state)
{
	static const uint64_t waits_ms[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
	struct memory m = {0};

	for (size_t i = 0; i < ARRAY_LEN(waits_ms); i++) {
		memory_hold(&m, &(struct memory_attempt){HELD_CONSUMER, 1, 0}, "ConsumerRejected",
		            "no");
		assert_true(memory_is_held(&m, HELD_CONSUMER, 1, waits_ms[i] - 1));
		assert_false(memory_is_held(&m, HELD_CONSUMER, 1, waits_ms[i]));
	}
	assert_false(memory_is_held(&m, HELD_CONSUMER, 2, 0)); /* changed by the user */
	assert_false(memory_is_held(&m, HELD_PROVIDER, 1, 0));
	memory_release(&m, HELD_CONSUMER);
	assert_false(memory_is_held(&m, HELD_CONSUMER, 1, 0));
}

static void test_memory_replaces_the_first_ended_pod_at_once(void **state)
{
	struct memory m = {0};

	memory_hold_ended(&m, &(struct memory_attempt){HELD_PROVIDER, 1, 500}, "Evicted");
	assert_false(memory_is_held(&m, HELD_PROVIDER, 1, 500));
	memory_hold_ended(&m, &(struct memory_attempt){HELD_PROVIDER, 1, 500}, "Evicted");
	assert_true(memory_is_held(&m, HELD_PROVIDER, 1, 1499));
	assert_false(memory_is_held(&m, HELD_PROVIDER, 1, 1500));
}

static void test_memory_tells_a_denial_that_lasts(void **state)
{
	struct memory m = {0};

	assert_false(memory_denied(&m, HELD_CONSUMER, 1000));
	assert_false(memory_is_blank(&m));
	assert_false(memory_denied(&m, HELD_CONSUMER, 1000 + MEMORY_DENIED_MAX_MS - 1));
	assert_false(memory_denied(&m, HELD_PROVIDER, 1000 + MEMORY_DENIED_MAX_MS));
	assert_true(memory_denied(&m, HELD_CONSUMER, 1000 + MEMORY_DENIED_MAX_MS));
	memory_allowed(&m, HELD_CONSUMER);
	assert_false(memory_denied(&m, HELD_CONSUMER, 1000 + MEMORY_DENIED_MAX_MS));
}

static void test_memory_dooms_a_bounded_number_and_forgets_what_is_gone(void **state)
{
	struct memory m = {0};
	char uid[16];

	for (int i = 0; i < MEMORY_DOOMED_MAX; i++) {
		(void)snprintf(uid, sizeof uid, "u%d", i);
		assert_true(memory_doom(&m, uid));
		assert_true(memory_doom(&m, uid)); /* once */
	}
	assert_false(memory_doom(&m, "one too many"));
	assert_true(memory_is_doomed(&m, "u3"));
	assert_false(memory_is_doomed(&m, ""));
	memory_forget_gone(&m, NULL, 0);
	assert_false(memory_is_doomed(&m, "u3"));
	assert_true(memory_doom(&m, "one more"));
}

static void test_memory_calls_a_trouble_lasting_after_a_time_of_its_own(void **state)
{
	struct memory m = {0};

	memory_trouble(&m, HELD_CONSUMER, "a", 1000);
	memory_trouble(&m, HELD_CONSUMER, "a", 20000); /* the time goes on */
	assert_false(memory_is_lasting(&m, HELD_CONSUMER, "a", 1000 + MEMORY_TROUBLE_MAX_MS - 1));
	assert_true(memory_is_lasting(&m, HELD_CONSUMER, "a", 1000 + MEMORY_TROUBLE_MAX_MS));
	assert_false(memory_is_lasting(&m, HELD_CONSUMER, "b", 1000 + MEMORY_TROUBLE_MAX_MS));
	assert_false(memory_is_lasting(&m, HELD_PROVIDER, "a", 1000 + MEMORY_TROUBLE_MAX_MS));
	memory_trouble(&m, HELD_CONSUMER, "", 30000);
	memory_trouble(&m, HELD_CONSUMER, "a", 40000); /* another one */
	assert_false(memory_is_lasting(&m, HELD_CONSUMER, "a", 1000 + MEMORY_TROUBLE_MAX_MS));
	assert_false(memory_is_lasting(&m, HELD_CONSUMER, "", UINT64_MAX));
}

static void test_memory_is_blank_when_nothing_is_lost_with_it(void **state)
{
	struct memory m = {0};

	assert_true(memory_is_blank(&m));
	memory_trouble(&m, HELD_CONSUMER, "u1", 5);
	assert_false(memory_is_blank(&m));
	memory_trouble(&m, HELD_CONSUMER, "", 6);
	m.waiting_since_ms = 6;
	assert_false(memory_is_blank(&m));
	m.waiting_since_ms = 0;
	assert_true(memory_doom(&m, "u1"));
	assert_false(memory_is_blank(&m));
	memory_forget_gone(&m, NULL, 0);
	memory_hold(&m, &(struct memory_attempt){HELD_PROVIDER, 1, 7}, "Refused", "why");
	assert_false(memory_is_blank(&m));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_memory_is_blank_when_nothing_is_lost_with_it),
	        cmocka_unit_test(test_memory_holds_back_longer_each_time_up_to_a_minute),
	        cmocka_unit_test(test_memory_replaces_the_first_ended_pod_at_once),
	        cmocka_unit_test(test_memory_tells_a_denial_that_lasts),
	        cmocka_unit_test(test_memory_dooms_a_bounded_number_and_forgets_what_is_gone),
	        cmocka_unit_test(test_memory_calls_a_trouble_lasting_after_a_time_of_its_own),
	};

	return cmocka_run_group_tests_name("controller-memory", tests, NULL, NULL);
}
