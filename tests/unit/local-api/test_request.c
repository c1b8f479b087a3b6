/* SPDX-License-Identifier: Apache-2.0 */
#include "local/api/core/request.h"
#include "local/registry/core/status.h"
#include "tests/unit/local-registry/unit.h"

#include <stdio.h>

/* "group version ns plural name subresource", "-" for none; NULL: not a resource */
static const struct {
	const char *target, *want;
} cases[] = {
        {"/api/v1/pods", " v1 - pods - -"},
        {"/api/v1/namespaces", " v1 - namespaces - -"},
        {"/api/v1/namespaces/x", " v1 - namespaces x -"},
        {"/api/v1/namespaces/x/status", " v1 - namespaces x status"},
        {"/api/v1/namespaces/x/pods", " v1 x pods - -"},
        {"/api/v1/namespaces/x/pods/p/log?follow=1", " v1 x pods p log"},
        {"/apis/g.io/v1/namespaces/x/things/t", "g.io v1 x things t -"},
        {"/apis/g.io/v1/things/a%2Fb", "g.io v1 - things a/b -"},
        {"/apis/g.io/v1", NULL},
        {"/healthz", NULL},
        {"/api/v1/namespaces/x/pods/p/log/more", NULL},
};

static void test_request_finds_the_resource_in_the_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char target[128], got[160];
		struct request r;

		(void)snprintf(target, sizeof target, "%s", cases[i].target);
		assert_int_equal(request_parse(target, &r, NULL), 0);
		assert_int_equal(r.is_resource, cases[i].want != NULL);
		if (!r.is_resource)
			continue;
		(void)snprintf(got, sizeof got, "%s %s %s %s %s %s", r.group, r.version,
		               r.ns ? r.ns : "-", r.plural, r.name ? r.name : "-",
		               r.subresource ? r.subresource : "-");
		assert_string_equal(got, cases[i].want);
	}
}

static void test_request_decodes_the_query(void **state)
{
	char target[] = "/x?labelSelector=a%3Db+in&watch=true&empty&z=";
	struct request r;

	(void)state;
	assert_int_equal(request_parse(target, &r, NULL), 0);
	assert_string_equal(request_query(&r, "labelSelector"), "a=b in");
	assert_true(request_flag(&r, "watch"));
	assert_string_equal(request_query(&r, "empty"), "");
	assert_null(request_query(&r, "absent"));
}

static void test_request_refuses_what_is_malformed(void **state)
{
	static const char *const bad[] = {"x",    "*",       "/%",
	                                  "/%2",  "/%00",    "/?a=%zz",
	                                  "/%ff", "/?a=%c3", "/1/2/3/4/5/6/7/8/9/10/11/12/13"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char target[64];
		struct request r;

		(void)snprintf(target, sizeof target, "%s", bad[i]);
		assert_int_equal(request_parse(target, &r, NULL), -1);
	}
}

static void test_request_status_survives_a_cut_character(void **state)
{
	json_t *status = status_bad_request("found '%.3s'", "ab\xc3\xa9");

	(void)state;
	assert_string_equal(json_string_value(json_object_get(status, "message")), "found 'ab?'");
	json_decref(status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_request_finds_the_resource_in_the_path),
	        cmocka_unit_test(test_request_decodes_the_query),
	        cmocka_unit_test(test_request_refuses_what_is_malformed),
	        cmocka_unit_test(test_request_status_survives_a_cut_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
