/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network - network namespaces of Pods, made ahead of need, on a bridge of our own
 *
 * A namespace has lo and eth0 (a veth pair whose other end is on the bridge), an address and a
 * default route. Only a descriptor holds it, and the containers in it: nothing is mounted, and
 * with the last holder the kernel removes the namespace and both ends of the pair.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "local/host/io/network_host.h"

struct event_base;
struct network;

enum { NETWORK_REUSE_AFTER_MS = 60000, NETWORK_POOL_MAX = 64 };

struct network_ns {
	int fd;
	char path[48]; /* for other processes, while fd is open */
	char address[16];
};

int network_open(struct event_base *base, const struct network_opts *opts,
                 struct network **ret_network, struct err *err);
/** network_close() - drops the pool; bridge and rules stay for the containers that run on */
void network_close(struct network *n);
DEFINE_CLEANUP(struct network *, network_close);

/**
 * network_rest() - @address is named by what is left of an earlier process: nobody else gets it
 * within NETWORK_REUSE_AFTER_MS, and then last. Of another subnet, or none: nothing happens.
 */
void network_rest(struct network *n, const char *address);

/** network_take() - a namespace from the pool, or a new one. The caller gives it back. */
int network_take(struct network *n, struct network_ns *ret_ns, struct err *err);

/** network_adopt() - the namespace of a running container that an earlier process made */
int network_adopt(struct network *n, pid_t pid, const char *address, struct network_ns *ret_ns,
                  struct err *err);

/** network_give_back() - its address is not used again within NETWORK_REUSE_AFTER_MS */
void network_give_back(struct network *n, struct network_ns *ns);

/** network_gateway() - the bridge's address, which is the node's */
const char *network_gateway(const struct network *n);
