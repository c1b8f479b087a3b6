/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/controller/fixture.h"

#include <string.h>

static void test_service_target_parses_addresses(void **state)
{
	static const struct {
		const char *list[3];
		size_t count;      /* 0: refused */
		const char *error; /* part of it */
	} cases[] = {
	        {{"10.0.0.1:80"}, 1, NULL},
	        {{"10.0.0.1:80", "10.0.0.2:80"}, 2, NULL},
	        {{"[fd00::1]:8080"}, 1, NULL},
	        {{"10.0.0.1"}, 0, "want IP:PORT"},
	        {{"activator:80"}, 0, "not an IP address"},
	        {{"10.0.0.1:0"}, 0, "10.0.0.1:0"},
	        {{"10.0.0.1:80", "10.0.0.2:81"}, 0, "one port"},
	        {{"10.0.0.1:80", "[fd00::1]:80"}, 0, "one address family"},
	        {{"[fd00::1:80"}, 0, "want IP:PORT"},
	        {{""}, 0, "want IP:PORT"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct service_target target = {0};
		struct err err = {0};
		int result = service_target_parse(cases[i].list, &target, &err);

		assert_int_equal(result, cases[i].count > 0 ? 0 : -1);
		assert_int_equal(target.count, cases[i].count);
		if (cases[i].error != NULL && strstr(err.text, cases[i].error) == NULL)
			fail_msg("\"%s\" is not in \"%s\"", cases[i].error, err.text);
	}
}

static void test_service_report_url_replaces_name_and_namespace(void **state)
{
	static const struct {
		const char *template, *url;
	} cases[] = {
	        {"http://%s.%s.localhost:8080/", "http://a.b.localhost:8080/"},
	        {"http://fixed/", "http://fixed/"},
	        {"http://%s/%n", "http://%s/%n"},
	        {"%s%s%s", "ab%s"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *url = report_url(cases[i].template, "a", "b");

		assert_string_equal(json_string_value(url), cases[i].url);
		json_decref(url);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_service_target_parses_addresses),
	        cmocka_unit_test(test_service_report_url_replaces_name_and_namespace),
	};

	return cmocka_run_group_tests_name("controller-service", tests, NULL, NULL);
}
