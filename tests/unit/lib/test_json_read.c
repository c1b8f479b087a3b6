/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/text/json_read.h"

static const char *const texts[] = {
        "{}",
        " [ ] ",
        "{\"a\":1}",
        "[0,-0,-1,10,01,999999999999999999,9223372036854775807]",
        "[0,-0,-1,10,999999999999999999,9223372036854775807]",
        "[9223372036854775808]",
        "[1.5,-2e3,1E400]",
        "[1.5,-2e3]",
        "[true,false,null]",
        "[True]",
        "[-]",
        "[--1]",
        "[1 2]",
        "{\"a\":{\"b\":[{},[],\"\"]},\"\":2}",
        "{\"a\":1,\"a\":2}",
        "{\"a\\u0041\\n\":\"\\ud83d\\ude00\"}",
        "{\"a\":\"\\u0000\"}",
        "{\"\\u0000\":1}",
        "[\"\\ud800\"]",
        "[\"\xff\"]",
        "{\"\xc3\":1}",
        "[\"\xc3\xa9\"]",
        "[\"a\nb\"]",
        "[\"\\n\n\"]",
        "[\"\xc3\xa9\n\"]",
        "[\" ~\x7f\"]",
        "{\"\xc3\xa9\":\"\\\\\"}",
        "[\"\\x\"]",
        "[\"\\\"",
        "[\"a",
        "{\"a\":}",
        "{\"a\"}",
        "{a:1}",
        "[1,]",
        "{\"a\":1,}",
        "[,]",
        "[",
        "{",
        "]",
        "",
        "1",
        "\"a\"",
        "{} x",
        "[1]]",
        "[\"a\":1]",
        "{\"a\":1]",
        "[1}",
        "\xef\xbb\xbf{}",
        "[1\t,\r\n2]",
        "[\f1]",
};

static void expect_same(const char *text, size_t bytes)
{
	json_t *want = json_loadb(text, bytes, 0, NULL);
	json_t *have = json_read(text, bytes);

	assert_int_equal(have != NULL, want != NULL);
	if (want != NULL)
		assert_true(json_equal(have, want));
	json_decref(want);
	json_decref(have);
}

static void test_json_read_reads_what_jansson_reads(void **state)
{
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		expect_same(texts[i], strlen(texts[i]));
	expect_same("[1,\0 2]", 7);
}

static void test_json_read_bounds_the_depth_as_jansson_does(void **state)
{
	char text[2 * 2100];

	for (size_t depth = 2040; depth < 2060; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		expect_same(text, 2 * depth);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_json_read_reads_what_jansson_reads),
	        cmocka_unit_test(test_json_read_bounds_the_depth_as_jansson_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
