/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/num.h"

struct row {
	const char *text;
	uint64_t want; /* BAD: refused */
};

#define BAD UINT64_MAX

typedef int (*parse_fn)(const char *text, uint64_t *ret_value, struct err *err);

static void check(parse_fn parse, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct err err = {0};
		uint64_t v = 4711;
		int r = parse(rows[i].text, &v, &err);

		if ((r == 0) != (rows[i].want != BAD) || (r == 0 && v != rows[i].want))
			fail_msg("\"%s\": result %d, value %llu, want %llu", rows[i].text, r,
			         (unsigned long long)v, (unsigned long long)rows[i].want);
		if (r < 0) {
			assert_int_equal(v, 4711); /* written only on success */
			assert_int_equal(err.code, ERR_PARSE);
			if (strlen(rows[i].text) < 100)
				assert_non_null(strstr(err.text, rows[i].text));
		}
	}
}

static int parse_u64(const char *text, uint64_t *ret_value, struct err *err)
{
	return num_parse_u64(text, 2, 1000, ret_value, err);
}

static int parse_any_u64(const char *text, uint64_t *ret_value, struct err *err)
{
	return num_parse_u64(text, 0, UINT64_MAX - 1, ret_value, err);
}

static int parse_duration(const char *text, uint64_t *ret_value, struct err *err)
{
	return num_parse_duration_ms(text, UINT64_MAX - 1, ret_value, err);
}

static int parse_short_duration(const char *text, uint64_t *ret_value, struct err *err)
{
	return num_parse_duration_ms(text, 1000, ret_value, err);
}

static void test_num_whole_numbers(void **state)
{
	static const struct row rows[] = {
	        {"2", 2},      {"1000", 1000}, {"007", 7},   {"1", BAD},     {"1001", BAD},
	        {"", BAD},     {"-3", BAD},    {"+3", BAD},  {" 3", BAD},    {"3 ", BAD},
	        {"0x10", BAD}, {"3.0", BAD},   {"1e2", BAD}, {"three", BAD},
	};
	static const struct row wide[] = {
	        {"18446744073709551614", UINT64_MAX - 1},
	        {"18446744073709551615", BAD},
	        {"18446744073709551616", BAD},
	        {"99999999999999999999999", BAD},
	};

	check(parse_u64, rows, ARRAY_LEN(rows));
	check(parse_any_u64, wide, ARRAY_LEN(wide));
}

static void test_num_durations(void **state)
{
	static const struct row rows[] = {
	        {"0", 0},
	        {"0s", 0},
	        {"5m", 300000},
	        {"1h30m", 5400000},
	        {"250ms", 250},
	        {"1.5s", 1500},
	        {"1h0m0.25s", 3600250},
	        {"2000us", 2},
	        {"1999us", 1},
	        {"1500000ns", 1},
	        {"999999ns", 0},
	        {".5s", 500},
	        {"60", BAD},
	        {"", BAD},
	        {"s", BAD},
	        {".s", BAD},
	        {"5 s", BAD},
	        {"5d", BAD},
	        {"-5s", BAD},
	        {"5s ", BAD},
	        {"1h30", BAD},
	        {"99999999999999999h", BAD},
	        {"18446744073709551615s", BAD},
	};
	static const struct row limited[] = {{"1s", 1000}, {"1001ms", BAD}};

	check(parse_duration, rows, ARRAY_LEN(rows));
	check(parse_short_duration, limited, ARRAY_LEN(limited));
}

static void test_num_quantities_in_thousandths(void **state)
{
	static const struct row rows[] = {
	        {"0", 0},
	        {"1", 1000},
	        {"0.5", 500},
	        {"100m", 100},
	        {"1m", 1},
	        {"0.1m", 1}, /* the smallest is one thousandth: rounded up */
	        {"16Mi", 16ULL * 1024 * 1024 * 1000},
	        {"1.5Gi", 1536ULL * 1024 * 1024 * 1000},
	        {"1k", 1000000},
	        {"1Ki", 1024000},
	        {"2M", 2000000000},
	        {"1G", 1000000000000},
	        {"1T", 1000000000000000},
	        {"1Pi", 1125899906842624000},
	        {"2e3", 2000000},
	        {"2E3", 2000000},
	        {"1E", BAD},
	        {"", BAD},
	        {"Mi", BAD},
	        {"16mi", BAD},
	        {"16MB", BAD},
	        {"16 Mi", BAD},
	        {"-1", BAD},
	        {"1e99", BAD},
	        {"99999999Pi", BAD},
	};

	check(num_parse_quantity_milli, rows, ARRAY_LEN(rows));
}

static void test_num_duration_text_as_go_prints_it(void **state)
{
	static const struct {
		uint64_t ms;
		const char *want;
	} rows[] = {
	        {0, "0s"},           {1, "1ms"},           {250, "250ms"},         {1000, "1s"},
	        {1500, "1.5s"},      {10000, "10s"},       {60000, "1m0s"},        {300000, "5m0s"},
	        {3600000, "1h0m0s"}, {5400000, "1h30m0s"}, {3601010, "1h0m1.01s"},
	};
	char buf[64];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(num_format_duration(rows[i].ms, buf, sizeof buf), rows[i].want);
}

static void test_num_durations_read_back(void **state)
{
	static const uint64_t samples[] = {0, 1, 999, 1000, 59999, 60000, 3599999, 86400001};
	char buf[64];
	uint64_t back;

	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		num_format_duration(samples[i], buf, sizeof buf);
		assert_int_equal(num_parse_duration_ms(buf, UINT64_MAX, &back, NULL), 0);
		assert_int_equal(back, samples[i]);
	}
}

static void test_num_times(void **state)
{
	static const struct row rows[] = {
	        {"1970-01-01T00:00:00Z", 0},
	        {"2026-01-02T03:04:05Z", 1767323045000},
	        {"2026-01-02T03:04:05.5Z", 1767323045500},
	        {"2026-01-02T03:04:05.123456Z", 1767323045123},
	        {"2026-01-02T03:04:05.123456789Z", 1767323045123},
	        {"2024-02-29T12:00:00Z", 1709208000000},
	        {"2026-01-02T03:04:05", BAD},
	        {"2026-01-02T03:04:05+01:00", BAD},
	        {"2026-01-02 03:04:05Z", BAD},
	        {"2026-13-02T03:04:05Z", BAD},
	        {"1960-01-01T00:00:00Z", BAD},
	        {"2026-01-02T03:04:05Zx", BAD},
	        {"", BAD},
	};

	check(num_parse_rfc3339, rows, ARRAY_LEN(rows));
}

static void test_num_time_text(void **state)
{
	char buf[NUM_RFC3339_BYTES];

	assert_string_equal(num_format_rfc3339(1767323045123, false, buf), "2026-01-02T03:04:05Z");
	assert_string_equal(num_format_rfc3339(1767323045123, true, buf),
	                    "2026-01-02T03:04:05.123000Z");
	assert_string_equal(num_format_rfc3339(1767323045007, true, buf),
	                    "2026-01-02T03:04:05.007000Z");
}

static void test_num_ages_as_kubectl_prints_them(void **state)
{
	static const struct {
		uint64_t s;
		const char *want;
	} ages[] = {
	        {0, "0s"},      {119, "119s"},    {120, "2m"},     {190, "3m10s"},
	        {600, "10m"},   {10800, "3h"},    {11100, "3h5m"}, {36000, "10h"},
	        {172800, "2d"}, {187200, "2d4h"}, {864000, "10d"}, {63072000, "2y0d"},
	};
	char buf[NUM_AGE_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ages); i++)
		assert_string_equal(num_format_age(ages[i].s * 1000, buf), ages[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_num_whole_numbers),
	        cmocka_unit_test(test_num_durations),
	        cmocka_unit_test(test_num_quantities_in_thousandths),
	        cmocka_unit_test(test_num_duration_text_as_go_prints_it),
	        cmocka_unit_test(test_num_durations_read_back),
	        cmocka_unit_test(test_num_times),
	        cmocka_unit_test(test_num_time_text),
	        cmocka_unit_test(test_num_ages_as_kubectl_prints_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
