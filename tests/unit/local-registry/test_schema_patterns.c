/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_schema_patterns - what a pattern of a schema matches, and which are refused, as in
 * Kubernetes
 */
#include "local/registry/core/schema_patterns.h"
#include "tests/unit/local-registry/unit.h"

struct fixture {
	struct schema_patterns patterns;
	struct err err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_int_equal(schema_patterns_init(&f->patterns, &f->err), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	schema_patterns_done(&f->patterns);
	free(f);
	return 0;
}

static int add(struct fixture *f, const char *pattern)
{
	json_t *schema = json_pack("{s:{s:{s:s, s:s}}}", "properties", "pattern", "type", "string",
	                           "pattern", pattern);
	int r = schema_patterns_add(&f->patterns, schema, &f->err);

	json_decref(schema);
	return r;
}

static enum schema_match match(struct fixture *f, const char *pattern, const char *text,
                               size_t bytes)
{
	json_t *value = json_stringn(text, bytes);
	enum schema_match m;

	if (add(f, pattern) < 0)
		fail_msg("%s: %s", pattern, f->err.text);
	m = schema_patterns_match(&f->patterns, pattern, value);
	json_decref(value);
	return m;
}

static void test_schema_patterns_match_as_go_does(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool want;
	} cases[] = {
	        {"b+", "abbc", true}, /* anywhere in the text */
	        {"^b+$", "abb", false},
	        {"^a$", "a\n", false}, /* $ is the end, not before a line feed */
	        {"(?m)^a$", "b\na\nb", true},
	        {"^a.c$", "a\nc", false},
	        {"(?s)^a.c$", "a\nc", true},
	        {"^.$", "\xc3\xa4", true},    /* a character, not a byte */
	        {"^\\d$", "\xd9\xa3", false}, /* an Arabic three: digits are of ASCII */
	        {"^\\p{Nd}$", "\xd9\xa3", true},
	        {"^\\pL+$", "\xc3\xa4z", true},
	        {"^\\w+$", "a_9", true},
	        {"^\\w$", "\xc3\xa4", false},
	        {"^\\s$", "\x0b", false}, /* no vertical tab */
	        {"^\\s$", "\f", true},
	        {"^[\\s]$", "\x0b", false},
	        {"^[\\s-]+$", " -\t", true},
	        {"^\\S$", "\x0b", true},
	        {"^\\v$", "\x0b", true},
	        {"^\\v$", "\n", false},
	        {"^[[:space:]]$", "\x0b", true},
	        {"^[]a]+$", "]a", true},
	        {"^[^]a]+$", "b", true},
	        {"^[a[.]+$", "a[.", true},
	        {"^\\Qa.b*\\E+$", "a.b**", true},
	        {"^\\Qa.b*", "a.b*c", true},
	        {"(?i)^ab$", "AB", true},
	        {"^(?i:a)b$", "AB", false},
	        {"^(?P<name>a)(?<other>b)$", "ab", true},
	        {"^a{2,3}$", "aaa", true},
	        {"^a{2,3}?$", "aaa", true},
	        {"^a{,2}$", "a{,2}", true}, /* no repetition: itself */
	        {"^x{a}$", "x{a}", true},
	        {"^\\x41\\x{e4}\\101$",
	         "A\xc3\xa4"
	         "A",
	         true},
	        {"^a\\z", "a", true},
	        {"\\bfoo\\b", "a foo b", true},
	        {"", "anything", true},
	        {"^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?"
	         "(("
	         "[0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$",
	         "1.5Gi", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum schema_match m =
		        match(*state, cases[i].pattern, cases[i].text, strlen(cases[i].text));

		if (m != (cases[i].want ? SCHEMA_MATCH_YES : SCHEMA_MATCH_NO))
			fail_msg("%s on \"%s\": %d", cases[i].pattern, cases[i].text, (int)m);
	}
}

static void test_schema_patterns_see_what_is_behind_a_zero(void **state)
{
	assert_int_equal(match(*state, "b", "a\0b", 3), SCHEMA_MATCH_YES);
	assert_int_equal(match(*state, "^a$", "a\0b", 3), SCHEMA_MATCH_NO);
}

static void test_schema_patterns_refuse_what_kubernetes_refuses(void **state)
{
	static const struct {
		const char *pattern, *why;
	} cases[] = {
	        {"(a)\\1", "invalid escape sequence: `\\1`"},
	        {"(?P=n)", "invalid or unsupported Perl syntax: `(?P`"},
	        {"a(?=b)", "invalid or unsupported Perl syntax: `(?=`"},
	        {"a(?!b)", "invalid or unsupported Perl syntax: `(?!`"},
	        {"(?<=a)b", "invalid or unsupported Perl syntax: `(?<`"},
	        {"(?P<=a)b", "invalid or unsupported Perl syntax: `(?P`"},
	        {"(?>a)", "invalid or unsupported Perl syntax: `(?>`"},
	        {"(?R)", "invalid or unsupported Perl syntax: `(?R`"},
	        {"(?#c)", "invalid or unsupported Perl syntax: `(?#`"},
	        {"(?x)a", "invalid or unsupported Perl syntax: `(?x`"},
	        {"(*UCP)a", "missing argument to repetition operator: `(*`"},
	        {"a++", "invalid nested repetition operator: `+`"},
	        {"a**", "invalid nested repetition operator: `*`"},
	        {"a*?+", "invalid nested repetition operator: `+`"},
	        {"a{2}{3}", "invalid nested repetition operator: `{3}`"},
	        {"a{1001}", "invalid repeat count: `{1001}`"},
	        {"a\\", "trailing backslash at end of expression: `\\`"},
	        {"\\h", "invalid escape sequence: `\\h`"},
	        {"\\Ka", "invalid escape sequence: `\\K`"},
	        {"\\Z", "invalid escape sequence: `\\Z`"},
	        {"[\\b]", "invalid escape sequence: `\\b`"},
	        {"\\8", "invalid escape sequence: `\\8`"},
	        {"(a", "error parsing regexp: missing closing parenthesis"},
	        {"[a", "error parsing regexp: missing terminating ] for character class"},
	        {"*a", "error parsing regexp: quantifier does not follow a repeatable item"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (add(f, cases[i].pattern) == 0)
			fail_msg("%s is taken", cases[i].pattern);
		if (strstr(f->err.text, cases[i].why) == NULL ||
		    strstr(f->err.text, "pattern \"") == NULL)
			fail_msg("%s: %s", cases[i].pattern, f->err.text);
		assert_int_equal(f->err.code, ERR_INVALID);
	}
}

static void test_schema_patterns_have_limits(void **state)
{
	char text[5000];

	memset(text, 'a', sizeof text);
	text[40] = 'b';
	assert_int_equal(match(*state, "^(a|aa|a+)+$", text, 41), SCHEMA_MATCH_TOO_LONG);
	text[40] = 'a';
	text[sizeof text - 1] = '\0';
	assert_true(add(*state, text) < 0);
	assert_non_null(strstr(((struct fixture *)*state)->err.text, "more than 4095 bytes"));
}

/* What is data, and what is called so, is no pattern. */
static void test_schema_patterns_are_those_of_schemas(void **state)
{
	struct fixture *f = *state;
	json_t *schema = json_q("{'default':{'pattern':'('},'enum':[{'pattern':'('}],"
	                        "'properties':{'default':{'pattern':'^a'},'pattern':{'items':"
	                        "{'pattern':'^b'}}},'anyOf':[{'pattern':'^c'}]}");

	assert_int_equal(schema_patterns_add(&f->patterns, schema, &f->err), 0);
	assert_int_equal(f->patterns.count, 3);
	assert_int_equal(schema_patterns_add(&f->patterns, schema, &f->err), 0);
	assert_int_equal(f->patterns.count, 3); /* each once */
	json_decref(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_schema_patterns_match_as_go_does, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(test_schema_patterns_see_what_is_behind_a_zero,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(test_schema_patterns_refuse_what_kubernetes_refuses,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(test_schema_patterns_have_limits, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_schema_patterns_are_those_of_schemas, setup,
	                                        teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
