/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/core/request_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_request_id_that_is_short_and_plain_is_kept(void **state)
{
	char text[REQUEST_ID_MAX + 2];

	memset(text, 'a', sizeof text);
	assert_true(request_id_is_plain("4bf92f35-77b3/4d:a6_a3.1+=", 26));
	assert_true(request_id_is_plain(text, REQUEST_ID_MAX));
	assert_false(request_id_is_plain(text, REQUEST_ID_MAX + 1));
	assert_false(request_id_is_plain("", 0));
	for (unsigned c = 0; c < 256; c++) {
		char one[1] = {(char)c};

		if (c >= 0x80 || c <= 0x20 || strchr("\"'\\<>,;{}()[]&%$#@!?*|^`~", (int)c))
			assert_false(request_id_is_plain(one, 1));
	}
}

static void test_request_id_of_random_bytes(void **state)
{
	const unsigned char random[REQUEST_ID_RANDOM_BYTES] = {0x00, 0x1f, 0xa0, 0xff};
	char text[2 * REQUEST_ID_RANDOM_BYTES + 1];

	request_id_write(text, random);
	assert_string_equal(text, "001fa0ff000000000000000000000000");
	assert_true(request_id_is_plain(text, strlen(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_request_id_that_is_short_and_plain_is_kept),
	        cmocka_unit_test(test_request_id_of_random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
