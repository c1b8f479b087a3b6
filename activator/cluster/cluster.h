/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster - StoppableContainers and their instances as targets; wakes as patches
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "activator/proxy/proxy.h"

struct cluster;
struct kube_client;
struct metric;

struct cluster_opts {
	struct kube_client *client;
	const char *identity;
	const char *const *domains;   /* NULL-terminated */
	const char *cluster_domain;   /* "cluster.local" */
	struct target_limits limits;  /* where the manifest says nothing */
	struct hold_limits held;      /* of all together: */
	unsigned share_pct;           /* one container has at most so much of it, */
	uint64_t hold_timeout_max_ms; /* and waits at most so long, whatever its manifest says */
	uint64_t lost_max_ms;       /* without a watch for so long nothing is known; 0: for ever */
	struct metric *wakes_total; /* label result */
	void (*on_synced)(void *arg); /* all caches are filled for the first time */
	void *arg;
};

struct cluster *cluster_new(struct event_base *base, const struct cluster_opts *opts,
                            struct err *err);
/** cluster_start() - @proxy's route callback is cluster_route() with the cluster as its argument */
int cluster_start(struct cluster *cl, struct proxy *proxy, struct err *err);
void cluster_free(struct cluster *cl); /* before the proxy */

/** cluster_route() - @is_public: only hosts and names below `domains`, none of the cluster's own */
struct target *cluster_route(void *cluster, const char *host, bool is_public,
                             enum end_reason *ret_reason);
bool cluster_is_synced(const struct cluster *cl);
uint64_t cluster_lost_ms(const struct cluster *cl, uint64_t now_ms);
struct target *cluster_find(const struct cluster *cl, const char *uid);
void cluster_foreach(const struct cluster *cl, void (*visit)(void *arg, struct target *t),
                     void *arg);
