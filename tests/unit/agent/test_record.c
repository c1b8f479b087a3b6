/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>

#include "agent/core/record.h"

static void test_record_reads_as_it_was_written(void **state)
{
	static const char *const layers[] = {"/a", "/b c", NULL};
	static const char *const fewer[] = {"/a", NULL};
	const struct record_parts parts = {"uid-1", "sha256:1", layers, {7, 0x1f}, false};
	struct record_parts other = parts;
	char *text = record_format(&parts);
	struct record r;
	struct err err;

	(void)state;
	assert_non_null(text);
	assert_int_equal(record_parse(text, &r, &err), 0);
	assert_string_equal(r.instance_uid, "uid-1");
	assert_string_equal(r.image_digest, "sha256:1");
	assert_true(files_id_is(r.files, parts.files));
	assert_true(record_is(&r, &parts));
	other.layers = fewer;
	assert_false(record_is(&r, &other));
	other = parts;
	other.image_digest = "sha256:2";
	assert_false(record_is(&r, &other));
	other = parts;
	other.files.number = 8;
	assert_false(record_is(&r, &other));
	other = parts;
	other.is_dropping = true;
	assert_false(record_is(&r, &other));
	record_done(&r);
	free(text);
}

static void test_record_of_an_earlier_version_has_no_generation(void **state)
{
	struct record r;

	(void)state;
	assert_int_equal(record_parse("{\"version\":1,\"instanceUID\":\"u\",\"imageDigest\":"
	                              "\"d\",\"layers\":[\"/a\"]}",
	                              &r, NULL),
	                 0);
	assert_int_equal(r.files.number, 0);
	assert_false(r.is_dropping);
	record_done(&r);
}

static void test_record_anything_else_is_refused(void **state)
{
	static const char *const texts[] = {
	        "",
	        "{",
	        "[]",
	        "{}",
	        "{\"version\":2,\"instanceUID\":\"u\",\"imageDigest\":\"d\",\"layers\":[\"/a\"]}",
	        "{\"version\":1,\"instanceUID\":\"u\",\"imageDigest\":\"d\",\"layers\":[]}",
	        "{\"version\":1,\"instanceUID\":\"u\",\"imageDigest\":\"d\",\"layers\":[\"a\"]}",
	        "{\"version\":1,\"instanceUID\":\"u\",\"imageDigest\":\"d\",\"layers\":[1]}",
	        "{\"version\":1,\"instanceUID\":\"u\",\"imageDigest\":3,\"layers\":[\"/a\"]}",
	        "{\"version\":1,\"instanceUID\":\"u\",\"imageDigest\":\"d\",\"layers\":[\"/a\"],"
	        "\"filesGeneration\":\"7\"}",
	};
	struct record r;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		assert_int_equal(record_parse(texts[i], &r, &err), -1);
		assert_int_equal(err.code, ERR_PARSE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_record_reads_as_it_was_written),
	        cmocka_unit_test(test_record_of_an_earlier_version_has_no_generation),
	        cmocka_unit_test(test_record_anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
