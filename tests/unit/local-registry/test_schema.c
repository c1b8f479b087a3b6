/* SPDX-License-Identifier: Apache-2.0 */
#include "local/registry/core/schema.h"
#include "tests/unit/local-registry/unit.h"

/* With its patterns compiled, as the table of types does. */
static void validate(const json_t *schema, const json_t *object, json_t *causes)
{
	struct schema_patterns patterns;
	struct err err = {0};

	assert_int_equal(schema_patterns_init(&patterns, &err), 0);
	if (schema_patterns_add(&patterns, schema, &err) < 0)
		fail_msg("%s", err.text);
	schema_validate(schema, &patterns, object, causes);
	schema_patterns_done(&patterns);
}

/* One schema, one value, the message kube-apiserver gives; NULL: it is valid. */
static const struct {
	const char *schema, *value, *want;
} cases[] = {
        {"{'type':'string'}", "'x'", NULL},
        {"{'type':'integer'}", "'x'",
         "Invalid value: \"string\": spec in body must be of type integer: \"string\""},
        {"{'type':'integer'}", "1.0", NULL},
        {"{'type':'integer'}", "1.5",
         "Invalid value: \"number\": spec in body must be of type integer: \"number\""},
        {"{'type':'number'}", "1", NULL},
        {"{'type':'string'}", "null",
         "Invalid value: \"null\": spec in body must be of type string: \"null\""},
        {"{'type':'string','nullable':true}", "null", NULL},
        {"{'type':'string','enum':['a','b']}", "'c'",
         "Unsupported value: \"c\": supported values: \"a\", \"b\""},
        {"{'type':'integer','minimum':1}", "0",
         "Invalid value: 0: spec in body should be greater than or equal to 1"},
        {"{'type':'integer','maximum':9,'exclusiveMaximum':true}", "9",
         "Invalid value: 9: spec in body should be less than 9"},
        {"{'type':'integer','multipleOf':5}", "7",
         "Invalid value: 7: spec in body should be a multiple of 5"},
        {"{'type':'string','minLength':2}", "'a'",
         "Invalid value: \"a\": spec in body should be at least 2 chars long"},
        {"{'type':'string','maxLength':1}", "'ab'", "Too long: may not be more than 1 bytes"},
        {"{'type':'string','maxLength':1}", "'\xc3\xa4'", NULL},
        {"{'type':'string','pattern':'^[0-9]+(s|m)$'}", "'5x'",
         "Invalid value: \"5x\": spec in body should match '^[0-9]+(s|m)$'"},
        {"{'type':'string','pattern':'^(?:\\\\d+)\\\\.[\\\\w-]+$'}", "'12.a-b'", NULL},
        {"{'type':'string','format':'date-time'}", "'2026-01-02T03:04:05.123456Z'", NULL},
        {"{'type':'string','format':'date-time'}", "'yesterday'",
         "Invalid value: \"yesterday\": spec in body must be of type date-time: \"yesterday\""},
        {"{'type':'string','format':'ipv4'}", "'1.2.3'",
         "Invalid value: \"1.2.3\": spec in body must be of type ipv4: \"1.2.3\""},
        {"{'type':'string','format':'byte'}", "'aGk='", NULL},
        {"{'type':'string','format':'nobody-knows'}", "'x'", NULL},
        {"{'x-kubernetes-int-or-string':true}", "80", NULL},
        {"{'x-kubernetes-int-or-string':true}", "'http'", NULL},
        {"{'x-kubernetes-int-or-string':true}", "true",
         "Invalid value: \"boolean\": spec in body must be of type integer,string: \"boolean\""},
        {"{'type':'array','items':{'type':'string'},'minItems':1}", "[]",
         "Invalid value: 0: spec in body should have at least 1 items"},
        {"{'type':'array','maxItems':1}", "[1,2]", "Too many: 2: must have at most 1 items"},
        {"{'type':'object','oneOf':[{'required':['a']},{'required':['b']}]}", "{'a':1,'b':1}",
         "Invalid value: {\"a\":1,\"b\":1}: \"spec\" must validate one and only one schema "
         "(oneOf). Found several valid"},
        {"{'type':'object','not':{'required':['a']}}", "{'a':1}",
         "Invalid value: {\"a\":1}: \"spec\" must not validate the schema (not)"},
};

static void test_schema_validation_speaks_as_the_api_server(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *schema = json_pack("{s:s, s:{s:o}}", "type", "object", "properties", "spec",
		                           json_q(cases[i].schema));
		json_t *object = json_pack("{s:o}", "spec", json_q(cases[i].value));
		json_t *causes = json_array();

		validate(schema, object, causes);
		if (cases[i].want == NULL) {
			assert_json(causes, "[]");
		} else {
			json_t *cause = json_array_get(causes, 0);

			assert_non_null(cause);
			assert_string_equal(json_string_value(json_object_get(cause, "message")),
			                    cases[i].want);
			assert_string_equal(json_string_value(json_object_get(cause, "field")),
			                    "spec");
		}
		json_decref(schema);
		json_decref(object);
		json_decref(causes);
	}
}

/* Two long members are alike or not by all of their bytes, not by what fits a buffer. */
static void test_schema_tells_long_members_of_a_set_apart(void **state)
{
	enum { MEMBER_BYTES = 600 };
	json_t *schema = json_q("{'type':'object','properties':{'spec':{'type':'array',"
	                        "'x-kubernetes-list-type':'set','items':{'type':'string'}}}}");
	json_t *causes = json_array(), *list = json_array();
	json_t *object = json_pack("{s:O}", "spec", list);
	char member[MEMBER_BYTES + 1];

	(void)state;
	memset(member, 'a', MEMBER_BYTES);
	member[MEMBER_BYTES] = '\0';
	json_array_append_new(list, json_string(member));
	member[MEMBER_BYTES - 1] = 'b';
	json_array_append_new(list, json_string(member));
	validate(schema, object, causes);
	assert_json(causes, "[]");
	json_array_append_new(list, json_string(member));
	validate(schema, object, causes);
	assert_int_equal(json_array_size(causes), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(causes, 0), "field")),
	                    "spec[2]");
	json_decref(schema);
	json_decref(object);
	json_decref(list);
	json_decref(causes);
}

static const char nested[] =
        "{'type':'object','properties':{'spec':{'type':'object','required':['image'],'properties':{"
        "'image':{'type':'string'},"
        "'mode':{'type':'string','default':'A'},"
        "'idle':{'type':'object','default':{},'properties':{'http':{'type':'boolean','default':"
        "true}}},"
        "'labels':{'type':'object','additionalProperties':{'type':'string'}},"
        "'free':{'type':'object','x-kubernetes-preserve-unknown-fields':true},"
        "'ports':{'type':'array','x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':['"
        "port'],"
        "'items':{'type':'object','required':['port'],'properties':{'port':{'type':'integer'},"
        "'protocol':{'type':'string','default':'TCP'}}}}}}}}";

static void test_schema_paths_of_lists_maps_and_required_fields(void **state)
{
	json_t *schema = json_q(nested), *causes = json_array();
	json_t *object = json_q("{'spec':{'labels':{'a':1},'ports':[{'port':1},{},{'port':1}]}}");
	static const char *const fields[] = {"spec.image", "spec.labels[a]", "spec.ports[2]",
	                                     "spec.ports[1].port"};

	(void)state;
	validate(schema, object, causes);
	assert_int_equal(json_array_size(causes), ARRAY_LEN(fields));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		assert_string_equal(
		        json_string_value(json_object_get(json_array_get(causes, i), "field")),
		        fields[i]);
	json_decref(schema);
	json_decref(object);
	json_decref(causes);
}

static void test_schema_prunes_what_it_does_not_know(void **state)
{
	json_t *schema = json_q(nested), *unknown = json_array();
	json_t *object =
	        json_q("{'apiVersion':'v1','kind':'X','metadata':{'name':'n','bad':1},'top':1,"
	               "'spec':{'imagee':'x','free':{'any':1},'labels':{'k':'v'},"
	               "'ports':[{'port':1,'prt':2}]}}");

	(void)state;
	schema_prune(schema, object, unknown);
	assert_json(object, "{'apiVersion':'v1','kind':'X','metadata':{'name':'n'},"
	                    "'spec':{'free':{'any':1},'labels':{'k':'v'},'ports':[{'port':1}]}}");
	assert_json(unknown, "['metadata.bad','top','spec.imagee','spec.ports[0].prt']");
	json_decref(schema);
	json_decref(object);
	json_decref(unknown);
}

static void test_schema_defaults_go_all_the_way_down(void **state)
{
	json_t *schema = json_q(nested);
	json_t *object = json_q("{'spec':{'image':'x','mode':null,'ports':[{'port':1}]}}");

	(void)state;
	schema_default(schema, object);
	assert_json(object, "{'spec':{'image':'x','mode':'A','idle':{'http':true},"
	                    "'ports':[{'port':1,'protocol':'TCP'}]}}");
	json_decref(schema);
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_schema_validation_speaks_as_the_api_server),
	        cmocka_unit_test(test_schema_tells_long_members_of_a_set_apart),
	        cmocka_unit_test(test_schema_paths_of_lists_maps_and_required_fields),
	        cmocka_unit_test(test_schema_prunes_what_it_does_not_know),
	        cmocka_unit_test(test_schema_defaults_go_all_the_way_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
