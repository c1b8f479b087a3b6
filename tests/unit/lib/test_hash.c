/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The values are those that the authors of FNV publish as test vectors. */
static void it_is_fnv_1a(void **state)
{
	(void)state;
	assert_int_equal(hash_text(""), 0x811c9dc5);
	assert_int_equal(hash_text("a"), 0xe40c292c);
	assert_int_equal(hash_text("foobar"), 0xbf9cf968);
	assert_true(hash_bytes(HASH_BEGIN, "", 0) == UINT64_C(0xcbf29ce484222325));
	assert_true(hash_bytes(HASH_BEGIN, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(hash_bytes(HASH_BEGIN, "foobar", 6) == UINT64_C(0x85944171f73967e8));
}

static void it_goes_on(void **state)
{
	(void)state;
	assert_true(hash_bytes(hash_bytes(HASH_BEGIN, "foo", 3), "bar", 3) ==
	            hash_bytes(HASH_BEGIN, "foobar", 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(it_is_fnv_1a),
	        cmocka_unit_test(it_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
