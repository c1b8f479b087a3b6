/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal - the proxy as the files of proxy/ see it; others use proxy.h
 */
#pragma once

#include "activator/net/listener.h"
#include "activator/net/turn.h"
#include "activator/proxy/exchange.h"
#include "activator/proxy/proxy.h"
#include "activator/queue/queue.h"
#include "activator/session/client.h"

enum {
	PROXY_TICK_MS = 250,
	PROXY_LINGER_MS = 2000,
	PROXY_RELIEF_MS = 20,
	PROXY_LISTENERS_MAX = 8,
};

struct proxy {
	struct event_base *base;
	struct proxy_opts opts;
	struct proxy_stats stats;
	struct turn turn;
	struct clients clients;
	struct queue queue;
	void *sources; /* tsearch(3) */
	struct listener listeners[PROXY_LISTENERS_MAX];
	unsigned listeners_count;
	bool accept_paused; /* out of descriptors: accepting goes on at the next tick */
	struct event tick;
	/* sweep.c */
	struct event sweep;
	struct client_list round; /* all but the dead, whose last look is the longest ago first */
	uint64_t round_number;
	bool round_open;
	/* evict.c, relief.c */
	struct standing standing;
	struct event relief;
	uint64_t relief_round; /* the first one that began in excess; 0: there is none */
	uint64_t looked_ms;    /* evict_one() looked at all containers */
	/* the end */
	uint64_t drain_until_ms;
	bool drain_is_over; /* what was held is refused; only these answers still go out */
	void (*on_drained)(void *arg);
	void *drained_arg;
};

/* stats.c */
/** proxy_count() - a request ended; @status: that of the answer, if the reason is END_OK */
void proxy_count(struct proxy *p, enum end_reason reason, unsigned status);

/* exchange.c */
extern const struct stream_events exchange_down_events;
extern const struct stream_events exchange_up_events;
extern const struct waiter_ops exchange_waiter_ops;

/* evict.c */
/** evict_one() - make room for one more connection. Return: false when nobody is old enough */
bool evict_one(struct proxy *p);
/** evict_heavy() - of those that give memory back when they go. Return: false when nobody is left
 */
bool evict_heavy(struct proxy *p);
/** evict_look() - memory may be short: free some, soon (relief.c) */
void evict_look(struct proxy *p);
/** evict_place() - it was measured: where it stands when somebody must go */
void evict_place(struct client *c);
/** evict_check_pace() - end it if it is too slow */
void evict_check_pace(struct client *c, uint64_t now_ms);

/* sweep.c */
void sweep_init(struct proxy *p);
void sweep_done(struct proxy *p);
/** sweep_begin() - at each tick: a look at all clients, some in each turn */
void sweep_begin(struct proxy *p);
/** sweep_begin_anew() - also when one is under way. Return: the round's number */
uint64_t sweep_begin_anew(struct proxy *p);
/** sweep_is_over() - whether all were looked at in that round or after it */
bool sweep_is_over(struct proxy *p, uint64_t round_number);

/* relief.c */
void relief_init(struct proxy *p);
void relief_done(struct proxy *p);
