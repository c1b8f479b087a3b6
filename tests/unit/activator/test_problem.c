/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/core/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <jansson.h>

#include "tests/unit/activator/heads.h"

static json_t *json_of(const struct problem *p)
{
	char buf[PROBLEM_BYTES];
	size_t n = problem_write(p, false, buf);
	json_error_t error;
	json_t *json = json_loadb(buf, n, 0, &error);

	if (json == NULL)
		fail_msg("%s: %s", error.text, buf);
	return json;
}

static void test_problem_is_json_for_every_reason(void **state)
{
	for (enum end_reason reason = END_NONE; reason < END_REASONS_COUNT; reason++) {
		const struct problem p = {.reason = reason, .request_id = "i", .detail = "d"};

		json_decref(json_of(&p));
	}
}

static void test_problem_says_what_and_whether_it_was_delivered(void **state)
{
	const struct problem p = {
	        .reason = END_BACKEND_LOST, .request_id = "id-1", .delivered = true};
	json_t *json = json_of(&p);

	assert_int_equal(json_integer_value(json_object_get(json, "status")), 502);
	assert_string_equal(json_string_value(json_object_get(json, "title")), "Bad Gateway");
	assert_string_equal(json_string_value(json_object_get(json, "reason")), "backend_lost");
	assert_string_equal(json_string_value(json_object_get(json, "requestId")), "id-1");
	assert_true(json_is_true(json_object_get(json, "delivered")));
	json_decref(json);
}

static void test_problem_detail_is_escaped_and_cut(void **state)
{
	static const struct {
		const char *detail;
		const char *want;
	} rows[] = {
	        {"say \"no\" \\ now", "say \"no\" \\ now"},
	        {"two\nlines\x7f", "two lines "},
	        {"\xc3\xbc and \xff\xc3", "\xc3\xbc and ??"},
	};
	struct problem p = {.reason = END_FAILED, .request_id = "i"};
	char big[4 * PROBLEM_DETAIL_MAX];
	json_t *json;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *detail;

		p.detail = rows[i].detail;
		json = json_of(&p);
		detail = strstr(json_string_value(json_object_get(json, "detail")), ": ") + 2;
		assert_string_equal(detail, rows[i].want);
		json_decref(json);
	}
	memset(big, '"', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	p.detail = big;
	json = json_of(&p);
	assert_true(strlen(json_string_value(json_object_get(json, "detail"))) >=
	            PROBLEM_DETAIL_MAX);
	json_decref(json);
}

static void test_problem_as_text_is_for_who_asks_for_it(void **state)
{
	static const struct {
		const char *accept;
		bool want;
	} rows[] = {
	        {"X: y", false},
	        {"Accept: */*", false},
	        {"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true},
	        {"Accept: Text/Plain ;q=0.5", true},
	        {"Accept: text/*", false},
	        {"Accept: text/plain\r\nAccept: application/json", false},
	        {"Accept: application/problem+json, text/html", false},
	};
	char buf[PROBLEM_BYTES];
	const struct problem p = {.reason = END_FAILED, .request_id = "i", .detail = "why"};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct head h;
		char text[256];

		(void)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n",
		               rows[i].accept);
		head_of(&h, "GET", text);
		if (problem_as_text(&h) != rows[i].want)
			fail_msg("%s", rows[i].accept);
	}
	(void)problem_write(&p, true, buf);
	assert_string_equal(buf, "the container failed: why\n\n"
	                         "Request i; the container has not seen it.\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_problem_is_json_for_every_reason),
	        cmocka_unit_test(test_problem_says_what_and_whether_it_was_delivered),
	        cmocka_unit_test(test_problem_detail_is_escaped_and_cut),
	        cmocka_unit_test(test_problem_as_text_is_for_who_asks_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
