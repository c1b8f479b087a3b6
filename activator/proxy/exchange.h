/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange - one request and its answer, or a tunnel: the only thing that knows both sides
 *
 * It couples a client's stream with a container's, and lets a target (queue/target.h) decide when:
 * it enters the queue, is granted a place, takes a connection from the pool, sends the request, and
 * passes the answer back. Calls of streams, target and pool mark; events come from the turn. So
 * there is one place where it changes its state, and one where it ends.
 */
#pragma once

#include "activator/proxy/exchange_state.h"
#include "activator/queue/pool.h"
#include "activator/queue/target.h"
#include "activator/session/client.h"

struct exchange {
	enum exchange_state state;
	struct turn_item grave;
	struct client *client;
	struct stream *down; /* of the client; NULL: it is gone */
	struct stream *up;   /* of the container; from SENDING on */
	struct link *link;   /* likewise */
	struct waiter wait;
	struct seeker seek;
	char *head; /* as it is sent; NULL when it will not be sent again */
	uint32_t head_bytes;
	uint32_t text_bytes;
	uint64_t dial_ms;     /* first released */
	uint64_t deadline_ms; /* of the hold */
	uint64_t progress_ms;
	uint16_t status;
	uint8_t attempts_count;
	uint8_t interim_count;
	/* what the request is */
	bool has_body;
	bool idempotent;
	bool is_head;
	bool wants_upgrade;
	bool chunked;
	bool as_text; /* answers of ours: not as JSON */
	/* what became of it */
	bool asked_all;   /* the request was read to its end, or nobody wants the rest */
	bool delivered;   /* an earlier attempt may have reached the container */
	bool down_ended;  /* in a tunnel: that side has no more to say */
	bool up_ended;    /* likewise */
	uint16_t path_at; /* in text, as the next one; for the access log only */
	uint16_t host_at;
	const char *method; /* static */
	char text[];        /* X-Request-Id first */
};

/** exchange_request() - of struct client_events: a head was read */
enum end_reason exchange_request(struct client *c, struct stream *s, const struct head *h,
                                 struct request_facts *f, const char **ret_detail);
/** exchange_of() - of @c; NULL: none is under way */
struct exchange *exchange_of(const struct client *c);
/** exchange_of_waiter() - all that wait at targets are exchanges */
struct exchange *exchange_of_waiter(struct waiter *w);
/** exchange_fail() - answer with @reason, or cut off what is under way; it is over */
void exchange_fail(struct exchange *x, enum end_reason reason, const char *detail);
/** exchange_cut() - it is over, and so is the client's connection */
void exchange_cut(struct exchange *x, enum end_reason reason);
/** exchange_check_deadline() - its state has lasted as long as it may: what then has to be done */
void exchange_check_deadline(struct exchange *x, uint64_t now_ms);
/** exchange_relieve() - memory is short: give back what costs nobody anything */
void exchange_relieve(struct exchange *x);
