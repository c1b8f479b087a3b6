/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network_host - the machine's side of the Pods' network: bridge, forwarding, masquerade
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct nl_sock;
struct nl_addr;

struct network_opts {
	const char *bridge;        /* "sclocal0" */
	const char *subnet;        /* the bridge's own address with prefix: "10.213.0.1/16" */
	unsigned pool_count;       /* namespaces kept ready */
	bool masquerade;           /* towards the rest of the world, by nft */
	const char *owner;         /* the engine's state folder: the bridge is marked with it */
	const char *forward_state; /* file that keeps what ip_forward was before us */
};

struct network_subnet {
	uint32_t gateway; /* host order */
	uint32_t mask;
	unsigned prefix;
	char gateway_text[16];
};

int network_subnet_parse(const char *text, struct network_subnet *ret_subnet, struct err *err);

/** network_tag() - 16 bits of an interface name that differ by bridge */
unsigned network_tag(const char *bridge);

/** network_nl_addr() - @address in host order. Return: owned by the caller */
struct nl_addr *network_nl_addr(uint32_t address, unsigned prefix);

/** network_link_up() - @ret_index may be NULL */
int network_link_up(struct nl_sock *sock, const char *name, int *ret_index, struct err *err);
int network_address_add(struct nl_sock *sock, int index, uint32_t address, unsigned prefix,
                        struct err *err);

/** network_host_setup() - bridge with address, ip_forward, masquerade. Blocks: only at start */
int network_host_setup(struct nl_sock *sock, const struct network_opts *opts,
                       const struct network_subnet *subnet, int *ret_bridge_index, struct err *err);

/** network_host_masquerade() - the rules alone, made anew. Blocks for a moment */
void network_host_masquerade(const struct network_opts *opts, const struct network_subnet *subnet);

/** network_may_have() - refuses a bridge that is there and another's */
int network_may_have(const struct network_opts *opts, struct err *err);

/** network_remove() - take the bridge and the rules away and put ip_forward back; may block */
int network_remove(const struct network_opts *opts, struct err *err);
