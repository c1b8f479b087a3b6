/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "idle-monitor/io/activity.h"

#define TARGET(uid, flight, held, age, upgraded, byte)                                             \
	"{\"namespace\":\"n\",\"name\":\"x\",\"uid\":\"" uid "\",\"requestsInFlight\":" flight     \
	",\"requestsHeld\":" held ",\"secondsSinceLastRequest\":" age                              \
	",\"openUpgraded\":" upgraded ",\"secondsSinceLastByte\":" byte                            \
	",\"lastClient\":\"10.0.0.9\"}"
#define ANSWER(targets) "{\"instance\":\"i\",\"uptimeSeconds\":12.5,\"targets\":[" targets "]}"

static struct activity *parse(const char *text)
{
	struct activity *a = NULL;
	struct err err = {0};

	if (activity_parse(text, strlen(text), &a, &err) < 0)
		fail_msg("%s", err.text);
	return a;
}

static void test_activity_finds_each_container(void **state)
{
	struct activity *a = parse(ANSWER(TARGET("b", "0", "0", "4.25", "0", "null") "," TARGET(
	        "a", "1", "0", "null", "0", "null") "," TARGET("c", "0", "2", "null", "1", "0")));

	*state = a;
	assert_int_equal(a->uptime_ms, 12500);
	assert_int_equal(a->targets_count, 3);
	assert_true(activity_find(a, "a")->busy);
	assert_false(activity_find(a, "a")->has_request);
	assert_false(activity_find(a, "b")->busy);
	assert_int_equal(activity_find(a, "b")->request_age_ms, 4250);
	assert_string_equal(activity_find(a, "b")->client, "10.0.0.9");
	assert_true(activity_find(a, "c")->busy);
	assert_true(activity_find(a, "c")->upgraded_open);
	assert_null(activity_find(a, "d"));
}

static void test_activity_a_younger_byte_counts_as_the_request(void **state)
{
	struct activity *a = parse(ANSWER(TARGET("a", "0", "0", "9", "0", "3") "," TARGET(
	        "b", "0", "0", "3", "0", "9") "," TARGET("c", "0", "0", "null", "0", "7")));

	*state = a;
	assert_int_equal(activity_find(a, "a")->request_age_ms, 3000);
	assert_int_equal(activity_find(a, "b")->request_age_ms, 3000);
	assert_true(activity_find(a, "c")->has_request);
	assert_int_equal(activity_find(a, "c")->request_age_ms, 7000);
}

static void test_activity_of_nobody(void **state)
{
	struct activity *a = parse(ANSWER(""));

	*state = a;
	assert_null(activity_find(a, "a"));
}

static void test_activity_refuses_what_it_does_not_understand(void **state)
{
	static const char *const bad[] = {
	        "",
	        "[]",
	        "{}",
	        "{\"uptimeSeconds\":1}",
	        "{\"targets\":[]}",
	        "{\"uptimeSeconds\":null,\"targets\":[]}",
	        "{\"uptimeSeconds\":-1,\"targets\":[]}",
	        "{\"uptimeSeconds\":1e300,\"targets\":[]}",
	        "{\"uptimeSeconds\":1,\"targets\":{}}",
	        "{\"uptimeSeconds\":1,\"targets\":[7]}",
	        ANSWER("{}"),
	        ANSWER(TARGET("a", "-1", "0", "null", "0", "null")),
	        ANSWER(TARGET("a", "0", "null", "null", "0", "null")),
	        ANSWER(TARGET("a", "0", "0", "-3", "0", "null")),
	        ANSWER(TARGET("a", "0", "0", "\"3\"", "0", "null")),
	        ANSWER(TARGET("a", "0", "0", "null", "0", "true")),
	        ANSWER(TARGET("0123456789012345678901234567890123456789012345678901234567890123",
	                      "0", "0", "null", "0", "null")),
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct activity *a = NULL;
		struct err err = {0};

		if (activity_parse(bad[i], strlen(bad[i]), &a, &err) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_true(strlen(err.text) > 0);
	}
}

static int teardown(void **state)
{
	activity_free(*state);
	*state = NULL;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_teardown(test_activity_finds_each_container, teardown),
	        cmocka_unit_test_teardown(test_activity_a_younger_byte_counts_as_the_request,
	                                  teardown),
	        cmocka_unit_test_teardown(test_activity_of_nobody, teardown),
	        cmocka_unit_test(test_activity_refuses_what_it_does_not_understand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
