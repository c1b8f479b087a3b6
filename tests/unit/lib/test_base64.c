/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* RFC 4648, section 10. */
static const char *const vectors[][2] = {{"", ""},
                                         {"f", "Zg=="},
                                         {"fo", "Zm8="},
                                         {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="},
                                         {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"}};

static void test_base64_it_has_the_vectors_of_the_rfc(void **state)
{
	char text[16];
	char data[16];
	size_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		assert_true(base64_text_bytes(strlen(vectors[i][0])) <= sizeof text);
		base64_encode(vectors[i][0], strlen(vectors[i][0]), text);
		assert_string_equal(text, vectors[i][1]);
		assert_true(base64_data_bytes(text) <= sizeof data);
		assert_true(base64_decode(text, data, &bytes));
		assert_int_equal(bytes, strlen(vectors[i][0]));
		assert_string_equal(data, vectors[i][0]);
	}
}

static void test_base64_all_bytes_come_back(void **state)
{
	unsigned char data[256];
	unsigned char back[260];
	char text[352];
	size_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (unsigned char)i;
	assert_true(base64_text_bytes(sizeof data) <= sizeof text);
	base64_encode(data, sizeof data, text);
	assert_true(base64_data_bytes(text) <= sizeof back);
	assert_true(base64_decode(text, (char *)back, &bytes));
	assert_int_equal(bytes, sizeof data);
	assert_memory_equal(back, data, sizeof data);
}

static void test_base64_what_is_none_is_refused(void **state)
{
	static const char *const bad[] = {"Z",        "Zg",   "Zg=",       "Z===", "====",
	                                  "Zg==Zg==", "Zm9 ", "Zm9v\nZ==", "Zm-_", "Zm9vZm9"};
	char data[16];
	size_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_true(base64_data_bytes(bad[i]) <= sizeof data);
		if (base64_decode(bad[i], data, &bytes))
			fail_msg("\"%s\" is taken", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_base64_it_has_the_vectors_of_the_rfc),
	        cmocka_unit_test(test_base64_all_bytes_come_back),
	        cmocka_unit_test(test_base64_what_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
