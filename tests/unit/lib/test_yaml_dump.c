/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/text/yaml.h"
#include "lib/text/yaml_dump.h"

/* What is printed is @yaml, and reads back as the same value. */
static void expect(const char *json, const char *yaml)
{
	struct err err = {0};
	json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
	json_t *docs = NULL;
	char *text = NULL;

	assert_non_null(value);
	assert_int_equal(yaml_dump_text(value, &text, &err), 0);
	assert_string_equal(text, yaml);
	if (yaml_load_text(text, strlen(text), "t.yaml", &docs, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(json_equal(json_array_get(docs, 0), value));
	free(text);
	json_decref(docs);
	json_decref(value);
}

static void test_yaml_dump_sorts_keys_and_does_not_indent_lists(void **state)
{
	expect("{\"spec\":{\"b\":[{\"name\":\"x\",\"c\":1},\"z\",[1,2]],\"a\":true},\"kind\":"
	       "\"K\"}",
	       "kind: K\nspec:\n  a: true\n  b:\n  - c: 1\n    name: x\n  - z\n  - - 1\n    - 2\n");
	expect("{\"none\":null,\"list\":[],\"map\":{},\"real\":1.5}",
	       "list: []\nmap: {}\nnone: null\nreal: 1.5\n");
}

static void test_yaml_dump_quotes_what_would_read_as_something_else(void **state)
{
	expect("[\"true\",\"no\",\"12\",\"1.5\",\"0x1f\",\"~\",\"null\",\"\",\"1:20\"]",
	       "- \"true\"\n- \"no\"\n- \"12\"\n- \"1.5\"\n- \"0x1f\"\n- \"~\"\n- \"null\"\n- "
	       "\"\"\n"
	       "- \"1:20\"\n");
	expect("[\"2026-01-02T03:04:05Z\",\"a: b\",\"- x\",\"#c\",\"*a\",\" lead\",\".inf\"]",
	       "- \"2026-01-02T03:04:05Z\"\n- \"a: b\"\n- \"- x\"\n- \"#c\"\n- \"*a\"\n"
	       "- \" lead\"\n- \".inf\"\n");
	expect("[\"plain text\",\"127.0.0.1\",\"/bin/sh\",\"a#b\",\"\\u00e9\"]",
	       "- plain text\n- 127.0.0.1\n- /bin/sh\n- a#b\n- \xc3\xa9\n");
	expect("{\"yes\":\"1\"}", "\"yes\": \"1\"\n");
	expect("[\"\\u001b[31m\"]", "- \"\\e[31m\"\n");
}

static void test_yaml_dump_writes_lines_as_a_block(void **state)
{
	expect("{\"a\":\"one\\ntwo\\n\",\"b\":\"one\\ntwo\"}",
	       "a: |\n  one\n  two\nb: |-\n  one\n  two\n");
}

static void test_yaml_dump_refuses_what_is_too_deep(void **state)
{
	json_t *value = json_array();
	struct err err = {0};
	char *text = NULL;

	for (int i = 0; i < YAML_DEPTH_MAX + 2; i++)
		value = json_pack("[o]", value);
	assert_int_equal(yaml_dump_text(value, &text, &err), -1);
	assert_null(text);
	assert_int_equal(err.code, ERR_INVALID);
	json_decref(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_yaml_dump_sorts_keys_and_does_not_indent_lists),
	        cmocka_unit_test(test_yaml_dump_quotes_what_would_read_as_something_else),
	        cmocka_unit_test(test_yaml_dump_writes_lines_as_a_block),
	        cmocka_unit_test(test_yaml_dump_refuses_what_is_too_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
