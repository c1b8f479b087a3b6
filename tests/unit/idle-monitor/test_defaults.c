/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "idle-monitor/core/defaults.h"

enum { MAX_MS = 3600000 };

static void test_defaults_a_namespace_overrides_what_it_names(void **state)
{
	static const char *const list[] = {"team-a timeout=10m startupGrace=1m", "b timeout=0s",
	                                   "c  startupGrace=5s", NULL};
	static struct defaults d;

	d = (struct defaults){.timeout_ms = 300000, .startup_grace_ms = 30000};
	assert_int_equal(defaults_parse(&d, list, MAX_MS, NULL), 0);
	assert_int_equal(defaults_timeout_ms(&d, "team-a"), 600000);
	assert_int_equal(defaults_startup_grace_ms(&d, "team-a"), 60000);
	assert_int_equal(defaults_timeout_ms(&d, "b"), 0);
	assert_int_equal(defaults_startup_grace_ms(&d, "b"), 30000);
	assert_int_equal(defaults_timeout_ms(&d, "c"), 300000);
	assert_int_equal(defaults_startup_grace_ms(&d, "c"), 5000);
	assert_int_equal(defaults_timeout_ms(&d, "other"), 300000);
	assert_int_equal(defaults_startup_grace_ms(&d, ""), 30000);
}

static void test_defaults_parse_says_what_is_wrong(void **state)
{
	static const struct {
		const char *list[3];
		const char *error;
	} cases[] = {
	        {{"a"}, "want timeout=DURATION"},
	        {{""}, "want a namespace"},
	        {{"timeout=5m"}, "want a namespace"},
	        {{"a timeout=5"}, "a timeout=5"},
	        {{"a timeout=5m timeout=6m"}, "timeout=6m"},
	        {{"a releaseAfter=5m"}, "releaseAfter"},
	        {{"a timeout=2h"}, "2h"},
	        {{"a timeout=5m", "a startupGrace=1s"}, "twice"},
	        {{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa timeout=5m"},
	         "want a namespace"},
	};
	static struct defaults d;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = {0};

		d = (struct defaults){0};
		assert_int_equal(defaults_parse(&d, cases[i].list, MAX_MS, &err), -1);
		if (strstr(err.text, cases[i].error) == NULL)
			fail_msg("\"%s\" is not in \"%s\"", cases[i].error, err.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_defaults_a_namespace_overrides_what_it_names),
	        cmocka_unit_test(test_defaults_parse_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
