/* SPDX-License-Identifier: Apache-2.0 */
#include "local/api/core/jsonpath.h"
#include "local/api/core/table.h"
#include "tests/unit/local-registry/unit.h"

static void test_jsonpath_of_printer_columns(void **state)
{
	static const struct {
		const char *path, *want;
	} paths[] = {
	        {".a.b", "1"},
	        {".l[1].x", "2"},
	        {".a['d.e/f']", "3"},
	        {".a.d\\.e/f", "3"},
	        {".c[?(@.type==\"Ready\")].status", "'True'"},
	        {".c[?(@.type==\"Other\")].status", "null"},
	        {".none.at.all", "null"},
	        {".l[9]", "null"},
	        {".l[", "null"},
	};
	json_t *object = json_q("{'a':{'b':1,'d.e/f':3},'l':[{},{'x':2}],"
	                        "'c':[{'type':'A'},{'type':'Ready','status':'True'}]}");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const json_t *got = jsonpath_get(object, paths[i].path);

		assert_json(got ? got : json_null(), paths[i].want);
	}
	json_decref(object);
}

static void test_table_of_a_pod(void **state)
{
	struct api_types types;
	struct table_opts opts = {0};
	json_t *pod = json_q("{'metadata':{'name':'p','resourceVersion':'7',"
	                     "'creationTimestamp':'1970-01-01T00:00:10Z'},"
	                     "'spec':{'containers':[{},{}],'nodeName':'local'},"
	                     "'status':{'phase':'Running','containerStatuses':["
	                     "{'ready':true,'restartCount':2},"
	                     "{'state':{'waiting':{'reason':'CrashLoopBackOff'}}}]}}");
	json_t *table;

	(void)state;
	assert_int_equal(api_types_init(&types, NULL), 0);
	table_opts_parse(&opts, api_types_find(&types, "", "v1", "pods"),
	                 "application/json;as=Table;v=v1;g=meta.k8s.io,application/json", NULL);
	assert_true(opts.wanted);
	opts.now_wall_ms = 15000;
	table = table_of_object(&opts, pod);
	assert_json(json_object_get(json_array_get(json_object_get(table, "rows"), 0), "cells"),
	            "['p','1/2','CrashLoopBackOff',2,'5s','<none>','local']");
	json_decref(table);
	json_decref(pod);
	api_types_done(&types);
}

static void test_table_only_when_it_is_asked_for_first(void **state)
{
	struct table_opts opts = {0};

	(void)state;
	table_opts_parse(&opts, NULL, "application/json", NULL);
	assert_false(opts.wanted);
	table_opts_parse(&opts, NULL,
	                 "application/json, application/json;as=Table;v=v1;g=meta.k8s.io", NULL);
	assert_false(opts.wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_jsonpath_of_printer_columns),
	        cmocka_unit_test(test_table_of_a_pod),
	        cmocka_unit_test(test_table_only_when_it_is_asked_for_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
