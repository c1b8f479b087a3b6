/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The values are those that the authors of FNV publish as test vectors. */
static void test_hash_it_is_fnv_1a(void **state)
{
	(void)state;
	assert_int_equal(hash_text(""), 0x811c9dc5);
	assert_int_equal(hash_text("a"), 0xe40c292c);
	assert_int_equal(hash_text("foobar"), 0xbf9cf968);
	assert_true(hash_bytes(HASH_BEGIN, "", 0) == UINT64_C(0xcbf29ce484222325));
	assert_true(hash_bytes(HASH_BEGIN, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(hash_bytes(HASH_BEGIN, "foobar", 6) == UINT64_C(0x85944171f73967e8));
}

static void test_hash_it_goes_on(void **state)
{
	(void)state;
	assert_true(hash_bytes(hash_bytes(HASH_BEGIN, "foo", 3), "bar", 3) ==
	            hash_bytes(HASH_BEGIN, "foobar", 6));
}

/* The vectors of the reference implementation. */
static void test_hash_it_is_siphash_2_4(void **state)
{
	unsigned char bytes[16];

	(void)state;
	for (unsigned char i = 0; i < sizeof bytes; i++)
		bytes[i] = i;
	assert_true(hash_sip(bytes, bytes, 0) == UINT64_C(0x726fdb47dd0e0e31));
	assert_true(hash_sip(bytes, bytes, 15) == UINT64_C(0xa129ca6149be45e5));
}

/* These two are one number in FNV-1a, in each process. */
static void test_hash_its_secret_keeps_texts_apart_that_were_made_to_collide(void **state)
{
	(void)state;
	assert_int_equal(hash_text("costarring"), hash_text("liquid"));
	assert_int_not_equal(hash_secret("costarring"), hash_secret("liquid"));
	assert_int_equal(hash_secret("liquid"), hash_secret("liquid"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_hash_it_is_fnv_1a),
	        cmocka_unit_test(test_hash_it_goes_on),
	        cmocka_unit_test(test_hash_it_is_siphash_2_4),
	        cmocka_unit_test(test_hash_its_secret_keeps_texts_apart_that_were_made_to_collide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
