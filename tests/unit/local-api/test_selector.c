/* SPDX-License-Identifier: Apache-2.0 */
#include "local/api/core/selector.h"
#include "tests/unit/local-registry/unit.h"

/* Against {a: b, tier: web}; 2: not a selector. */
static const struct {
	const char *text;
	int want;
} labels[] = {
        {"", 1},
        {"a=b", 1},
        {"a==b", 1},
        {"a = b , tier = web", 1},
        {"a=c", 0},
        {"a!=c", 1},
        {"x!=c", 1},
        {"a!=b", 0},
        {"a", 1},
        {"x", 0},
        {"!x", 1},
        {"! a", 0},
        {"a in (b,c),tier", 1},
        {"a in (c)", 0},
        {"a notin (c),x notin (b)", 1},
        {"a notin (b)", 0},
        {"x=", 0},
        {"a in b", 2},
        {"a in (b", 2},
        {"=b", 2},
        {"a=b;c", 2},
        {"a=b c", 2},
};

static void test_selector_of_labels(void **state)
{
	json_t *object = json_q("{'metadata':{'labels':{'a':'b','tier':'web'}}}");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
		json_t *selector = NULL;
		struct err err = {0};
		int result = selector_parse_labels(labels[i].text, &selector, &err);

		if (labels[i].want == 2)
			assert_int_equal(result, -1);
		else
			assert_int_equal(selector_matches_labels(selector, object), labels[i].want);
		json_decref(selector);
	}
	json_decref(object);
}

static const struct {
	const char *text;
	int want;
} fields[] = {
        {"metadata.name=x", 1},
        {"metadata.name!=x", 0},
        {"metadata.name=x,status.phase!=Failed", 1},
        {"involvedObject.kind==Pod,involvedObject.name=p,type=Normal", 1},
        {"spec.nodeName=", 1},
        {"spec.nodeName=a", 0},
        {"spec.image=a", 2},
        {"metadata.name", 2},
};

static void test_selector_of_fields(void **state)
{
	json_t *object = json_q("{'metadata':{'name':'x'},'status':{'phase':'Running'},"
	                        "'involvedObject':{'kind':'Pod','name':'p'},'type':'Normal'}");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		json_t *selector = NULL;
		struct err err = {0};
		int result = selector_parse_fields(fields[i].text, &selector, &err);

		if (fields[i].want == 2)
			assert_int_equal(result, -1);
		else
			assert_int_equal(selector_matches_fields(selector, object), fields[i].want);
		json_decref(selector);
	}
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_selector_of_labels),
	        cmocka_unit_test(test_selector_of_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
