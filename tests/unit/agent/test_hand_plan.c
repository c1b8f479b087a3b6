/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>

#include "agent/core/hand_plan.h"
#include "lib/base/err.h"

/* Facts of an instance that can be handed over. */
#define GOOD .is_mounted = true, .is_ready = true

static int consumer;

/* And of one consumer that waits. */
#define ONE_WAITS .last = &consumer, .last_start = 1

static void test_hand_plan_gives_what_is_there_and_free(void **state)
{
	static const struct {
		const char *what;
		struct hand_facts facts;
		enum hand_step step;
	} cases[] = {
	        {"all in order", {GOOD, ONE_WAITS}, HAND_GIVE},
	        {"nobody waits", {GOOD}, HAND_NOTHING},
	        {"in use", {GOOD, ONE_WAITS, .is_in_use = true}, HAND_NOTHING},
	        {"not mounted yet", {.is_ready = true, ONE_WAITS}, HAND_NOTHING},
	        {"mounted, not in order", {.is_mounted = true, ONE_WAITS}, HAND_NOTHING},
	        {"busy", {GOOD, .is_busy = true, ONE_WAITS}, HAND_NOTHING},
	        {"in use a moment ago", {GOOD, .is_paused = true, ONE_WAITS}, HAND_NOTHING},
	        {"failed", {.has_failed = true, ONE_WAITS}, HAND_REFUSE_FAILED},
	        {"failed, in a pause",
	         {.has_failed = true, .is_paused = true, ONE_WAITS},
	         HAND_REFUSE_FAILED},
	        {"deleting", {GOOD, .is_deleting = true, ONE_WAITS}, HAND_REFUSE_DELETING},
	        {"deleting what failed",
	         {.has_failed = true, .is_deleting = true, ONE_WAITS},
	         HAND_REFUSE_DELETING},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum hand_step is = hand_plan(&cases[i].facts);

		if (is != cases[i].step)
			fail_msg("%s: step %d, not %d", cases[i].what, (int)is, (int)cases[i].step);
	}
}

static void test_hand_plan_chooses_the_latest_start_when_nobody_has_it(void **state)
{
	enum { NOBODY = 3 };
	static const struct {
		const char *what;
		struct hand_consumer consumers[3];
		unsigned to;
	} cases[] = {
	        {"the latest", {{true, true, 1}, {true, true, 3}, {true, true, 2}}, 1},
	        {"the first of two", {{true, true, 2}, {true, true, 2}, {true, true, 1}}, 0},
	        {"not the dead", {{false, true, 9}, {true, true, 1}, {false, false, 8}}, 1},
	        {"start 0", {{true, true, 0}, {false, true, 1}, {false, true, 1}}, 0},
	        {"one has it", {{true, true, 5}, {true, false, 1}, {true, true, 6}}, NOBODY},
	        {"all dead", {{false, true, 1}, {false, false, 2}, {false, true, 3}}, NOBODY},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct hand_facts f = {GOOD};
		unsigned to = NOBODY;

		for (unsigned n = 0; n < NOBODY; n++) {
			struct hand_consumer c = cases[i].consumers[n];

			c.who = (void *)(uintptr_t)&cases[i].consumers[n];
			hand_see(&f, &c);
		}
		for (unsigned n = 0; n < NOBODY; n++) {
			if (hand_plan(&f) == HAND_GIVE && f.last == &cases[i].consumers[n])
				to = n;
		}
		if (to != cases[i].to)
			fail_msg("%s: to %u, not %u", cases[i].what, to, cases[i].to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_hand_plan_gives_what_is_there_and_free),
	        cmocka_unit_test(test_hand_plan_chooses_the_latest_start_when_nobody_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
