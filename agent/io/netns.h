/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netns - what a Pod's network namespace has: its address, the ports that listen
 *
 * Netlink sockets that were opened in that namespace and stay there. Dumps are answered within
 * the call; nothing waits.
 */
#pragma once

#include <netinet/in.h>

#include "agent/core/ports.h"
#include "lib/base/err.h"

struct netns {
	int diag_fd;
	int route_fd;
};

/** netns_open() - @ns_fd: of the container. Goes there and comes back; call it single-threaded. */
int netns_open(int ns_fd, struct netns *ret_netns, struct err *err);
/** netns_close() - what is open of it; may be called again */
void netns_close(struct netns *n);

/**
 * netns_ports() - fill in what listens; @p->wanted and is_own stay
 * @only_wanted: the kernel lists no other port, however many there are
 *
 * After a failure what is left of the answer may be in the way: close, and open anew.
 */
int netns_ports(const struct netns *n, struct ports *p, bool only_wanted, struct err *err);

/** Which of a namespace's addresses count. */
struct netns_wanted {
	bool (*is_wanted)(const void *arg, const char *address);
	const void *arg;
};

/**
 * netns_address() - the first global IPv4 address that is wanted, else IPv6; "" when there is none
 * yet
 */
int netns_address(const struct netns *n, const struct netns_wanted *wanted,
                  char address[INET6_ADDRSTRLEN], struct err *err);
