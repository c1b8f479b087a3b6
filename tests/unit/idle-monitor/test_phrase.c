/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "idle-monitor/core/phrase.h"

enum { NOW = 1000000 };

static const char *activity(enum idle_reason reason, const char *client)
{
	const struct idle_decision d = {.reason = reason};
	static char text[NOTE_TEXT_BYTES];

	phrase_activity(&d, client, text);
	return text;
}

static const char *stop(uint64_t last_ms, const char *client)
{
	const struct idle_decision d = {.reason = IDLE_NO_REQUEST, .last_activity_ms = last_ms};
	static char text[NOTE_TEXT_BYTES];

	phrase_stop(&d, client, NOW, text);
	return text;
}

static void test_phrase_of_an_activity_names_its_kind(void **state)
{
	assert_string_equal(activity(IDLE_REQUESTS_IN_FLIGHT, "10.0.0.9"), "request in flight");
	assert_string_equal(activity(IDLE_UPGRADED_OPEN, NULL), "upgraded connection");
	assert_string_equal(activity(IDLE_RECENT_START, NULL), "start");
	assert_string_equal(activity(IDLE_RECENT_REQUEST, ""), "request");
	assert_string_equal(activity(IDLE_RECENT_REQUEST, "10.0.0.9"), "request from 10.0.0.9");
}

static void test_phrase_of_a_stop_names_the_last_client(void **state)
{
	assert_string_equal(stop(NOW - 300000, "10.0.0.9"),
	                    "no request for 5m0s (last from 10.0.0.9)");
	assert_string_equal(stop(NOW - 300000, ""), "no request for 5m0s");
	assert_string_equal(stop(NOW - 300000, NULL), "no request since its start 5m0s ago");
}

static void test_phrase_of_a_stop_has_whole_seconds_where_there_are_any(void **state)
{
	assert_string_equal(stop(NOW - 2999, ""), "no request for 2s");
	assert_string_equal(stop(NOW - 250, ""), "no request for 250ms");
	assert_string_equal(stop(NOW + 5, ""), "no request for 0s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_phrase_of_an_activity_names_its_kind),
	        cmocka_unit_test(test_phrase_of_a_stop_names_the_last_client),
	        cmocka_unit_test(test_phrase_of_a_stop_has_whole_seconds_where_there_are_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
