/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loadtest/wrk_output.h"

#define HEAD                                                                                       \
	"Running 8s test @ http://127.0.0.1:9001/\n  1 threads and 64 connections\n"               \
	"  Thread Stats   Avg      Stdev     Max   +/- Stdev\n"                                    \
	"    Latency     1.85ms  316.61us   8.06ms   87.46%\n"                                     \
	"  278012 requests in 8.02s, 38.45MB read\n"

static void test_wrk_output_of_a_good_run(void **state)
{
	struct wrk_output out;

	(void)state;
	assert_int_equal(wrk_output_parse(HEAD "Requests/sec:  34664.84\nTransfer/sec: 4.79MB\n",
	                                  &out, NULL),
	                 0);
	assert_int_equal(out.requests, 278012);
	assert_true(out.per_second > 34664 && out.per_second < 34665);
	assert_int_equal(out.errors, 0);
}

static void test_wrk_output_every_kind_of_error_counts(void **state)
{
	struct wrk_output out;

	(void)state;
	assert_int_equal(wrk_output_parse(HEAD
	                                  "  Socket errors: connect 1, read 20, write 300, timeout "
	                                  "4000\n  Non-2xx or 3xx responses: 50000\n"
	                                  "Requests/sec:  34664.84\n",
	                                  &out, NULL),
	                 0);
	assert_int_equal(out.errors, 54321);
}

static void test_wrk_output_that_is_none_is_refused(void **state)
{
	struct wrk_output out;

	(void)state;
	assert_int_equal(wrk_output_parse("", &out, NULL), -1);
	assert_int_equal(wrk_output_parse("unable to connect to 127.0.0.1:9001\n", &out, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_wrk_output_of_a_good_run),
	        cmocka_unit_test(test_wrk_output_every_kind_of_error_counts),
	        cmocka_unit_test(test_wrk_output_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
