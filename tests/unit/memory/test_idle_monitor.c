/* SPDX-License-Identifier: Apache-2.0 */
/* What activators answer; the idle-monitor's core allocates nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "idle-monitor/io/activity.h"
#include "tests/unit/memory/short_memory.h"

static const char answer[] =
        "{\"uptimeSeconds\":12.5,\"targets\":[{\"uid\":\"b\",\"requestsInFlight\":1,"
        "\"requestsHeld\":0,\"openUpgraded\":0,\"secondsSinceLastRequest\":3},{\"uid\":\"a\","
        "\"requestsInFlight\":0,\"requestsHeld\":0,\"openUpgraded\":0,"
        "\"secondsSinceLastRequest\":null}]}";

/* Who is busy must not look idle for want of memory. */
static enum outcome read_activity(void)
{
	struct activity *a = NULL;
	struct err err = {0};
	enum outcome outcome = OUTCOME_TOLD;

	if (activity_parse(answer, sizeof answer - 1, &a, &err) == 0) {
		const struct activity_target *b = activity_find(a, "b");

		outcome = a->targets_count == 2 && b != NULL && b->busy && a->uptime_ms == 12500
		                  ? OUTCOME_WHOLE
		                  : OUTCOME_WRONG;
	} else if (err.text[0] == '\0') {
		outcome = OUTCOME_WRONG;
	}
	activity_free(a);
	return outcome;
}

static void test_activity_short_of_memory(void **state)
{
	short_memory_try("an activator's answer", read_activity);
	short_memory_json_ends();
	short_memory_try_ending("an activator's answer, in the program", read_activity);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_activity_short_of_memory)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
