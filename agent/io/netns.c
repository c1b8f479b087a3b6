/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netns - asks the kernel by netlink for a network namespace's addresses and listening ports
 */
#include "agent/io/netns.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* TCP_LISTEN of the kernel's enum in net/tcp_states.h, which has no header for programs. */
enum { NETNS_TCP_LISTEN = 10, NETNS_DUMP_BYTES = 32768, NETNS_DATAGRAMS_MAX = 256 };

static int netns_socket(int protocol)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
}

int netns_open(int ns_fd, struct netns *ret_netns, struct err *err)
{
	CLEANUP(fd_close_var) int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct netns n = {-1, -1};

	assert(ns_fd >= 0);
	if (own < 0)
		return err_set(err, ERR_SYS, errno, "own network namespace");
	if (setns(ns_fd, CLONE_NEWNET) < 0)
		return err_set(err, ERR_SYS, errno, "enter the Pod's network namespace");
	n.diag_fd = netns_socket(NETLINK_SOCK_DIAG);
	n.route_fd = netns_socket(NETLINK_ROUTE);
	if (setns(own, CLONE_NEWNET) < 0)
		abort(); /* in a foreign namespace every later connection would be wrong */
	if (n.diag_fd < 0 || n.route_fd < 0) {
		netns_close(&n);
		return err_set(err, ERR_SYS, errno, "netlink");
	}
	*ret_netns = n;
	return 0;
}

void netns_close(struct netns *n)
{
	if (n->diag_fd >= 0)
		(void)close(n->diag_fd);
	if (n->route_fd >= 0)
		(void)close(n->route_fd);
	*n = (struct netns){-1, -1};
}

/* A request that goes under a number of its own, and who gets each message of its answer. */
struct dump {
	int fd;
	struct nlmsghdr *request;
	void (*visit)(void *arg, const struct nlmsghdr *m);
	void *arg;
};

static int netns_dump(const struct dump *d, struct err *err)
{
	static uint32_t last_number;
	_Alignas(struct nlmsghdr) char buf[NETNS_DUMP_BYTES];

	assert(d->fd >= 0);
	d->request->nlmsg_seq = ++last_number;
	if (send(d->fd, d->request, d->request->nlmsg_len, 0) < 0)
		return err_set(err, ERR_SYS, errno, "netlink request");
	for (unsigned i = 0; i < NETNS_DATAGRAMS_MAX; i++) {
		ssize_t got = recv(d->fd, buf, sizeof buf, 0);
		unsigned bytes = (unsigned)got;

		if (got < 0)
			return err_set(err, ERR_SYS, errno, "netlink answer");
		for (const struct nlmsghdr *m = (const struct nlmsghdr *)buf; NLMSG_OK(m, bytes);
		     m = NLMSG_NEXT(m, bytes)) {
			if (m->nlmsg_seq != d->request->nlmsg_seq)
				continue; /* left of a dump that was not read to its end */
			if (m->nlmsg_type == NLMSG_DONE)
				return 0;
			if (m->nlmsg_type == NLMSG_ERROR)
				return err_set(err, ERR_SYS,
				               -((const struct nlmsgerr *)NLMSG_DATA(m))->error,
				               "netlink answer");
			d->visit(d->arg, m);
		}
	}
	return err_set(err, ERR_INVALID, 0, "netlink answer without an end");
}

static void netns_visit_socket(void *arg, const struct nlmsghdr *m)
{
	const struct inet_diag_msg *d = NLMSG_DATA(m);
	const uint8_t *address = (const uint8_t *)d->id.idiag_src;
	bool loopback;

	if (m->nlmsg_type != SOCK_DIAG_BY_FAMILY || m->nlmsg_len < NLMSG_LENGTH(sizeof *d))
		return;
	if (d->idiag_family == AF_INET)
		loopback = address[0] == 127;
	else
		loopback = IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)d->id.idiag_src);
	ports_add(arg, ntohs(d->id.idiag_sport), loopback, d->idiag_inode);
}

/*
 * The wanted port alone, as a program for the kernel's filter of it: two comparisons, each an
 * instruction and one that carries the number. To jump 4 bytes behind the end is "no".
 */
static void netns_filter(struct inet_diag_bc_op code[4], uint16_t port)
{
	const unsigned char one = 2 * sizeof *code;

	code[0] = (struct inet_diag_bc_op){INET_DIAG_BC_S_GE, one, 2 * one + 4};
	code[1] = (struct inet_diag_bc_op){0, 0, port};
	code[2] = (struct inet_diag_bc_op){INET_DIAG_BC_S_LE, one, one + 4};
	code[3] = (struct inet_diag_bc_op){0, 0, port};
}

int netns_ports(const struct netns *n, struct ports *p, bool only_wanted, struct err *err)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 body;
		struct nlattr filter;
		struct inet_diag_bc_op code[4];
	} req = {.head = {.nlmsg_len = only_wanted ? sizeof req : offsetof(typeof(req), filter),
	                  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
	                  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	         .body = {.sdiag_protocol = IPPROTO_TCP, .idiag_states = 1U << NETNS_TCP_LISTEN},
	         .filter = {sizeof req.filter + sizeof req.code, INET_DIAG_REQ_BYTECODE}};
	const struct dump d = {n->diag_fd, &req.head, netns_visit_socket, p};

	netns_filter(req.code, p->wanted);
	*p = (struct ports){.wanted = p->wanted, .is_own = p->is_own, .own_arg = p->own_arg};
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		req.body.sdiag_family = families[i];
		if (netns_dump(&d, err) < 0)
			return -1;
	}
	return 0;
}

struct netns_found {
	const struct netns_wanted *wanted;
	char v4[INET6_ADDRSTRLEN];
	char v6[INET6_ADDRSTRLEN];
};

static void netns_visit_address(void *arg, const struct nlmsghdr *m)
{
	struct netns_found *found = arg;
	const struct ifaddrmsg *ifa = NLMSG_DATA(m);
	const char *at = (const char *)IFA_RTA(ifa);
	const char *end = (const char *)m + m->nlmsg_len;
	const void *address = NULL;
	char text[INET6_ADDRSTRLEN];

	if (m->nlmsg_type != RTM_NEWADDR || ifa->ifa_scope != RT_SCOPE_UNIVERSE ||
	    (ifa->ifa_family == AF_INET6 && (ifa->ifa_flags & IFA_F_TENTATIVE)))
		return;
	while (end - at >= (ptrdiff_t)sizeof(struct rtattr)) {
		const struct rtattr *a = (const struct rtattr *)at;

		if (a->rta_len < sizeof *a || a->rta_len > end - at)
			return;
		/* the local end, where it differs from the peer's */
		if (a->rta_type == IFA_LOCAL || (a->rta_type == IFA_ADDRESS && address == NULL))
			address = RTA_DATA(a);
		at += RTA_ALIGN(a->rta_len);
	}
	if (address == NULL)
		return;
	if (inet_ntop(ifa->ifa_family, address, text, sizeof text) == NULL ||
	    !found->wanted->is_wanted(found->wanted->arg, text))
		return;
	if (ifa->ifa_family == AF_INET && found->v4[0] == '\0')
		(void)snprintf(found->v4, sizeof found->v4, "%s", text);
	else if (ifa->ifa_family == AF_INET6 && found->v6[0] == '\0')
		(void)snprintf(found->v6, sizeof found->v6, "%s", text);
}

int netns_address(const struct netns *n, const struct netns_wanted *wanted,
                  char address[INET6_ADDRSTRLEN], struct err *err)
{
	struct {
		struct nlmsghdr head;
		struct ifaddrmsg body;
	} req = {.head = {.nlmsg_len = sizeof req,
	                  .nlmsg_type = RTM_GETADDR,
	                  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	         .body = {.ifa_family = AF_UNSPEC}};
	struct netns_found found = {.wanted = wanted};
	const struct dump d = {n->route_fd, &req.head, netns_visit_address, &found};

	if (netns_dump(&d, err) < 0)
		return -1;
	(void)snprintf(address, INET6_ADDRSTRLEN, "%s", found.v4[0] != '\0' ? found.v4 : found.v6);
	return 0;
}
