/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy - the data path: clients in, targets in the middle, connections to containers out
 *
 *     client ──head──> target ──ready──> upstream ──answer──> client
 *                        │ held          (pool per consumer Pod)
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
#include "activator/core/upgrade.h"
#include "activator/core/wake.h"
#include "activator/core/wake_rate.h"
#include "lib/base/err.h"

struct event_base;
struct proxy;
struct target;

enum proxy_stage {
	PROXY_STAGE_HOLD,       /* a request waited, up to its release */
	PROXY_STAGE_PATCH,      /* a wake was asked for, up to the API's answer */
	PROXY_STAGE_READY,      /* the same, up to the READY rule */
	PROXY_STAGE_DIAL,       /* released, up to a connection */
	PROXY_STAGE_FIRST_BYTE, /* the whole wait of a held request */
	PROXY_STAGES_COUNT,
};

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
/** proxy_accept() - with opts.accept_later: from now on; before, the kernel keeps connections */
void proxy_accept(struct proxy *p);
/** proxy_drain() - no new connections; @on_done once all have ended or @bound_ms is over */
void proxy_drain(struct proxy *p, uint64_t bound_ms, void (*on_done)(void *arg), void *arg);
const struct proxy_stats *proxy_stats(const struct proxy *p);
uint32_t proxy_held_count(const struct proxy *p);

struct target_opts {
	const char *ns;
	const char *name;
	const char *uid;
	/* Ask for a wake; ends with target_wake_done(). Never called while one is under way. */
	void (*ask_wake)(void *arg, struct target *t);
	/* The first answer to a held request came: how long that request had waited. May be NULL.
	 */
	void (*on_cold_start)(void *arg, struct target *t, uint64_t ms);
	void *arg;
};

struct target_limits {
	struct hold_limits held;
	uint64_t hold_timeout_ms;
	uint32_t concurrency_max;      /* 0: none */
	char upgrades[UPGRADES_BYTES]; /* protocols that Upgrade may name, "a,b" */
};

/* What the cluster says; strings are copied. */
struct target_view {
	struct wake_view wake;
	const char *consumer_uid;       /* "" when there is none */
	const struct sockaddr *address; /* NULL: not known */
	socklen_t address_bytes;
	const char *message; /* "Reason: text", why it is not ready; or "" */
	const char *node;    /* where its files are; "" or NULL: on none yet, or not known */
};

struct target_activity {
	uint32_t in_flight_count;
	uint32_t held_count;
	uint32_t upgraded_count;
	bool has_last_request;
	uint64_t last_request_ms; /* monotonic */
	bool has_last_byte;
	uint64_t last_byte_ms;   /* of upgraded connections */
	const char *last_client; /* "" when there was none */
};

struct target *target_new(struct proxy *p, const struct target_opts *opts); /* NULL: no memory */
/** target_free() - its requests get 404 */
void target_free(struct target *t);
void target_set_limits(struct target *t, const struct target_limits *limits);
void target_observe(struct target *t, const struct target_view *view);
/**
 * target_wake_done() - @generation 0: refused for good, or nobody waits any more
 */
void target_wake_done(struct target *t, int64_t generation);
/** target_wake_refused() - for good, as @why says: what is held is told at once */
void target_wake_refused(struct target *t, const char *why);
/** target_wake_trouble() - it failed and is tried again: what to say if that never ends well */
void target_wake_trouble(struct target *t, const char *why);
/** target_quiesce() - Return: false when requests are in flight or held */
bool target_quiesce(struct target *t, uint64_t lease_ms);
void target_resume(struct target *t);
void target_activity(const struct target *t, struct target_activity *ret_activity);
bool target_has_held(const struct target *t);
const char *target_uid(const struct target *t);
const char *target_ns(const struct target *t);
const char *target_name(const struct target *t);
enum wake_state target_state(const struct target *t);
