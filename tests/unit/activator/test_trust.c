/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/core/trust.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool has(const struct trust *t, const char *text)
{
	unsigned char address[TRUST_ADDRESS_BYTES] = {0};

	if (inet_pton(AF_INET6, text, address) != 1) {
		assert_int_equal(inet_pton(AF_INET, text, address + 12), 1);
		memset(address + 10, 0xff, 2);
	}
	return trust_has(t, address);
}

static void test_trust_of_ranges_and_single_addresses(void **state)
{
	static const char *const list[] = {"192.0.2.0/25", "198.51.100.7", "2001:db8::/33",
	                                   "::ffff:203.0.113.0/120", NULL};
	static const struct {
		const char *address;
		bool want;
	} rows[] = {
	        {"192.0.2.0", true},      {"192.0.2.127", true},      {"192.0.2.128", false},
	        {"198.51.100.7", true},   {"198.51.100.6", false},    {"203.0.113.255", true},
	        {"203.0.112.255", false}, {"2001:db8:7fff::1", true}, {"2001:db8:8000::1", false},
	        {"::1", false},           {"127.0.0.1", false},
	};
	struct trust t;
	struct err err;

	assert_int_equal(trust_parse(list, &t, &err), 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (has(&t, rows[i].address) != rows[i].want)
			fail_msg("%s", rows[i].address);
}

static void test_trust_of_private_none_and_all(void **state)
{
	struct trust t;
	struct err err;

	assert_int_equal(trust_parse((const char *const[]){"private", NULL}, &t, &err), 0);
	assert_true(has(&t, "10.244.1.7"));
	assert_true(has(&t, "172.31.0.1"));
	assert_false(has(&t, "172.32.0.1"));
	assert_true(has(&t, "100.64.0.1"));
	assert_true(has(&t, "127.0.0.1"));
	assert_true(has(&t, "fd00::1"));
	assert_false(has(&t, "2001:db8::1"));
	assert_false(has(&t, "203.0.113.1"));
	assert_int_equal(trust_parse((const char *const[]){"none", NULL}, &t, &err), 0);
	assert_false(has(&t, "127.0.0.1"));
	assert_int_equal(trust_parse((const char *const[]){"::/0", NULL}, &t, &err), 0);
	assert_true(has(&t, "203.0.113.1"));
	assert_true(has(&t, "2001:db8::1"));
}

static void test_trust_refuses_what_is_no_range(void **state)
{
	static const char *const bad[] = {"",           "10.0.0.0/33",  "10.0.0/8",
	                                  "fd00::/129", "10.0.0.0/",    "10.0.0.0/-1",
	                                  "example",    "10.0.0.0/8/8", "Private"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct trust t;
		struct err err;

		assert_int_equal(trust_parse((const char *const[]){bad[i], NULL}, &t, &err), -1);
		assert_non_null(strstr(err.text, bad[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_trust_of_ranges_and_single_addresses),
	        cmocka_unit_test(test_trust_of_private_none_and_all),
	        cmocka_unit_test(test_trust_refuses_what_is_no_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
