/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_str_a_word_is_one_of_a_list(void **state)
{
	static const char *const words[] = {"Running", "Stopped", NULL};
	static const char *const none[] = {NULL};

	(void)state;
	assert_true(str_is_one_of("Stopped", words));
	assert_false(str_is_one_of("Stop", words));
	assert_false(str_is_one_of("", words));
	assert_false(str_is_one_of("", none));
}

/* Cut after each of its bytes, a text ends with a whole character. */
static void test_str_a_cut_text_ends_with_a_whole_character(void **state)
{
	static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
	static const size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
	char cut[sizeof text];

	(void)state;
	for (size_t bytes = 0; bytes < sizeof text; bytes++) {
		memcpy(cut, text, bytes);
		cut[bytes] = '\0';
		assert_int_equal(str_whole_bytes(cut), whole[bytes]);
	}
}

static void test_str_what_is_no_utf_8_stays(void **state)
{
	(void)state;
	assert_int_equal(str_whole_bytes("\x80\x80\x80\x80\x80"), 5);
	assert_int_equal(str_whole_bytes("a\x80"), 2);
}

static void test_str_copies_what_is_there(void **state)
{
	char *copy = NULL;

	assert_int_equal(str_copy(&copy, NULL), 0);
	assert_null(copy);
	assert_int_equal(str_copy(&copy, "text"), 0);
	assert_string_equal(copy, "text");
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_str_a_word_is_one_of_a_list),
	        cmocka_unit_test(test_str_a_cut_text_ends_with_a_whole_character),
	        cmocka_unit_test(test_str_what_is_no_utf_8_stays),
	        cmocka_unit_test(test_str_copies_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
