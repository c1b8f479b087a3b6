/* SPDX-License-Identifier: Apache-2.0 */
#include "local/registry/core/rules.h"
#include "local/registry/core/status.h"
#include "tests/unit/local-registry/unit.h"

static const char crd_text[] =
        "{'spec':{'group':'g.io','scope':'Namespaced','names':{'plural':'things','kind':'Thing',"
        "'singular':'thing','shortNames':['th']},'versions':[{'name':'v1','storage':true,"
        "'subresources':{'status':{}},'schema':{'openAPIV3Schema':{'type':'object','properties':{"
        "'spec':{'type':'object','properties':{'size':{'type':'integer','default':1}}},"
        "'status':{'type':'object','properties':{'phase':{'type':'string'}}}}}}}]}}";

struct fixture {
	struct api_types types;
	const struct api_type *type;
	json_t *old;
	json_t *object;
	json_t *status;
	json_t *warnings;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	json_t *crd = json_q(crd_text);

	assert_int_equal(api_types_init(&f->types, NULL), 0);
	assert_int_equal(api_types_add_crd(&f->types, crd, NULL), 0);
	json_decref(crd);
	f->type = api_types_find(&f->types, "g.io", "v1", "things");
	f->warnings = json_array();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	json_decref(f->old);
	json_decref(f->object);
	json_decref(f->status);
	json_decref(f->warnings);
	api_types_done(&f->types);
	free(f);
	return 0;
}

static const struct rules_create_opts how = {"ns", "the-uid", "abcde", 1000};

static const char *message(const json_t *status)
{
	return json_string_value(json_object_get(status, "message"));
}

static void test_rules_create_writes_metadata_and_drops_status(void **state)
{
	struct fixture *f = *state;

	f->object = json_q("{'metadata':{'generateName':'a-','uid':'x','generation':9},"
	                   "'status':{'phase':'P'}}");
	f->status = rules_create(f->type, &how, f->object);
	assert_null(f->status);
	assert_json(f->object,
	            "{'apiVersion':'g.io/v1','kind':'Thing','metadata':{'generateName':'a-',"
	            "'name':'a-abcde','namespace':'ns','uid':'the-uid','generation':1,"
	            "'creationTimestamp':'1970-01-01T00:00:01Z'}}");
}

static void test_rules_refuse_a_bad_name(void **state)
{
	struct fixture *f = *state;

	f->object = json_q("{'metadata':{'name':'Bad_'}}");
	f->status = rules_create(f->type, &how, f->object);
	assert_int_equal(status_http_code(f->status), 422);
	assert_non_null(strstr(message(f->status),
	                       "Thing.g.io \"Bad_\" is invalid: metadata.name: Invalid value: "
	                       "\"Bad_\": a lowercase RFC 1123 subdomain"));
}

static void test_rules_refuse_another_namespace(void **state)
{
	struct fixture *f = *state;

	f->object = json_q("{'metadata':{'name':'a','namespace':'other'}}");
	f->status = rules_create(f->type, &how, f->object);
	assert_int_equal(status_http_code(f->status), 400);
}

static const char stored[] = "{'apiVersion':'g.io/v1','kind':'Thing','metadata':{'name':'a',"
                             "'namespace':'ns','uid':'u','generation':1,'resourceVersion':'5'},"
                             "'spec':{'size':1},'status':{'phase':'P'}}";

static void test_rules_update_keeps_status_and_server_fields(void **state)
{
	struct fixture *f = *state;

	f->old = json_q(stored);
	f->object = json_q("{'metadata':{'name':'a','generation':7,'resourceVersion':'5'},"
	                   "'spec':{'size':2},'status':{'phase':'Q'}}");
	f->status = rules_update(f->type, NULL, f->old, f->object);
	assert_null(f->status);
	rules_count_generation(f->type, f->old, f->object);
	assert_json(f->object, "{'apiVersion':'g.io/v1','kind':'Thing','metadata':{'name':'a',"
	                       "'namespace':'ns','uid':'u','generation':2,'resourceVersion':'5'},"
	                       "'spec':{'size':2},'status':{'phase':'P'}}");
}

static void test_rules_status_update_changes_status_alone(void **state)
{
	struct fixture *f = *state;

	f->old = json_q(stored);
	f->object = json_q("{'metadata':{'name':'a','labels':{'x':'y'}},'spec':{'size':9},"
	                   "'status':{'phase':'Q'}}");
	f->status = rules_update(f->type, "status", f->old, f->object);
	assert_null(f->status);
	rules_count_generation(f->type, f->old, f->object);
	assert_json(f->object, "{'apiVersion':'g.io/v1','kind':'Thing','metadata':{'name':'a',"
	                       "'namespace':'ns','uid':'u','generation':1,'resourceVersion':'5'},"
	                       "'spec':{'size':1},'status':{'phase':'Q'}}");
}

static void test_rules_conflict_on_an_old_resource_version(void **state)
{
	struct fixture *f = *state;

	f->old = json_q(stored);
	f->object = json_q("{'metadata':{'name':'a','resourceVersion':'4'}}");
	f->status = rules_update(f->type, NULL, f->old, f->object);
	assert_int_equal(status_http_code(f->status), 409);
	assert_string_equal(message(f->status),
	                    "Operation cannot be fulfilled on things.g.io \"a\": the object has "
	                    "been modified; please apply your changes to the latest version and "
	                    "try again");
}

static void test_rules_strict_refuses_and_warn_prunes(void **state)
{
	struct fixture *f = *state;

	f->object = json_q("{'metadata':{'name':'a'},'spec':{'siz':2}}");
	f->status = rules_admit(f->type, RULES_UNKNOWN_STRICT, f->object, f->warnings);
	assert_int_equal(status_http_code(f->status), 400);
	assert_string_equal(message(f->status),
	                    "strict decoding error: unknown field \"spec.siz\"");
	json_decref(f->status);
	json_decref(f->object);

	f->object = json_q("{'metadata':{'name':'a'},'spec':{'siz':2}}");
	f->status = rules_admit(f->type, RULES_UNKNOWN_WARN, f->object, f->warnings);
	assert_null(f->status);
	assert_json(f->object, "{'metadata':{'name':'a'},'spec':{'size':1}}");
	assert_string_equal(json_string_value(json_array_get(f->warnings, 0)),
	                    "unknown field \"spec.siz\"");
}

static void test_rules_no_new_finalizer_while_deleting(void **state)
{
	struct fixture *f = *state;

	f->old = json_q("{'metadata':{'name':'a','namespace':'ns','finalizers':['x'],"
	                "'deletionTimestamp':'1970-01-01T00:00:01Z'}}");
	f->object = json_q("{'metadata':{'name':'a','finalizers':['x','y']}}");
	f->status = rules_update(f->type, NULL, f->old, f->object);
	assert_int_equal(status_http_code(f->status), 422);
}

static void test_rules_removable_without_finalizers_and_grace(void **state)
{
	struct fixture *f = *state;
	const struct api_type *pods = api_types_find(&f->types, "", "v1", "pods");

	f->object = json_q("{'metadata':{}}");
	assert_false(rules_is_removable(pods, f->object));
	assert_true(rules_mark_deleted(f->object, 30, 1000));
	assert_false(rules_is_removable(pods, f->object));
	assert_true(rules_is_removable(f->type, f->object));
	assert_false(rules_mark_deleted(f->object, 40, 2000)); /* never later than before */
	assert_true(rules_mark_deleted(f->object, 0, 2000));
	assert_true(rules_is_removable(pods, f->object));
}

static void test_rules_durable_is_what_people_write(void **state)
{
	static const struct {
		const char *plural, *old, *object;
		bool want;
	} changes[] = {
	        {"things", NULL, "{'spec':{}}", true},
	        {"things", "{'spec':{}}", NULL, true},
	        {"things", "{'spec':{'size':1}}", "{'spec':{'size':2}}", true},
	        {"things", "{'data':{'a':'1'}}", "{'data':{'a':'2'}}", true},
	        {"things", "{'data':{'a':'1'}}", "{'binaryData':{'a':'2'}}", true},
	        {"things", "{'spec':{},'data':{}}", "{'spec':{}}", true},
	        {"things", "{'metadata':{'labels':{'a':'1'}}}", "{'metadata':{}}", true},
	        {"things", "{'metadata':{}}", "{'metadata':{'deletionTimestamp':'t'}}", true},
	        {"things", "{'metadata':{'annotations':{'a':'1'}}}", "{'metadata':{}}", false},
	        {"things", "{'spec':{}}", "{'spec':{},'status':{'phase':'a'}}", false},
	        {"things", "{'spec':{'running':false}}", "{'spec':{'running':true}}", false},
	        {"things", "{'spec':{'running':true}}", "{'spec':{'running':false}}", true},
	        {"things", "{'spec':{'size':1}}", "{'spec':{'size':2,'running':true}}", true},
	        {"pods", NULL, "{'spec':{}}", false},
	        {"pods", "{'spec':{'size':1}}", "{'spec':{'size':2}}", false},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		bool pods = strcmp(changes[i].plural, "pods") == 0;
		json_t *old = changes[i].old ? json_q(changes[i].old) : NULL;
		json_t *object = changes[i].object ? json_q(changes[i].object) : NULL;

		if (rules_is_durable(pods ? api_types_find(&f->types, "", "v1", "pods") : f->type,
		                     old, object) != changes[i].want)
			fail_msg("change %zu", i);
		json_decref(old);
		json_decref(object);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        T(test_rules_create_writes_metadata_and_drops_status),
	        T(test_rules_refuse_a_bad_name),
	        T(test_rules_refuse_another_namespace),
	        T(test_rules_update_keeps_status_and_server_fields),
	        T(test_rules_status_update_changes_status_alone),
	        T(test_rules_conflict_on_an_old_resource_version),
	        T(test_rules_strict_refuses_and_warn_prunes),
	        T(test_rules_no_new_finalizer_while_deleting),
	        T(test_rules_durable_is_what_people_write),
	        T(test_rules_removable_without_finalizers_and_grace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
