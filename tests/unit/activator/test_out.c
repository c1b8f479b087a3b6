/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "activator/net/account.h"
#include "activator/net/out.h"

static char piece[64 * 1024];

/* Whoever fills it without end is a bug, and costs no more than the limit. */
static void test_out_has_a_limit(void **state)
{
	struct out out = {0};

	for (unsigned i = 0; i < OUT_BYTES_MAX / sizeof piece; i++)
		out_put(&out, piece, sizeof piece);
	assert_false(out.failed);
	assert_int_equal(out_bytes(&out), OUT_BYTES_MAX);
	out_put(&out, "x", 1);
	assert_true(out.failed);
	assert_int_equal(out_bytes(&out), OUT_BYTES_MAX);
	assert_in_range(account_bytes(ACCOUNT_BUFFERS), OUT_BYTES_MAX, 2 * OUT_BYTES_MAX);
	out_done(&out);
	assert_int_equal(account_bytes(ACCOUNT_BUFFERS), 0);
}

/* Bytes are missing: what comes behind them must not look as if none were. */
static void test_out_that_failed_takes_nothing_more(void **state)
{
	struct out out = {.failed = true};

	out_put(&out, "x", 1);
	assert_int_equal(out_bytes(&out), 0);
	assert_null(out.data);
}

static void test_out_gives_back_what_was_taken(void **state)
{
	struct out out = {0};

	out_put(&out, piece, sizeof piece);
	memcpy(out.data + sizeof piece - 3, "end", 3);
	out.at = sizeof piece - 3;
	out_shrink(&out);
	assert_int_equal(out_bytes(&out), 3);
	assert_memory_equal(out.data + out.at, "end", 3);
	assert_in_range(out.capacity, 3, 4096);
	out_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_out_has_a_limit),
	        cmocka_unit_test(test_out_that_failed_takes_nothing_more),
	        cmocka_unit_test(test_out_gives_back_what_was_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
