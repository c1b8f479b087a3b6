/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections one client address may have (activator/net/source.h). */
#include "activator/net/source.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct sockaddr_storage address(const char *text)
{
	struct sockaddr_storage ss = {0};
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;

	ss.ss_family = AF_INET6;
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1)
		return ss;
	ss.ss_family = AF_INET;
	assert_int_equal(inet_pton(AF_INET, text, &in->sin_addr), 1);
	return ss;
}

static bool take(void **sources, const char *text, uint32_t max, struct source **ret_source)
{
	struct sockaddr_storage ss = address(text);

	return source_take(sources, &ss, max, ret_source);
}

static void test_source_counts_each_address(void **state)
{
	void *sources = NULL;
	struct source *a = NULL;
	struct source *b = NULL;
	struct source *c = NULL;

	assert_true(take(&sources, "192.0.2.1", 2, &a));
	assert_true(take(&sources, "::ffff:192.0.2.1", 2, &b));
	assert_false(take(&sources, "192.0.2.1", 2, &c));
	assert_true(take(&sources, "192.0.2.2", 2, &c));
	source_give(&sources, c);
	source_give(&sources, b);
	assert_true(take(&sources, "192.0.2.1", 2, &b));
	source_give(&sources, a);
	source_give(&sources, b);
	assert_null(sources);
}

static void test_source_of_v6_is_a_64(void **state)
{
	void *sources = NULL;
	struct source *a = NULL;
	struct source *b = NULL;

	assert_true(take(&sources, "2001:db8:0:1::1", 1, &a));
	assert_false(take(&sources, "2001:db8:0:1:ffff::2", 1, &b));
	assert_true(take(&sources, "2001:db8:0:2::1", 1, &b));
	source_give(&sources, a);
	source_give(&sources, b);
	assert_null(sources);
}

static void test_source_without_a_limit_counts_nothing(void **state)
{
	void *sources = NULL;
	struct source *a = NULL;

	assert_true(take(&sources, "192.0.2.1", 0, &a));
	assert_null(a);
	assert_null(sources);
	source_give(&sources, a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_source_counts_each_address),
	        cmocka_unit_test(test_source_of_v6_is_a_64),
	        cmocka_unit_test(test_source_without_a_limit_counts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
