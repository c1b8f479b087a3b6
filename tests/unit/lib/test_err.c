/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/base/err.h"

static void test_err_context_goes_before(void **state)
{
	struct err e;

	assert_int_equal(err_set(&e, ERR_SYS, ENOENT, "open %s", "/x"), -1);
	assert_int_equal(err_wrap(&e, "namespace %s", "shop"), -1);
	assert_string_equal(e.text, "namespace shop: open /x: No such file or directory");
	assert_int_equal(e.code, ERR_SYS);
	assert_int_equal(e.sys_errno, ENOENT);
}

static void test_err_null_is_allowed(void **state)
{
	assert_int_equal(err_set(NULL, ERR_PARSE, 0, "x"), -1);
	assert_int_equal(err_wrap(NULL, "x"), -1);
}

static void test_err_long_text_is_cut(void **state)
{
	char big[2000];
	struct err e;

	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	assert_int_equal(err_set(&e, ERR_SYS, EIO, "%s", big), -1);
	assert_int_equal(strlen(e.text), sizeof e.text - 1);
	assert_int_equal(err_wrap(&e, "%s", big), -1);
	assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

static void test_err_every_code_has_a_name(void **state)
{
	for (int code = ERR_NONE; code <= ERR_UNAVAILABLE; code++) {
		assert_non_null(err_code_name((enum err_code)code));
		assert_string_not_equal(err_code_name((enum err_code)code), "unknown");
	}
	assert_string_equal(err_code_name((enum err_code)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_err_context_goes_before),
	        cmocka_unit_test(test_err_null_is_allowed),
	        cmocka_unit_test(test_err_long_text_is_cut),
	        cmocka_unit_test(test_err_every_code_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
