/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/kube/client/object.h"

static json_t *parse(const char *text)
{
	json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(v);
	return v;
}

/* Takes @v. */
static void expect_json(json_t *v, const char *text)
{
	json_t *want = parse(text);
	char *got = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);

	if (!json_equal(v, want))
		fail_msg("got %s, want %s", got, text);
	free(got);
	json_decref(v);
	json_decref(want);
}

static void test_object_reads_metadata(void **state)
{
	json_t *o = parse("{\"metadata\":{\"name\":\"n\",\"namespace\":\"ns\",\"uid\":\"u\","
	                  "\"resourceVersion\":\"7\",\"generation\":3,\"labels\":{\"a/b\":\"c\"},"
	                  "\"annotations\":{\"d\":\"e\"},\"deletionTimestamp\":\"x\","
	                  "\"finalizers\":[\"f\"],\"ownerReferences\":[{\"name\":\"x\"},"
	                  "{\"name\":\"y\",\"controller\":true}]}}");

	assert_string_equal(kube_name(o), "n");
	assert_string_equal(kube_namespace(o), "ns");
	assert_string_equal(kube_uid(o), "u");
	assert_string_equal(kube_resource_version(o), "7");
	assert_int_equal(kube_generation(o), 3);
	assert_string_equal(kube_label(o, "a/b"), "c");
	assert_string_equal(kube_annotation(o, "d"), "e");
	assert_true(kube_is_deleting(o));
	assert_true(kube_has_finalizer(o, "f"));
	assert_false(kube_has_finalizer(o, "g"));
	assert_string_equal(json_str_at(kube_owner_controller(o), "", "name", NULL), "y");
	json_decref(o);
}

static void test_object_absent_fields_read_as_nothing(void **state)
{
	json_t *o = parse("{\"metadata\":{\"name\":1,\"finalizers\":{},\"generation\":\"3\"}}");

	assert_string_equal(kube_name(o), "");
	assert_string_equal(kube_uid(NULL), "");
	assert_int_equal(kube_generation(o), 0);
	assert_false(kube_is_deleting(o));
	assert_false(kube_has_finalizer(o, "f"));
	assert_null(kube_owner_controller(o));
	assert_null(kube_condition(o, "Ready"));
	assert_string_equal(json_str_at(o, "z", "a", "b", NULL), "z");
	assert_int_equal(json_int_at(o, 9, "a", NULL), 9);
	assert_true(json_bool_at(o, true, "a", NULL));
	json_decref(o);
}

/* RFC 7396 appendix A, in its order */
static void test_object_merge_patch_does_the_rfc_examples(void **state)
{
	static const char *const cases[][3] = {
	        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
	        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
	        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
	        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
	        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
	        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
	        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
	         "{\"a\":{\"b\":\"d\"}}"},
	        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
	        {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
	        {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
	        {"{\"a\":\"foo\"}", "null", "null"},
	        {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
	        {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
	        {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
	        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *target = parse(cases[i][0]);
		json_t *before = json_deep_copy(target);
		json_t *patch = parse(cases[i][1]);

		expect_json(json_merge_patch(target, patch), cases[i][2]);
		assert_true(json_equal(target, before));
		json_decref(before);
		json_decref(target);
		json_decref(patch);
	}
}

static void test_object_merge_diff_names_only_what_changes(void **state)
{
	json_t *from = parse("{\"a\":1,\"b\":{\"c\":1,\"d\":2},\"e\":[1],\"g\":{\"h\":1}}");
	json_t *to = parse("{\"a\":1,\"b\":{\"c\":1,\"d\":3},\"e\":[2],\"f\":{}}");
	json_t *diff = json_merge_diff(from, to);
	json_t *merged = json_merge_patch(from, diff);

	assert_true(json_equal(merged, to));
	json_decref(merged);
	expect_json(diff, "{\"b\":{\"d\":3},\"e\":[2],\"f\":{},\"g\":null}");
	assert_null(json_merge_diff(to, to));
	json_decref(from);
	json_decref(to);
}

static void test_object_merge_diff_round_trips(void **state)
{
	static const char *const values[] = {"{}",
	                                     "{\"a\":1}",
	                                     "{\"a\":{\"b\":1}}",
	                                     "{\"a\":{}}",
	                                     "{\"a\":[{\"b\":null}]}",
	                                     "{\"a\":{\"b\":{\"c\":[]}},\"d\":\"x\"}",
	                                     "[1]",
	                                     "\"x\""};
	size_t n = sizeof values / sizeof values[0];

	for (size_t i = 0; i < n * n; i++) {
		json_t *from = parse(values[i / n]);
		json_t *to = parse(values[i % n]);
		json_t *diff = json_merge_diff(from, to);

		if (diff == NULL)
			assert_true(json_equal(from, to));
		else
			expect_json(json_merge_patch(from, diff), values[i % n]);
		json_decref(diff);
		json_decref(from);
		json_decref(to);
	}
}

static void test_object_merge_diff_holds_null_for_absent(void **state)
{
	json_t *from = parse("{\"a\":1}");
	json_t *to = parse("{\"a\":1,\"b\":null}");

	assert_null(json_merge_diff(from, to));
	json_decref(from);
	json_decref(to);
}

static void test_object_condition_keeps_its_transition_time(void **state)
{
	json_t *list = json_array();
	const json_t *c;

	assert_true(kube_condition_set(
	        list, &(struct kube_condition_words){"Ready", false, "Starting", "m"}, 1, 0));
	assert_false(kube_condition_set(
	        list, &(struct kube_condition_words){"Ready", false, "Starting", "m"}, 1, 5000));
	assert_true(kube_condition_set(
	        list, &(struct kube_condition_words){"Ready", false, "Starting", "other"}, 1,
	        5000));
	assert_true(kube_condition_set(
	        list, &(struct kube_condition_words){"Ready", false, "Starting", "other"}, 2,
	        5000));
	c = json_array_get(list, 0);
	assert_string_equal(json_str_at(c, "", "lastTransitionTime", NULL), "1970-01-01T00:00:00Z");
	assert_true(kube_condition_set(
	        list, &(struct kube_condition_words){"Ready", true, "Started", ""}, 2, 5000));
	assert_true(kube_condition_set(list, &(struct kube_condition_words){"Other", true, "X", ""},
	                               2, 5000));
	expect_json(list, "[{\"type\":\"Ready\",\"status\":\"True\",\"reason\":\"Started\","
	                  "\"message\":\"\",\"observedGeneration\":2,"
	                  "\"lastTransitionTime\":\"1970-01-01T00:00:05Z\"},"
	                  "{\"type\":\"Other\",\"status\":\"True\",\"reason\":\"X\","
	                  "\"message\":\"\",\"observedGeneration\":2,"
	                  "\"lastTransitionTime\":\"1970-01-01T00:00:05Z\"}]");
}

static void test_object_text_survives_any_bytes(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
	        {"plain", "plain"},
	        {"caf\xc3\xa9", "caf\xc3\xa9"},
	        {"caf\xc3", "caf"},
	        {"\xe2\x82\xac 5 \xe2\x82", "\xe2\x82\xac 5 "},
	        {"a\xff"
	         "b\xc3\xa9",
	         "a?b??"},
	        {"\x80\x80\x80\x80", "????"},
	        {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *value = json_text(cases[i].text);

		assert_string_equal(json_string_value(value), cases[i].want);
		json_decref(value);
	}
}

static void test_object_condition_keeps_a_message_that_was_cut(void **state)
{
	json_t *conditions = json_array();

	(void)state;
	assert_true(kube_condition_set(
	        conditions, &(struct kube_condition_words){"Ready", false, "Failed", "caf\xc3"}, 1,
	        0));
	assert_false(kube_condition_set(
	        conditions, &(struct kube_condition_words){"Ready", false, "Failed", "caf\xc3"}, 1,
	        0));
	assert_string_equal(json_str_at(json_array_get(conditions, 0), "", "message", NULL), "caf");
	json_decref(conditions);
}

static void test_object_annotation_that_is_a_number(void **state)
{
	json_t *o = json_pack("{s{s{ss ss ss}}}", "metadata", "annotations", "seven", "7", "below",
	                      "-7", "text", "7 or so");

	(void)state;
	assert_int_equal(kube_annotation_number(o, "seven"), 7);
	assert_int_equal(kube_annotation_number(o, "below"), 0);
	assert_int_equal(kube_annotation_number(o, "text"), 0);
	assert_int_equal(kube_annotation_number(o, "absent"), 0);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_object_reads_metadata),
	        cmocka_unit_test(test_object_annotation_that_is_a_number),
	        cmocka_unit_test(test_object_text_survives_any_bytes),
	        cmocka_unit_test(test_object_condition_keeps_a_message_that_was_cut),
	        cmocka_unit_test(test_object_absent_fields_read_as_nothing),
	        cmocka_unit_test(test_object_merge_patch_does_the_rfc_examples),
	        cmocka_unit_test(test_object_merge_diff_names_only_what_changes),
	        cmocka_unit_test(test_object_merge_diff_round_trips),
	        cmocka_unit_test(test_object_merge_diff_holds_null_for_absent),
	        cmocka_unit_test(test_object_condition_keeps_its_transition_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
