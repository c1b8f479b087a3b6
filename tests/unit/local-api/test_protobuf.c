/* SPDX-License-Identifier: Apache-2.0 */
#include "local/api/core/protobuf.h"
#include "tests/unit/local-registry/unit.h"

#include <string.h>

#define HEAD(kind_field) "k8s\0\x0a" kind_field
#define TYPE_SECRET "\x0c\x0a\x02v1\x12\x06Secret"
#define BODY(text) text, sizeof(text) - 1

static json_t *parsed(const void *body, size_t bytes)
{
	struct err err = {0};
	json_t *object = NULL;

	if (protobuf_parse(body, bytes, &object, &err) < 0)
		fail_msg("%s", err.text);
	return object;
}

static enum err_code refused(const void *body, size_t bytes)
{
	struct err err = {0};
	json_t *object = NULL;

	assert_true(protobuf_parse(body, bytes, &object, &err) < 0);
	assert_null(object);
	return err.code;
}

static void test_protobuf_reads_a_secret_and_leaves_out_what_is_empty(void **state)
{
	/* metadata {name "s", generateName "", creationTimestamp {}, labels {a: b}},
	 * data {k: 2 bytes}, type "Opaque", immutable */
	/* clang-format off */
	static const char body[] = HEAD(TYPE_SECRET) "\x12\x24"
		"\x0a\x0f\x0a\x01s\x12\x00\x42\x00\x5a\x06\x0a\x01" "a\x12\x01" "b"
		"\x12\x07\x0a\x01k\x12\x02\xff\x01"
		"\x1a\x06Opaque\x28\x01"
		"\x1a\x00\x22\x00"; /* the envelope's contentEncoding and contentType */
	/* clang-format on */
	json_t *got = parsed(BODY(body));
	json_t *want = json_q("{'apiVersion':'v1','kind':'Secret','metadata':{'name':'s','labels':"
	                      "{'a':'b'}},'data':{'k':'/wE='},'type':'Opaque','immutable':true}");

	assert_true(json_equal(got, want));
	json_decref(got);
	json_decref(want);
}

static void test_protobuf_reads_times(void **state)
{
	/* clang-format off */
	static const char body[] = HEAD("\x0f\x0a\x02v1\x12\x09Namespace")
		"\x12\x0a\x0a\x08\x42\x06\x08\x80\xf5\x8f\xa7\x06";
	/* clang-format on */
	json_t *got = parsed(BODY(body));

	assert_string_equal(json_string_value(json_object_get(json_object_get(got, "metadata"),
	                                                      "creationTimestamp")),
	                    "2023-08-22T00:00:00Z");
	json_decref(got);
}

static void test_protobuf_refuses_kinds_and_fields_that_it_would_lose(void **state)
{
	assert_int_equal(refused(BODY(HEAD("\x09\x0a\x02v1\x12\x03Pod") "\x12\x00")), ERR_INVALID);
	assert_int_equal(refused(BODY("k8s\0")), ERR_INVALID);
	assert_int_equal(refused(BODY(HEAD(TYPE_SECRET) "\x12\x02\x78\x01")), ERR_INVALID);
}

static void test_protobuf_refuses_broken_bodies(void **state)
{
	static const char whole[] = HEAD(TYPE_SECRET) "\x12\x09\x12\x07\x0a\x01k\x12\x02\xff\x01";

	assert_int_equal(refused(BODY("{}")), ERR_PARSE);
	assert_int_equal(refused("", 0), ERR_PARSE);
	/* a string's field as a number, text that is not UTF-8, a wire type that nobody uses */
	assert_int_equal(refused(BODY(HEAD(TYPE_SECRET) "\x12\x02\x18\x01")), ERR_PARSE);
	assert_int_equal(refused(BODY(HEAD(TYPE_SECRET) "\x12\x03\x1a\x01\xff")), ERR_PARSE);
	assert_int_equal(refused(BODY(HEAD(TYPE_SECRET) "\x12\x02\x0d\x01")), ERR_PARSE);
	/* cut anywhere inside a field it is no body; between fields the rest is absent */
	for (size_t n = 5; n < sizeof whole - 1; n++) {
		json_t *object = NULL;

		if (protobuf_parse(whole, n, &object, NULL) == 0)
			assert_int_equal(n, 6 + 0x0c);
		json_decref(object);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_protobuf_reads_a_secret_and_leaves_out_what_is_empty),
	        cmocka_unit_test(test_protobuf_reads_times),
	        cmocka_unit_test(test_protobuf_refuses_kinds_and_fields_that_it_would_lose),
	        cmocka_unit_test(test_protobuf_refuses_broken_bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
