/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/api/endpoint_set.h"
#include "lib/base/cleanup.h"

/* addressType, ports, endpoints */
#define SLICE(family, ports, endpoints)                                                            \
	"{\"addressType\":\"" family "\",\"ports\":[" ports "],\"endpoints\":[" endpoints "]}"
#define HTTP "{\"name\":\"http\",\"port\":8080},{\"name\":\"admin\",\"port\":9090}"
#define POD(uid) "\"targetRef\":{\"kind\":\"Pod\",\"name\":\"a-" uid "\",\"uid\":\"" uid "\"}"

static void add(struct endpoint_set *set, const char *text, const char *port)
{
	json_t *slice = json_loads(text, 0, NULL);

	assert_non_null(slice);
	endpoint_set_add_slice(set, slice, port);
	json_decref(slice);
}

/* "uid address:port rst" each; a letter for each condition that is true */
static void tell(const struct endpoint_set *set, char buf[512])
{
	buf[0] = '\0';
	for (size_t i = 0; i < set->count; i++) {
		const struct endpoint *e = &set->list[i];
		size_t used = strlen(buf);

		(void)snprintf(buf + used, 512 - used, "%s%s %s:%u %s%s%s", used > 0 ? ", " : "",
		               e->pod_uid, e->address, e->port, e->ready ? "r" : "-",
		               e->serving ? "s" : "-", e->terminating ? "t" : "-");
	}
}

static void test_endpoint_set_reads_a_slice(void **state)
{
	static const struct {
		const char *slice, *want;
	} cases[] = {
	        {SLICE("IPv4", HTTP, "{\"addresses\":[\"10.0.0.1\"]," POD("u1") "}"),
	         "u1 10.0.0.1:8080 rs-"}, /* conditions that are not told */
	        {SLICE("IPv4", HTTP,
	               "{\"addresses\":[\"10.0.0.1\"],\"conditions\":{\"ready\":false}}"),
	         " 10.0.0.1:8080 ---"},
	        {SLICE("IPv4", HTTP,
	               "{\"addresses\":[\"10.0.0.1\"],\"conditions\":{\"ready\":false,"
	               "\"serving\":true,\"terminating\":true}}"),
	         " 10.0.0.1:8080 -st"},
	        {SLICE("IPv4", HTTP,
	               "{\"addresses\":[\"10.0.0.1\"],\"conditions\":{\"ready\":null}}"),
	         " 10.0.0.1:8080 rs-"},
	        {SLICE("IPv6", HTTP, "{\"addresses\":[\"fd00::1\",\"fd00::2\"]}"),
	         " fd00::1:8080 rs-"}, /* further addresses mean nothing */
	        {SLICE("IPv4", HTTP, "{\"addresses\":[\"fd00::1\"]}"), ""},
	        {SLICE("IPv4", HTTP, "{\"addresses\":[\"10.0.0.256\"]},{\"addresses\":[]},{},3"),
	         ""},
	        {SLICE("FQDN", HTTP, "{\"addresses\":[\"host.example\"]}"), ""},
	        {SLICE("IPv4", "{\"name\":\"admin\",\"port\":9090}",
	               "{\"addresses\":[\"10.0.0.1\"]}"),
	         ""}, /* no such port */
	        {SLICE("IPv4", "{\"name\":\"http\",\"port\":53,\"protocol\":\"UDP\"}",
	               "{\"addresses\":[\"10.0.0.1\"]}"),
	         ""},
	        {SLICE("IPv4", "{\"name\":\"http\"}", "{\"addresses\":[\"10.0.0.1\"]}"), ""},
	        {SLICE("IPv4", HTTP,
	               "{\"addresses\":[\"10.0.0.1\"],\"targetRef\":{\"kind\":\"Node\","
	               "\"name\":\"n\",\"uid\":\"u\"}}"),
	         " 10.0.0.1:8080 rs-"},
	        {"{\"metadata\":{\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"},"
	         "\"addressType\":\"IPv4\",\"ports\":[" HTTP
	         "],\"endpoints\":[{\"addresses\":[\"10.0.0.1\"]}]}",
	         ""},
	        {"{}", ""},
	};
	char got[512];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct endpoint_set set = {0};

		add(&set, cases[i].slice, "http");
		tell(&set, got);
		assert_string_equal(got, cases[i].want);
	}
}

static void test_endpoint_set_joins_slices_in_one_order(void **state)
{
	static const char *const slices[] = {
	        SLICE("IPv6", HTTP, "{\"addresses\":[\"fd00::1\"]," POD("u1") "}"),
	        SLICE("IPv4", HTTP,
	              "{\"addresses\":[\"10.0.0.2\"]," POD(
	                      "u2") "},"
	                            "{\"addresses\":[\"10.0.0.1\"],\"conditions\":{\"ready\":false,"
	                            "\"serving\":false,\"terminating\":true}," POD("u1") "}"),
	        /* on its way from one slice to another: the better word counts */
	        SLICE("IPv4", HTTP, "{\"addresses\":[\"10.0.0.1\"]," POD("u1") "}"),
	};
	struct endpoint_set set = {0};
	struct endpoint_set reversed = {0};
	char got[512];

	for (size_t i = 0; i < ARRAY_LEN(slices); i++) {
		add(&set, slices[i], "admin");
		add(&reversed, slices[ARRAY_LEN(slices) - 1 - i], "admin");
	}
	tell(&set, got);
	assert_string_equal(got, "u1 10.0.0.1:9090 rs-, u1 fd00::1:9090 rs-, u2 10.0.0.2:9090 rs-");
	assert_true(endpoint_set_equal(&set, &reversed));
	reversed.list[2].terminating = true;
	assert_false(endpoint_set_equal(&set, &reversed));
	reversed = set;
	reversed.count--;
	assert_false(endpoint_set_equal(&set, &reversed));
}

static void test_endpoint_set_tells_that_it_is_full(void **state)
{
	struct endpoint_set set = {0};
	char text[256];

	for (unsigned i = 0; i <= ENDPOINTS_MAX; i++) {
		assert_false(set.overflow);
		(void)snprintf(text, sizeof text,
		               SLICE("IPv4", HTTP, "{\"addresses\":[\"10.0.0.%u\"]}"), i);
		add(&set, text, "http");
	}
	assert_int_equal(set.count, ENDPOINTS_MAX);
	assert_true(set.overflow);
}

static void test_endpoint_set_service_parse(void **state)
{
	static const struct {
		const char *text, *ns, *name; /* ns NULL: refused */
	} cases[] = {
	        {"sc/activator", "sc", "activator"},
	        {"a/b-1", "a", "b-1"},
	        {"activator", NULL, NULL},
	        {"/activator", NULL, NULL},
	        {"sc/", NULL, NULL},
	        {"sc/a/b", NULL, NULL},
	        {"sc/-a", NULL, NULL},
	        {"sc/a,b=c", NULL, NULL}, /* it becomes part of a selector */
	        {"sc/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, NULL},
	};
	char ns[64], name[64];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool ok = endpoint_service_parse(cases[i].text, ns, name);

		assert_int_equal(ok, cases[i].ns != NULL);
		if (!ok)
			continue;
		assert_string_equal(ns, cases[i].ns);
		assert_string_equal(name, cases[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_endpoint_set_reads_a_slice),
	        cmocka_unit_test(test_endpoint_set_joins_slices_in_one_order),
	        cmocka_unit_test(test_endpoint_set_tells_that_it_is_full),
	        cmocka_unit_test(test_endpoint_set_service_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
