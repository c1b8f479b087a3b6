/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal - the data path's objects as its own files see them; others use proxy.h
 *
 * client.c owns clients and their requests, upstream.c connections to containers, target.c the
 * queues and the wake table, proxy.c listeners, clocks and the end.
 * Nothing is freed inside its own callback: what ended goes to the dead lists, which are emptied
 * after the turn.
 */
#pragma once

#include <llhttp.h>
#include <netinet/in.h>
#include <sys/queue.h>

#include "activator/core/forward.h"
#include "activator/core/pace.h"
#include "activator/core/standing.h"
#include "activator/io/address.h"
#include "activator/io/message.h"
#include "activator/io/proxy.h"
#include "activator/io/site.h"
#include "activator/io/source.h"
#include "activator/io/tenant.h"

enum {
	PROXY_READ_BYTES = 64 * 1024,
	TURN_BYTES_MAX = 128 * 1024, /* that one connection moves before the others are asked */
	PROXY_TICK_MS = 250,
	PROXY_LINGER_MS = 2000,
	UPSTREAM_IDLE_MS = 4000, /* below Node's 5 s */
	UPSTREAM_IDLE_MAX = 256, /* per target */
	DIAL_ATTEMPT_MS = 500,
	DIAL_INTERVAL_MS = 25,
	DIALS_MAX = 16,           /* per target at once: a fresh server's backlog may be small */
	INTERIM_ANSWERS_MAX = 16, /* 1xx, to one request; they are buffered */
	INTERIM_BYTES_MAX = 16 * 1024, /* of them, that a client has not taken */
	PROXY_LISTENERS_MAX = 8,
};

enum client_state {
	CLIENT_IDLE,   /* between requests */
	CLIENT_HEAD,   /* some of a head was read */
	CLIENT_BUSY,   /* has a request */
	CLIENT_TUNNEL, /* upgraded */
	CLIENT_LINGER, /* the last answer is sent; what still comes in is thrown away */
	CLIENT_DEAD,
	CLIENT_STATES_COUNT,
};

/* What we wait for a client to do. */
enum client_debt { DEBT_NONE, DEBT_HEAD, DEBT_BODY, DEBT_READING };

enum request_state {
	REQUEST_NEW, /* in no list */
	REQUEST_HELD,
	REQUEST_DIALING, /* released; no connection yet */
	REQUEST_ACTIVE,  /* on a connection */
};

TAILQ_HEAD(clients, client);
TAILQ_HEAD(requests, request);
TAILQ_HEAD(upstreams, upstream);

struct client {
	struct sock sock;
	struct proxy *proxy;
	TAILQ_ENTRY(client) link; /* in the list of its state */
	enum client_state state;
	bool is_public;  /* came in by such a listener */
	bool is_trusted; /* a proxy of ours: see forward.h */
	bool gets_details;
	uint64_t entered_ms;
	struct message message;
	struct head_buf *head; /* while bytes are in it */
	struct out out;
	struct request *request;
	struct sockaddr_storage address;
	struct source *source;
	TAILQ_ENTRY(client) round_link; /* these: by sweep.c and evict.c, at each look */
	uint64_t round_number;          /* of the last look */
	struct standing_place place;
	enum client_debt debt;
	struct pace pace;
	uint64_t owed_bytes; /* sent when the pace's window opened */
	uint64_t seen_bytes; /* moved by the client up to the last look */
	struct recent recent;
	TAILQ_ENTRY(client) hungry_link;
	size_t spent_bytes; /* moved in this turn, weighted */
	bool hungry;        /* its turn was cut off; it goes on in the next one */
	bool close;         /* after this answer */
	bool running;       /* client_run() is on the stack */
	bool again;
};

struct request {
	struct client *client;
	struct target *target;
	struct upstream *upstream;
	TAILQ_ENTRY(request) link; /* in the target's list of its state */
	enum request_state state;
	char *head; /* as it goes on; NULL when it will not be sent again */
	size_t head_bytes;
	uint64_t start_ms;
	uint64_t dial_ms;
	uint64_t retry_ms;    /* DIALING without a connection: when to dial again */
	uint64_t deadline_ms; /* of the hold */
	uint64_t progress_ms;
	size_t charged_bytes;
	unsigned attempts_count;
	unsigned interim_count;
	unsigned status;
	bool charged;
	bool was_held;
	bool has_body;
	bool idempotent;
	bool is_head;
	bool wants_upgrade;
	bool keep_alive;
	bool is_1_0;
	bool chunked_in;
	bool sent;
	bool answered; /* any byte of an answer was seen */
	bool upgraded;
	bool forwarded; /* a final head went to the client */
	bool body_done; /* the request was read to its end */
	bool answer_done;
	bool client_ended;    /* in a tunnel: that side has no more to say */
	bool container_ended; /* likewise */
	bool delivered;       /* an earlier attempt may have reached the container */
	bool as_text;         /* answers of ours: not as JSON */
	const char *id;       /* these: in text; host and path for the access log only */
	const char *host;
	const char *path;
	const char *method; /* static */
	size_t text_bytes;
	char text[];
};

struct upstream {
	struct sock sock;
	struct target *target;
	struct request *request;
	TAILQ_ENTRY(upstream) link;     /* in the target's idle or busy list, or the dead list */
	TAILQ_ENTRY(upstream) age_link; /* while it is dialled or idle: in the proxy's list */
	struct message message;
	struct head_buf *head;
	struct out out;
	uint64_t since_ms; /* idle, or dialing */
	unsigned endpoint; /* the target's endpoint number when it was dialled */
	bool connecting;
	bool idle;
	bool keep_alive;
	bool dead;
	bool eof;
};

struct target {
	struct proxy *proxy;
	struct target_opts opts;
	char *ns;
	char *name;
	char *uid;
	struct tenant *tenant;
	TAILQ_ENTRY(target) tenant_link;
	struct site *site; /* NULL: no node is known */
	struct target_limits limits;
	struct wake wake;
	struct wake_view view;
	bool has_view;
	bool waking; /* a wake is under way */
	char consumer_uid[64];
	struct sockaddr_storage address;
	socklen_t address_bytes;
	unsigned endpoint; /* counts changes of the address or the Pod */
	char message[512]; /* of the last view */
	struct requests held;
	struct requests dialing;
	struct requests active;
	struct upstreams idle;
	struct upstreams busy;
	uint32_t idle_count;
	uint32_t dialing_count;
	uint32_t active_count;
	uint32_t upgraded_count;
	struct hold_usage usage;
	struct event lease_timer;
	struct event dial_timer;
	uint64_t wake_asked_ms;
	bool has_last_request;
	uint64_t last_request_ms;
	bool has_last_byte;
	uint64_t last_byte_ms;
	char last_client[ADDRESS_TEXT_BYTES];
	bool cold_start; /* the next first byte of a held request ends one */
	bool freeing;
	TAILQ_ENTRY(target) link;
};

TAILQ_HEAD(targets, target);

struct listener {
	struct proxy *proxy;
	bool is_public; /* see proxy_listen() */
	int fd;
	struct event ev;
};

struct proxy {
	struct event_base *base;
	struct proxy_opts opts;
	struct proxy_stats stats;
	struct clients clients[CLIENT_STATES_COUNT];
	struct upstreams dead;
	struct upstreams dials; /* the oldest first, as in the next one */
	struct upstreams parked;
	struct clients hungry;
	struct event again; /* the hungry are served, once all others were */
	struct targets targets;
	struct tenants holding; /* those that hold something */
	void *tenants_by_ns;    /* tsearch(3) */
	void *sites;            /* tsearch(3) */
	struct bucket wakes;
	void *sources; /* tsearch(3) */
	struct hold_usage usage;
	struct listener listeners[PROXY_LISTENERS_MAX];
	unsigned listeners_count;
	bool accept_paused; /* out of descriptors: accepting goes on at the next tick */
	struct event tick;
	struct event reap;
	struct event sweep;
	struct clients round; /* all but the dead, whose last look is the longest ago first */
	uint64_t round_number;
	bool round_open;
	struct standing standing;
	struct event relief;
	uint64_t relief_round; /* the first one that began in excess; 0: there is none */
	uint64_t looked_ms;    /* evict_one() looked at all containers */
	bool draining;
	uint64_t drain_until_ms;
	void (*on_drained)(void *arg);
	void *drained_arg;
	char buf[PROXY_READ_BYTES];
	char text[HEAD_BYTES_MAX + HEAD_FIELDS_MAX * 4 + FORWARD_EXTRA_BYTES];
};

/* answer.c */
/** client_refuse() - answer with @reason; @detail (or NULL) is added to its text */
void client_refuse(struct client *c, enum end_reason reason, const char *detail);

/* client.c */
/** client_accept() - @source: given back at its end; NULL: not counted */
void client_accept(struct listener *l, int fd, const struct sockaddr_storage *address,
                   struct source *source);
void client_run(struct client *c);
/** client_turn_begins() - an event of its own, or of its container's connection, is served */
void client_turn_begins(struct client *c);
/**
 * client_spend() - count what was moved for @c in this turn
 * Return: true when its turn is over: it goes on once all others were served
 */
bool client_spend(struct client *c, size_t bytes);
/** client_serve_hungry() - those whose turn was cut off */
void client_serve_hungry(struct proxy *p);
void client_set_state(struct client *c, enum client_state state);
void client_drop(struct client *c);
/** client_check_deadline() - its state has lasted as long as it may: what then has to be done */
void client_check_deadline(struct client *c, uint64_t now_ms);
void client_free(struct client *c);

/* request.c */
enum end_reason request_start(struct client *c, struct request **ret_request);
void request_end(struct request *r, enum end_reason reason); /* counts it, frees it */
void request_fail(struct request *r, enum end_reason reason, const char *detail);
/** request_detail() - what the cluster says of its container; NULL: not for this client */
const char *request_detail(const struct request *r);
bool request_may_retry(const struct request *r);
void request_forget_head(struct request *r); /* no further attempt is possible */
void request_lost(struct request *r);        /* its upstream is gone before the answer's end */

/* target.c */
void target_admit(struct target *t, struct request *r);
void target_hold_again(struct request *r);
void target_release(struct target *t);
void target_request_gone(struct request *r);  /* take it out of the target's lists */
void target_dispatch_done(struct request *r); /* DIALING -> ACTIVE */

/* upstream.c */
void upstream_attach(struct request *r); /* reuse, or dial */
/** upstream_dial_later() - those of @t's requests that have no connection are looked at again */
void upstream_dial_later(struct target *t);
void upstream_send(struct upstream *u); /* the request's head, then its body */
void upstream_run(struct upstream *u);
void upstream_close(struct upstream *u);
void upstream_park(struct upstream *u); /* keep for the next request, or close */
void upstream_sweep(struct proxy *p, uint64_t now_ms);

/* evict.c */
void evict_init(struct proxy *p);
void evict_done(struct proxy *p);
/** evict_one() - make room for one more connection. Return: false when nobody is old enough */
bool evict_one(struct proxy *p);
/** evict_look() - memory may be short: free some, soon */
void evict_look(struct proxy *p);
/** evict_place() - it was measured: where it stands when somebody must go */
void evict_place(struct client *c);
/** client_check_pace() - end it if it is too slow */
void client_check_pace(struct client *c, uint64_t now_ms);
void client_evict(struct client *c, enum end_reason reason);
/** piece_bytes() - how much may be read at once, as memory is */
size_t piece_bytes(struct proxy *p);

/* sweep.c */
void sweep_init(struct proxy *p);
void sweep_done(struct proxy *p);
/** sweep_begin() - at each tick: a look at all clients, some in each turn */
void sweep_begin(struct proxy *p);
/** sweep_begin_anew() - also when one is under way. Return: the round's number */
uint64_t sweep_begin_anew(struct proxy *p);
/** sweep_is_over() - whether all were looked at in that round or after it */
bool sweep_is_over(struct proxy *p, uint64_t round_number);

/* proxy.c */
void proxy_bury(struct proxy *p);
void proxy_count(struct proxy *p, enum end_reason reason, unsigned status);
void proxy_stage(struct proxy *p, enum proxy_stage stage, uint64_t ms);
void proxy_arm(struct proxy *p);
