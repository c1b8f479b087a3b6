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
	        {{"10.0.0.1:80", "[fd00::1]:80"}, 2, NULL},
	        {{"10.0.0.1:80", "[fd00::1]:81"}, 0, "one port"},
	        {{"[fd00::1:80"}, 0, "want IP:PORT"},
	        {{""}, 0, "want IP:PORT"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct service_target target = {0};
		struct err err = {0};
		int result = service_target_parse(cases[i].list, &target, &err);

		assert_int_equal(result, cases[i].count > 0 ? 0 : -1);
		assert_int_equal(service_target_count(&target), cases[i].count);
		if (cases[i].error != NULL && strstr(err.text, cases[i].error) == NULL)
			fail_msg("\"%s\" is not in \"%s\"", cases[i].error, err.text);
	}
}

/* "address port ready serving" each, as an EndpointSlice tells them. */
static void endpoints(struct endpoint_set *set, const char *const *texts)
{
	*set = (struct endpoint_set){0};
	for (; *texts != NULL; texts++) {
		struct endpoint *one = &set->list[set->count++];
		char words[64];
		char *rest = words;

		(void)snprintf(words, sizeof words, "%s", *texts);
		(void)snprintf(one->address, sizeof one->address, "%s", strsep(&rest, " "));
		one->is_ipv6 = strchr(one->address, ':') != NULL;
		one->port = (uint16_t)strtoul(strsep(&rest, " "), NULL, 10);
		one->ready = strchr(rest, 'r') != NULL;
		one->serving = strchr(rest, 's') != NULL;
	}
}

static void tell(const struct service_target *target, char buf[256])
{
	int bytes = snprintf(buf, 256, "%u", target->port);

	for (int family = 0; family < SERVICE_FAMILIES_COUNT; family++) {
		const struct service_addresses *of = &target->of[family];

		if (of->is_used)
			bytes += snprintf(buf + bytes, 256 - (size_t)bytes, " |");
		for (size_t i = 0; i < of->count; i++)
			bytes += snprintf(buf + bytes, 256 - (size_t)bytes, " %s", of->list[i]);
	}
}

static void test_service_target_follows_the_endpoints(void **state)
{
	/* one after the other */
	static const struct {
		const char *set[5];
		const char *want;
	} cases[] = {
	        {{NULL}, "0"}, /* never seen one */
	        {{"10.0.0.1 80 -"}, "80 |"},
	        {{"10.0.0.1 80 rs", "10.0.0.2 80 s"}, "80 | 10.0.0.1"},
	        {{"10.0.0.1 80 rs", "fd00::1 80 rs"}, "80 | 10.0.0.1 | fd00::1"},
	        {{"10.0.0.1 80 s", "10.0.0.2 80 -"}, "80 | 10.0.0.1"}, /* better than none */
	        {{"10.0.0.1 80 rs", "10.0.0.2 81 rs", "10.0.0.3 81 rs"}, "81 | 10.0.0.2 10.0.0.3"},
	        {{"10.0.0.1 81 rs", "10.0.0.2 80 rs"}, "80 | 10.0.0.2"}, /* a tie: the lower */
	        {{NULL}, "80 |"}, /* all gone: nothing answers, and where it did is known */
	};
	struct service_target target = {0};
	struct service_target before;
	struct endpoint_set set;
	char got[256];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		before = target;
		endpoints(&set, cases[i].set);
		service_target_follow(&target, &set);
		tell(&target, got);
		assert_string_equal(got, cases[i].want);
		assert_int_equal(service_target_equal(&before, &target), i == 0);
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
	        cmocka_unit_test(test_service_target_follows_the_endpoints),
	        cmocka_unit_test(test_service_report_url_replaces_name_and_namespace),
	};

	return cmocka_run_group_tests_name("controller-service", tests, NULL, NULL);
}
