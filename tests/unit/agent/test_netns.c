/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "agent/io/netns.h"

/* An answer that nobody reads: a refusal of a kind of message that there is not. */
static void leave_an_answer(int fd)
{
	const struct nlmsghdr m = {.nlmsg_len = sizeof m,
	                           .nlmsg_type = 9999,
	                           .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
	                           .nlmsg_seq = UINT32_MAX};

	assert_int_equal(send(fd, &m, sizeof m, 0), sizeof m);
}

static bool is_any(const void *arg, const char *address)
{
	(void)arg;
	(void)address;
	return true;
}

static void test_netns_reads_no_answer_but_its_own(void **state)
{
	struct netns n = {socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_SOCK_DIAG),
	                  socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE)};
	static const struct netns_wanted all = {is_any, NULL};
	char address[INET6_ADDRSTRLEN];
	struct ports p = {.wanted = 1};
	struct err err;

	(void)state;
	assert_true(n.diag_fd >= 0 && n.route_fd >= 0);
	leave_an_answer(n.route_fd);
	assert_int_equal(netns_address(&n, &all, address, &err), 0);
	leave_an_answer(n.diag_fd);
	assert_int_equal(netns_ports(&n, &p, true, &err), 0);
	netns_close(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_netns_reads_no_answer_but_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
