/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_socket_address_it_reads_ipv4(void **state)
{
	struct sockaddr_storage ss;
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;

	(void)state;
	assert_int_equal(socket_address_parse("127.0.0.1:8080", &ss), sizeof *in);
	assert_int_equal(in->sin_family, AF_INET);
	assert_int_equal(ntohl(in->sin_addr.s_addr), INADDR_LOOPBACK);
	assert_int_equal(ntohs(in->sin_port), 8080);
}

static void test_socket_address_it_reads_ipv6_and_any_free_port(void **state)
{
	static const struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;
	struct sockaddr_storage ss;
	struct sockaddr_in6 *in = (struct sockaddr_in6 *)&ss;

	(void)state;
	assert_int_equal(socket_address_parse("[::1]:0", &ss), sizeof *in);
	assert_int_equal(in->sin6_family, AF_INET6);
	assert_memory_equal(&in->sin6_addr, &loopback, sizeof loopback);
	assert_int_equal(in->sin6_port, 0);
	assert_int_not_equal(
	        socket_address_parse("[2001:0db8:1111:2222:3333:4444:255.255.255.255]:1", &ss), 0);
}

static void test_socket_address_what_is_none_is_refused(void **state)
{
	static const char *const bad[] = {
	        "",      ":80",          "127.0.0.1", "127.0.0.1:", "::1:80",        "[::1:80",
	        "[]:80", "localhost:80", "1.2.3:80",  "1.2.3.4:x",  "1.2.3.4:65536", "1.2.3.4: 80"};
	struct sockaddr_storage ss;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (socket_address_parse(bad[i], &ss) != 0)
			fail_msg("\"%s\" is taken", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_socket_address_it_reads_ipv4),
	        cmocka_unit_test(test_socket_address_it_reads_ipv6_and_any_free_port),
	        cmocka_unit_test(test_socket_address_what_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
