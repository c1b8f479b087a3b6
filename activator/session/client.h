/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - a connection that came in, whatever is spoken on it: where it is from, what we wait for
 * it to do, when it was looked at
 *
 *     IDLE <──> HEAD ──> BUSY ──> FLUSHING ──> IDLE, HEAD or LINGER
 *                          └──> TUNNEL ──┘            any ──> DEAD
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "activator/core/pace.h"
#include "activator/core/standing.h"
#include "activator/net/conn.h"
#include "activator/net/source.h"
#include "activator/session/protocol.h"
#include "activator/session/stream.h"

/* clang-format off */
#define CLIENT_STATES(X)                                                                    \
	X(IDLE, "idle")         /* between requests */                                       \
	X(HEAD, "head")         /* some of a head was read */                                \
	X(BUSY, "busy")         /* has a request */                                          \
	X(FLUSHING, "flushing") /* its answer is complete, and not all of it sent */         \
	X(TUNNEL, "tunnel")     /* upgraded */                                               \
	X(LINGER, "linger")     /* the last answer is sent; what still comes is thrown away */ \
	X(DEAD, "dead")
/* clang-format on */

enum client_state {
	CLIENT_UNSET,
#define X(name, text) CLIENT_##name,
	CLIENT_STATES(X)
#undef X
	        CLIENT_STATES_COUNT
};

/* What we wait for a client to do. */
enum client_debt { DEBT_NONE, DEBT_HEAD, DEBT_BODY, DEBT_READING };

struct client {
	struct conn conn; /* serves the session; buried with it */
	struct clients *all;
	const struct protocol *protocol;
	TAILQ_ENTRY(client) link; /* in the list of its state */
	enum client_state state;
	bool is_public;  /* came in by such a listener */
	bool is_trusted; /* a proxy of ours: see core/forward.h */
	bool gets_details;
	uint64_t entered_ms;
	uint64_t progress_ms;  /* it took some of what it was sent */
	struct stream *stream; /* with an exchange; NULL: none is under way */
	struct source *source;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
	/* these: by proxy/sweep.c and proxy/evict.c, at each look */
	TAILQ_ENTRY(client) round_link;
	uint64_t round_number; /* of the last look */
	struct standing_place place;
	enum client_debt debt;
	struct pace pace;
	uint64_t owed_bytes; /* sent when the pace's window opened */
	uint64_t seen_bytes; /* moved by the client up to the last look */
	struct recent recent;
};

TAILQ_HEAD(client_list, client);

/* What sessions tell of their clients. */
struct client_events {
	/*
	 * A request's head was read: make an exchange for it and join it to @s (its events, owner);
	 * begin() follows. @ret_detail: what an answer says of the reason; borrowed
	 * Return: END_NONE, or why there is none
	 */
	enum end_reason (*request)(struct client *c, struct stream *s, const struct head *h,
	                           struct request_facts *f, const char **ret_detail);
	/* It was answered without an exchange. @h: the head, where there is a whole one, or NULL */
	void (*refused)(struct client *c, const struct problem *p, const struct head *h);
	/* It is dead; the exchange is over. */
	void (*gone)(struct client *c);
};

/* All clients. */
struct clients {
	struct turn *turn;
	const struct client_events *events;
	void *arg; /* the proxy */
	struct client_list lists[CLIENT_STATES_COUNT];
	uint32_t count;
	bool draining; /* no request comes after this one */
};

struct client_opts {
	const struct protocol *protocol;
	const struct sockaddr_storage *address;
	struct source *source; /* whoever hears that it is gone gives it back */
	bool is_public;
};

void clients_init(struct clients *all, struct turn *turn, const struct client_events *events,
                  void *arg);
/** client_open() - takes @fd in any case. Return: NULL when there is no memory for it */
struct client *client_open(struct clients *all, int fd, const struct client_opts *opts);
/** client_set_state() - the one place where it changes; it is the last in that list */
void client_set_state(struct client *c, enum client_state state);
/** client_drop() - the connection ends at once; what is under way is told */
void client_drop(struct client *c);
/** client_join() - @s has an exchange from now on; NULL: there is none any more */
void client_join(struct client *c, struct stream *s);
const char *client_state_name(enum client_state state);
