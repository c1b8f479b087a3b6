/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network_host - the machine's side of the Pods' network: bridge, forwarding, masquerade
 */
#pragma once

#include <stdint.h>

#include "local/runner/io/network.h"

struct nl_sock;
struct nl_addr;

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

void network_ns_name(struct network_ns *ns, uint32_t address);

/** network_link_up() - @ret_index may be NULL */
int network_link_up(struct nl_sock *sock, const char *name, int *ret_index, struct err *err);
int network_address_add(struct nl_sock *sock, int index, uint32_t address, unsigned prefix,
                        struct err *err);

/** network_host_setup() - bridge with address, ip_forward, masquerade. Blocks: only at start */
int network_host_setup(struct nl_sock *sock, const struct network_opts *opts,
                       const struct network_subnet *subnet, int *ret_bridge_index, struct err *err);

/** network_host_masquerade() - the rules alone, made anew. Blocks for a moment */
void network_host_masquerade(const struct network_opts *opts, const struct network_subnet *subnet);
