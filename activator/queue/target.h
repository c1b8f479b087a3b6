/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target - a container that clients want: whether it is awake, who waits for it, who is inside
 *
 * It asks for a wake, holds waiters in the order in which they came, lets them go when the cluster
 * says that the container is ready, and keeps to the budgets. It knows neither HTTP nor who waits:
 * see waiter.h. The first part of this file is for cluster/, the second one for exchanges.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "activator/core/hold_policy.h"
#include "activator/core/upgrade.h"
#include "activator/core/wake.h"
#include "activator/queue/waiter.h"

struct pool;
struct queue;

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

/** target_make() - Return: NULL when there is no memory */
struct target *target_make(struct queue *q, const struct target_opts *opts);
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

/**
 * target_enter() - @w: OUT, with its ops and bytes
 * Return: END_NONE with @w HELD or, if nothing stands in its way, COMING (granted() is not called);
 * or why it may not wait, and refused() is not called
 */
enum end_reason target_enter(struct target *t, struct waiter *w);
/** target_settle() - COMING -> INSIDE: it has a connection */
void target_settle(struct waiter *w);
/** target_hold_again() - it lost its connection and waits anew, before those that came later */
void target_hold_again(struct waiter *w);
/** target_leave() - -> OUT, whatever it was */
void target_leave(struct waiter *w);
/** target_refuse_held() - all that wait must go */
void target_refuse_held(struct target *t, enum end_reason reason);
/** target_first_inside() - who is inside for the longest time, and how many there are */
struct waiter *target_first_inside(const struct target *t, uint32_t *ret_count);
/** target_pool() - the connections to it */
struct pool *target_pool(struct target *t);
const struct target_limits *target_rules(const struct target *t);
/** target_message() - what the cluster says of it; NULL once it is ready: then that is no reason */
const char *target_message(const struct target *t);
/** target_asked() - a request came or ended; @client: its text is copied, or NULL */
void target_asked(struct target *t, const char *client);
/** target_tunnelled() - @by: a tunnel began (1) or ended (-1) */
void target_tunnelled(struct target *t, int by);
/** target_talked() - bytes went through a tunnel */
void target_talked(struct target *t, uint64_t now_ms);
/** target_answered() - the first byte of the answer to one that was held; it came @ms ago */
void target_answered(struct target *t, uint64_t ms);
