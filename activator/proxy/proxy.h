/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy - the data path as the rest of the program sees it: listeners, policy, the end; with
 * queue/target.h it is the border to cluster/
 *
 *     client ──head──> target ──ready──> container ──answer──> client
 *                        │ held          (pool of connections)
 *                        └──fail, deadline, client gone
 *
 * It knows nothing of Kubernetes: who owns a host, and how a wake is asked for, are callbacks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "activator/core/end_reason.h"
#include "activator/core/hold_policy.h"
#include "activator/core/pace.h"
#include "activator/core/trust.h"
#include "activator/core/wake_rate.h"
#include "activator/queue/queue.h"
#include "activator/queue/target.h"
#include "lib/base/err.h"

struct event_base;
struct protocol;
struct proxy;

struct proxy_opts {
	uint32_t connections_max;
	uint32_t connections_of_address_max; /* 0: no limit of its own */
	struct pace_limit pace;              /* of clients that we wait for */
	struct hold_limits held;             /* of all targets together */
	struct wake_rates wakes;
	uint64_t idle_timeout_ms;
	uint64_t head_timeout_ms;
	uint64_t response_timeout_ms;
	bool accept_later; /* not before proxy_accept() */
	bool access_log;
	struct trust trusted; /* proxies before us */
	/* who reads in an answer of ours what the cluster says of a container: images, nodes */
	struct trust details;
	/** Return: the host's target, or NULL with *ret_reason; @host is NUL-terminated */
	struct target *(*route)(void *arg, const char *host, bool is_public,
	                        enum end_reason *ret_reason);
	/* A duration was measured, for histograms; may be NULL */
	void (*on_stage)(void *arg, enum proxy_stage stage, uint64_t ms);
	void *arg;
};

enum { PROXY_STATUS_MAX = 1000 };

/* Counted where it happens, read by whoever publishes it. */
struct proxy_stats {
	uint64_t answered[PROXY_STATUS_MAX]; /* END_OK by status */
	uint64_t ended[END_REASONS_COUNT];
	uint32_t clients_count;
	uint32_t upstreams_count;
	uint64_t upstreams_opened;
	uint64_t upstreams_reused;
	uint64_t upstreams_unsolicited; /* ended for bytes that answered nothing */
	uint64_t retries;
};

int proxy_new(struct event_base *base, const struct proxy_opts *opts, struct proxy **ret_proxy,
              struct err *err);
void proxy_free(struct proxy *p); /* targets first */
/**
 * proxy_listen() - @address "127.0.0.1:8080", "[::]:0". *ret_port: the one in use
 * @is_public: strangers may come by it; the route is told so
 */
int proxy_listen(struct proxy *p, const char *address, bool is_public, unsigned *ret_port,
                 struct err *err);
/** proxy_listen_for() - the same, for clients that speak another @protocol than HTTP/1.1 */
int proxy_listen_for(struct proxy *p, const struct protocol *protocol, const char *address,
                     unsigned *ret_port, struct err *err);
/** proxy_accept() - with opts.accept_later: from now on; before, the kernel keeps connections */
void proxy_accept(struct proxy *p);
/** proxy_drain() - no new connections; @on_done once all have ended or @bound_ms is over */
void proxy_drain(struct proxy *p, uint64_t bound_ms, void (*on_done)(void *arg), void *arg);
const struct proxy_stats *proxy_stats(struct proxy *p);
uint32_t proxy_held_count(const struct proxy *p);

/** target_new() - a container's; see queue/target.h. Return: NULL when there is no memory */
struct target *target_new(struct proxy *p, const struct target_opts *opts);
