/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool - the connections to one container: those that are kept for the next request, and those that
 * are being dialled
 *
 *     DIALLING ──connected──> TAKEN ──give──> IDLE ──take──> TAKEN
 *         └──failed, too slow────┴──────────────┴──> closed
 *
 * Who wants a connection and finds none waits in a list, and so many are dialled as wait. A dial
 * that failed is tried again after a fixed interval; one timer serves all that is due. What is sent
 * over a connection, and by whom, is not known here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "activator/net/conn.h"

enum {
	POOL_IDLE_MS = 4000, /* below Node's 5 s */
	POOL_IDLE_MAX = 256,
	POOL_DIAL_ATTEMPT_MS = 500,
	POOL_DIAL_INTERVAL_MS = 25,
};

struct pool;

enum link_state { LINK_UNSET, LINK_DIALLING, LINK_IDLE, LINK_TAKEN, LINK_CLOSED };

/* A connection to the container. */
struct link {
	struct conn conn;
	struct pool *pool;
	TAILQ_ENTRY(link) entry;
	enum link_state state;
	unsigned endpoint; /* the pool's when it was dialled */
	uint64_t since_ms; /* DIALLING, IDLE: in this state */
};

TAILQ_HEAD(links, link);

/* Somebody who waits for a connection. */
struct seeker {
	TAILQ_ENTRY(seeker) entry;
	bool waits; /* it is in the list */
	/* It waits no more, and @link is its own, until pool_give(). */
	void (*connected)(struct seeker *s, struct link *link);
};

TAILQ_HEAD(seekers, seeker);

struct pool_stats {
	uint32_t count;
	uint64_t opened;
	uint64_t reused;
	uint64_t unsolicited; /* ended for bytes that answered nothing */
};

struct pool {
	struct turn *turn;
	struct pool_stats *stats;
	struct sockaddr_storage address;
	socklen_t address_bytes; /* 0: not known */
	unsigned endpoint;       /* counts changes of the address */
	struct links idle;       /* the last used at the end, as in the next one */
	struct links dials;
	struct links taken;
	uint32_t idle_count;
	uint32_t dials_count;
	struct seekers seekers;
	uint32_t seekers_count;
	uint64_t retry_ms; /* no dial before; 0: at any time */
	struct event timer;
	uint64_t timer_ms; /* when it fires; 0: never */
	bool closing;
};

void pool_init(struct pool *p, struct turn *turn, struct pool_stats *stats);
/** pool_done() - all connections are closed, also those that are taken */
void pool_done(struct pool *p);
/** pool_set_address() - another one: idle connections go, and taken ones do not come back */
void pool_set_address(struct pool *p, const struct sockaddr *address, socklen_t bytes);
/** pool_take() - Return: a connection that was kept; or NULL, then @s waits */
struct link *pool_take(struct pool *p, struct seeker *s);
/** pool_leave() - @s waits no more; nothing if it does not */
void pool_leave(struct pool *p, struct seeker *s);
/** pool_give() - it is not needed any more; @reusable: what was sent and answered is complete */
void pool_give(struct link *link, bool reusable);
