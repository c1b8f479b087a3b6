/* SPDX-License-Identifier: Apache-2.0 */
#include "local/registry/core/json_patch.h"
#include "tests/unit/local-registry/unit.h"

/* RFC 6902 appendix A, and the cases around it; want NULL: refused. */
static const struct {
	const char *document, *patch, *want;
} cases[] = {
        {"{'foo':'bar'}", "[{'op':'add','path':'/baz','value':'qux'}]",
         "{'baz':'qux','foo':'bar'}"},
        {"{'foo':['bar','baz']}", "[{'op':'add','path':'/foo/1','value':'qux'}]",
         "{'foo':['bar','qux','baz']}"},
        {"{'baz':'qux','foo':'bar'}", "[{'op':'remove','path':'/baz'}]", "{'foo':'bar'}"},
        {"{'foo':['bar','qux','baz']}", "[{'op':'remove','path':'/foo/1'}]",
         "{'foo':['bar','baz']}"},
        {"{'baz':'qux','foo':'bar'}", "[{'op':'replace','path':'/baz','value':'boo'}]",
         "{'baz':'boo','foo':'bar'}"},
        {"{'foo':{'bar':'baz','waldo':'fred'},'qux':{'corge':'grault'}}",
         "[{'op':'move','from':'/foo/waldo','path':'/qux/thud'}]",
         "{'foo':{'bar':'baz'},'qux':{'corge':'grault','thud':'fred'}}"},
        {"{'foo':['all','grass','cows','eat']}", "[{'op':'move','from':'/foo/1','path':'/foo/3'}]",
         "{'foo':['all','cows','eat','grass']}"},
        {"{'baz':'qux','foo':['a',2,'c']}",
         "[{'op':'test','path':'/baz','value':'qux'},{'op':'test','path':'/foo/1','value':2}]",
         "{'baz':'qux','foo':['a',2,'c']}"},
        {"{'baz':'qux'}", "[{'op':'test','path':'/baz','value':'bar'}]", NULL},
        {"{'foo':'bar'}", "[{'op':'add','path':'/child','value':{'grandchild':{}}}]",
         "{'foo':'bar','child':{'grandchild':{}}}"},
        {"{'foo':'bar'}", "[{'op':'add','path':'/baz/bat','value':'qux'}]", NULL},
        {"{'/':9,'~1':10}", "[{'op':'test','path':'/~01','value':10}]", "{'/':9,'~1':10}"},
        {"{'a':10}", "[{'op':'test','path':'/a','value':'10'}]", NULL},
        {"{'a':1}", "[{'op':'test','path':'/a','value':1.0}]", "{'a':1}"},
        {"{'foo':['bar']}", "[{'op':'add','path':'/foo/-','value':['abc']}]",
         "{'foo':['bar',['abc']]}"},
        {"{'foo':1}", "[{'op':'add','path':'','value':{'x':2}}]", "{'x':2}"},
        {"{'foo':[1,2]}", "[{'op':'add','path':'/foo/3','value':3}]", NULL},
        {"{'foo':[1,2]}", "[{'op':'remove','path':'/foo/01'}]", NULL},
        {"{'foo':[]}", "[{'op':'remove','path':'/foo/0'}]", NULL},
        {"{'foo':1}", "[{'op':'replace','path':'/bar','value':2}]", NULL},
        {"{'a':{'b':1}}",
         "[{'op':'copy','from':'/a','path':'/c'},"
         "{'op':'replace','path':'/c/b','value':2}]",
         "{'a':{'b':1},'c':{'b':2}}"},
        {"{'a':{'b':1}}", "[{'op':'move','from':'/a','path':'/a/b'}]", NULL},
        {"{'a':1}", "[{'op':'remove','path':'/a'},{'op':'test','path':'/a','value':1}]", NULL},
        {"{'a':1}", "[{'op':'frob','path':'/a','value':1}]", NULL},
        {"{'a':1}", "[{'op':'add','path':'a','value':1}]", NULL},
        {"{'a':1}", "[{'op':'add','path':'/~2','value':1}]", NULL},
        {"{'a':1}", "{}", NULL},
};

static void test_json_patch_obeys_rfc_6902(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *document = json_q(cases[i].document), *patch = json_q(cases[i].patch);
		json_t *got = NULL;
		struct err err = {0};
		int result = json_patch_apply(document, patch, &got, &err);

		if (cases[i].want == NULL) {
			assert_int_equal(result, -1);
			assert_true(err.text[0]);
		} else {
			assert_string_equal(err.text, "");
			assert_json(got, cases[i].want);
		}
		assert_json(document, cases[i].document);
		json_decref(got);
		json_decref(document);
		json_decref(patch);
	}
}

static const struct {
	const char *document, *patch, *want;
} strategic[] = {
        {"{'a':{'b':1,'c':2}}", "{'a':{'b':null,'d':3}}", "{'a':{'c':2,'d':3}}"},
        {"{'containers':[{'name':'a','image':'x'},{'name':'b'}]}",
         "{'containers':[{'name':'a','image':'y'},{'name':'c'}]}",
         "{'containers':[{'name':'a','image':'y'},{'name':'b'},{'name':'c'}]}"},
        {"{'containers':[{'name':'a'},{'name':'b'}]}",
         "{'containers':[{'name':'a','$patch':'delete'}],"
         "'$setElementOrder/containers':[{'name':'b'}]}",
         "{'containers':[{'name':'b'}]}"},
        {"{'ports':[{'port':80,'name':'a'}]}", "{'ports':[{'port':80,'name':'b'}]}",
         "{'ports':[{'port':80,'name':'b'}]}"},
        {"{'args':['a','b']}", "{'args':['c']}", "{'args':['c']}"},
        {"{'finalizers':['a']}", "{'finalizers':['a','b']}", "{'finalizers':['a','b']}"},
        {"{'finalizers':['a','b']}", "{'$deleteFromPrimitiveList/finalizers':['a']}",
         "{'finalizers':['b']}"},
        {"{'s':{'a':1,'b':2}}", "{'s':{'$retainKeys':['b'],'b':3}}", "{'s':{'b':3}}"},
        {"{'s':{'a':1}}", "{'s':{'$patch':'replace','b':3}}", "{'s':{'b':3}}"},
};

static void test_strategic_merge_merges_lists_by_their_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(strategic); i++) {
		json_t *document = json_q(strategic[i].document);
		json_t *patch = json_q(strategic[i].patch);
		json_t *got = strategic_merge_apply(document, patch);

		assert_json(got, strategic[i].want);
		assert_json(document, strategic[i].document);
		json_decref(got);
		json_decref(document);
		json_decref(patch);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_json_patch_obeys_rfc_6902),
	        cmocka_unit_test(test_strategic_merge_merges_lists_by_their_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
