/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/text/yaml.h"

static json_t *load(const char *text)
{
	struct err err = {0};
	json_t *docs = NULL;

	if (yaml_load_text(text, strlen(text), "t.yaml", &docs, &err) < 0)
		fail_msg("%s", err.text);
	return docs;
}

static void expect(const char *yaml, const char *json)
{
	json_t *docs = load(yaml);
	char *text = json_dumps(docs, JSON_COMPACT | JSON_ENCODE_ANY);

	assert_string_equal(text, json);
	free(text);
	json_decref(docs);
}

static void expect_error(const char *yaml, const char *text)
{
	struct err err = {0};
	json_t *docs = NULL;

	assert_int_equal(yaml_load_text(yaml, strlen(yaml), "t.yaml", &docs, &err), -1);
	assert_int_equal(err.code, ERR_PARSE);
	assert_string_equal(err.text, text);
	assert_null(docs);
}

static void test_yaml_plain_scalars_have_yaml_11_types(void **state)
{
	expect("[~, null, yes, Off, true, y]", "[[null,null,true,false,true,true]]");
	expect("[0, -7, +3, 0x1f, 0644, 0o17, 0b101, 1_000]", "[[0,-7,3,31,420,15,5,1000]]");
	expect("[1.5, -2., .5, 1e3, 089]", "[[1.5,-2.0,0.5,1000.0,89.0]]");
	expect("[1.2.3, 10Mi, 0x, -, 127.0.0.1, 9223372036854775808x]",
	       "[[\"1.2.3\",\"10Mi\",\"0x\",\"-\",\"127.0.0.1\","
	       "\"9223372036854775808x\"]]");
}

static void test_yaml_quoted_scalars_stay_strings(void **state)
{
	expect("{a: \"1\", b: 'yes', c: \"\", 2: x}",
	       "[{\"a\":\"1\",\"b\":\"yes\",\"c\":\"\",\"2\":\"x\"}]");
	expect("a: |\n  1\n", "[{\"a\":\"1\\n\"}]");
}

static void test_yaml_documents_and_aliases(void **state)
{
	expect("a: 1\n---\nb: &x [1]\nc: *x\n---\n", "[{\"a\":1},{\"b\":[1],\"c\":[1]},null]");
	expect("", "[]");
}

static void test_yaml_errors_name_the_line(void **state)
{
	expect_error("a: 1\nb: 2\na: 3\n", "t.yaml:3: a key for the second time");
	expect_error("a:\n  - [1\n", "t.yaml:3: did not find expected ',' or ']'");
	expect_error("x: &x {a: 1}\ny:\n  <<: *x\n", "t.yaml:3: merge keys are not supported");
	expect_error("a: .inf", "t.yaml:1: a number that JSON cannot hold");
	expect_error("? [a]\n: b\n", "t.yaml:1: a key that is not a scalar");
}

static void test_yaml_is_bounded(void **state)
{
	/* each line doubles it ten times over: 10^9 values from 400 bytes */
	const char *laughs = "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
	                     "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
	                     "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
	                     "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
	                     "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
	                     "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
	                     "g: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
	char deep[200];

	expect_error(laughs, "t.yaml:1: too many values");
	memset(deep, '[', 80);
	memset(deep + 80, ']', 80);
	deep[160] = '\0';
	expect_error(deep, "t.yaml:1: nested too deeply");
}

static void test_yaml_lines_by_pointer(void **state)
{
	const char *text = "# top\nhold:\n  timeout: 5s\nlist:\n  - a\n  - b/c~d: 1\n---\nz: 1\n";
	struct err err = {0};
	json_t *docs = NULL;
	json_t *lines = NULL;
	const struct yaml_text from = {text, strlen(text), "t"};

	assert_int_equal(yaml_load_text_lines(&from, &docs, &lines, &err), 0);
	assert_int_equal(json_integer_value(json_object_get(lines, "/0")), 2);
	assert_int_equal(json_integer_value(json_object_get(lines, "/0/hold/timeout")), 3);
	assert_int_equal(json_integer_value(json_object_get(lines, "/0/list/0")), 5);
	assert_int_equal(json_integer_value(json_object_get(lines, "/0/list/1/b~1c~0d")), 6);
	assert_int_equal(json_integer_value(json_object_get(lines, "/1/z")), 8);
	json_decref(docs);
	json_decref(lines);
}

static void test_yaml_pointer_is_escaped_and_cut(void **state)
{
	char pointer[YAML_POINTER_BYTES] = "/0";
	char key[YAML_POINTER_BYTES];

	assert_int_equal(yaml_pointer_push(pointer, "b/c~d"), 2);
	assert_string_equal(pointer, "/0/b~1c~0d");
	memset(key, 'k', sizeof key - 1);
	key[sizeof key - 1] = '\0';
	assert_int_equal(yaml_pointer_push(pointer, key), 10);
	assert_int_equal(strlen(pointer), YAML_POINTER_BYTES - 1);
}

static void test_yaml_texts_stay_as_they_were_written(void **state)
{
	char path[] = "/tmp/sc-test-yaml.XXXXXX";
	int fd = mkstemp(path);
	struct err err = {0};
	json_t *docs = NULL;
	json_t *lines = NULL;
	char *text;

	assert_true(fd >= 0);
	assert_true(dprintf(fd, "a: [yes, 007, .inf, Null, '~']\nb:\nc: ~\nd: null\n") > 0);
	assert_int_equal(yaml_load_file_texts(path, &docs, &lines, &err), 0);
	text = json_dumps(docs, JSON_COMPACT);
	assert_string_equal(text, "[{\"a\":[\"yes\",\"007\",\".inf\",\"Null\",\"~\"],"
	                          "\"b\":null,\"c\":null,\"d\":null}]");
	assert_int_equal(json_integer_value(json_object_get(lines, "/0/c")), 3);
	free(text);
	json_decref(docs);
	json_decref(lines);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(path), 0);
}

static void test_yaml_missing_file(void **state)
{
	struct err err = {0};
	json_t *docs = NULL;

	assert_int_equal(yaml_load_file("/nonexistent/x.yaml", &docs, &err), -1);
	assert_int_equal(err.code, ERR_SYS);
	assert_string_equal(err.text, "open /nonexistent/x.yaml: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_yaml_plain_scalars_have_yaml_11_types),
	        cmocka_unit_test(test_yaml_quoted_scalars_stay_strings),
	        cmocka_unit_test(test_yaml_documents_and_aliases),
	        cmocka_unit_test(test_yaml_errors_name_the_line),
	        cmocka_unit_test(test_yaml_is_bounded),
	        cmocka_unit_test(test_yaml_lines_by_pointer),
	        cmocka_unit_test(test_yaml_pointer_is_escaped_and_cut),
	        cmocka_unit_test(test_yaml_texts_stay_as_they_were_written),
	        cmocka_unit_test(test_yaml_missing_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
