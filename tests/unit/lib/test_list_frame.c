/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/kube/client/list_frame.h"

struct fixture {
	struct list_frame frame;
	char trace[2048];
	int answer; /* of on_item */
};

static int on_item(void *arg, const char *text, size_t bytes)
{
	struct fixture *f = arg;
	size_t len = strlen(f->trace);

	(void)snprintf(f->trace + len, sizeof f->trace - len, "%.*s|", (int)bytes, text);
	return f->answer;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	list_frame_init(&f->frame, on_item, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	list_frame_done(&f->frame);
	free(f);
	return 0;
}

static int feed(struct fixture *f, const char *text, size_t bytes)
{
	struct err err = {0};

	return list_frame_feed(&f->frame, text, bytes, &err);
}

static void expect_envelope(struct fixture *f, const char *text)
{
	assert_int_equal(f->frame.envelope.bytes, strlen(text));
	assert_memory_equal(f->frame.envelope.data, text, strlen(text));
}

static const struct {
	const char *text, *items, *envelope;
} lists[] = {
        {"{\"kind\":\"L\",\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[]}", "",
         "{\"kind\":\"L\",\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[]}"},
        /* as custom resources are listed: the metadata after the items */
        {"{\"items\": [ {\"a\":1} , {\"b\":[{\"c\":{}}]} ], \"metadata\":{\"x\":\"]}\"}}",
         "{\"a\":1}|{\"b\":[{\"c\":{}}]}|", "{\"items\": [], \"metadata\":{\"x\":\"]}\"}}"},
        /* braces, quotes and backslashes in strings */
        {"{\"items\":[{\"a\":\"}]\\\"{[\\\\\"},{\"\\u007b\":\"\\\\\"}]}",
         "{\"a\":\"}]\\\"{[\\\\\"}|{\"\\u007b\":\"\\\\\"}|", "{\"items\":[]}"},
        /* only the list's own items are items, and only what is in the brackets */
        {"{\"items\":[{\"metadata\":{\"items\":[{\"m\":[\"]\"]}]}},\"x\",[{}]]}",
         "{\"metadata\":{\"items\":[{\"m\":[\"]\"]}]}}|[{}]|", "{\"items\":[]}"},
        {"{\"kind\":\"items\",\"a\":[{}],\"items\\n\":[1]}", "",
         "{\"kind\":\"items\",\"a\":[{}],\"items\\n\":[1]}"},
        {"{\"metadata\":{\"items\":[{\"a\":1}]},\"items\":null}", "",
         "{\"metadata\":{\"items\":[{\"a\":1}]},\"items\":null}"},
        {"null", "", "null"},
};

static void test_list_frame_cuts_items_out(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		size_t bytes = strlen(lists[i].text);

		/* pieces of every size */
		for (size_t piece = 1; piece <= bytes; piece++) {
			list_frame_done(&f->frame);
			f->trace[0] = '\0';
			for (size_t at = 0; at < bytes; at += piece)
				assert_int_equal(feed(f, lists[i].text + at,
				                      bytes - at < piece ? bytes - at : piece),
				                 0);
			assert_string_equal(f->trace, lists[i].items);
			expect_envelope(f, lists[i].envelope);
		}
	}
}

static void test_list_frame_refuses_what_has_no_beginning(void **state)
{
	assert_int_equal(feed(*state, "]", 1), -1);
}

static void test_list_frame_refuses_a_nest_without_end(void **state)
{
	struct fixture *f = *state;
	int r = 0;

	for (int i = 0; r == 0 && i < 10000; i++)
		r = feed(f, "[", 1);
	assert_int_equal(r, -1);
}

static void test_list_frame_refuses_an_endless_envelope(void **state)
{
	static const char text[1024] = "";
	struct fixture *f = *state;
	int r = 0;

	for (int i = 0; r == 0 && i < 1000; i++)
		r = feed(f, text, sizeof text);
	assert_int_equal(r, -1);
}

static void test_list_frame_stops_when_told(void **state)
{
	static const char text[] = "{\"items\":[{},{}]}";
	struct fixture *f = *state;

	f->answer = 1;
	assert_int_equal(feed(f, text, sizeof text - 1), 1);
	assert_string_equal(f->trace, "{}|");
}

#define FRAME_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        FRAME_TEST(test_list_frame_cuts_items_out),
	        FRAME_TEST(test_list_frame_refuses_what_has_no_beginning),
	        FRAME_TEST(test_list_frame_refuses_a_nest_without_end),
	        FRAME_TEST(test_list_frame_refuses_an_endless_envelope),
	        FRAME_TEST(test_list_frame_stops_when_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
