/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange - takes a request from its head to its end: couples the client's side with the
 * container's
 */
#include "activator/proxy/exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "activator/net/account.h"
#include "activator/net/address.h"
#include "activator/proxy/internal.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"

enum {
	INTERIM_ANSWERS_MAX = 16,      /* 1xx, to one request; they are buffered */
	INTERIM_BYTES_MAX = 16 * 1024, /* of them, that a client has not taken */
};

struct exchange *exchange_of(const struct client *c)
{
	return c->stream ? c->stream->owner : NULL;
}

struct exchange *exchange_of_waiter(struct waiter *w)
{
	return (struct exchange *)((char *)w - offsetof(struct exchange, wait));
}

static struct proxy *proxy_of(const struct exchange *x)
{
	return x->client->all->arg;
}

static struct exchange *exchange_of_seeker(struct seeker *s)
{
	return (struct exchange *)((char *)s - offsetof(struct exchange, seek));
}

/* The one place where the state changes. */
static void exchange_set_state(struct exchange *x, enum exchange_state state)
{
	assert(exchange_state_may(x->state, state));
	x->state = state;
	assert((x->up != NULL) == (state == EXCHANGE_SENDING || state == EXCHANGE_ANSWERING ||
	                           state == EXCHANGE_TUNNEL));
}

static void exchange_forget_head(struct exchange *x)
{
	account_move(ACCOUNT_BUFFERS, x->head ? x->head_bytes : 0, 0);
	free(x->head);
	x->head = NULL;
}

static bool exchange_may_retry(const struct exchange *x)
{
	const struct hold_loss loss = {
	        .sent = x->up && x->up->sent,
	        .answered = x->up && x->up->heard,
	        .idempotent = x->idempotent,
	        .has_body = x->has_body,
	        .attempts_count = x->attempts_count,
	};

	return x->head != NULL && hold_may_retry(&loss);
}

/* The end. */

static void exchange_log(const struct exchange *x, enum end_reason reason, unsigned status)
{
	char address[ADDRESS_TEXT_BYTES];

	address_text(&x->client->address.any, address);
	log_event(LOG_INFO, "request", log_str("namespace", target_ns(x->wait.target)),
	          log_str("name", target_name(x->wait.target)), log_str("client", address),
	          log_str("host", x->text + x->host_at), log_str("method", x->method),
	          log_str("path", x->text + x->path_at), log_str("id", x->text),
	          log_u64("status", status), log_str("reason", end_reason_label(reason)),
	          log_u64("duration_ms", clk_now_ms() - x->wait.since_ms));
}

static void exchange_give(void *arg)
{
	free(arg);
}

/* The connection to the container is given up; the next attempt has another one. */
static void exchange_part(struct exchange *x, bool complete)
{
	if (x->up == NULL)
		return;
	pool_give(x->link, x->up->ops->close(x->up, complete));
	x->up = NULL;
	x->link = NULL;
}

/* The one place where it ends. Whoever calls it has done with the client's stream, or will. */
static void exchange_end(struct exchange *x, enum end_reason reason)
{
	unsigned status = reason == END_OK ? x->status : end_reason_status(reason);
	bool complete = reason == END_OK && x->asked_all;

	proxy_count(proxy_of(x), reason, status);
	if (proxy_of(x)->opts.access_log)
		exchange_log(x, reason, status);
	if (x->state == EXCHANGE_TUNNEL)
		target_tunnelled(x->wait.target, -1);
	pool_leave(target_pool(x->wait.target), &x->seek);
	exchange_part(x, complete);
	exchange_set_state(x, EXCHANGE_ENDED);
	target_leave(&x->wait);
	target_asked(x->wait.target, NULL);
	x->down = NULL;
	exchange_forget_head(x);
	account_move(ACCOUNT_BUFFERS, sizeof *x + x->text_bytes, 0);
	turn_bury(&proxy_of(x)->turn, &x->grave, exchange_give);
}

/* What it counts as when its client, or its connection, is gone. */
static enum end_reason exchange_cut_reason(const struct exchange *x)
{
	return x->state == EXCHANGE_TUNNEL      ? END_UPGRADED
	       : x->state == EXCHANGE_ANSWERING ? END_CUT
	                                        : END_CLIENT_GONE;
}

void exchange_cut(struct exchange *x, enum end_reason reason)
{
	struct stream *down = x->down;

	exchange_end(x, reason);
	down->ops->close(down, false);
}

void exchange_fail(struct exchange *x, enum end_reason reason, const char *detail)
{
	const struct problem p = {.reason = reason,
	                          .detail = detail,
	                          .request_id = x->text,
	                          .delivered = x->delivered || (x->up && x->up->sent)};
	struct stream *down = x->down;

	if (x->state == EXCHANGE_ANSWERING || x->state == EXCHANGE_TUNNEL ||
	    end_reason_status(reason) == 0) {
		exchange_cut(x, exchange_cut_reason(x));
		return;
	}
	exchange_end(x, reason);
	down->ops->answer(down, &p, x->as_text);
}

/* What the cluster says of the container, for those who may know. */
static const char *exchange_detail(const struct exchange *x, const char *message)
{
	return x->client->gets_details ? message : NULL;
}

/* The way to the container. */

static void exchange_send(struct exchange *x, struct link *link)
{
	const struct stream_request r = {.text = x->head,
	                                 .bytes = x->head_bytes,
	                                 .is_head = x->is_head,
	                                 .chunked = x->chunked};

	target_settle(&x->wait);
	conn_narrow(x->down->conn);
	x->progress_ms = clk_now_ms();
	x->up = x->client->protocol->ask(&link->conn, &r);
	if (x->up == NULL) {
		pool_give(link, false);
		exchange_fail(x, END_INTERNAL, NULL);
		return;
	}
	x->link = link;
	x->up->events = &exchange_up_events;
	x->up->owner = x;
	exchange_set_state(x, EXCHANGE_SENDING);
	/* A body is wanted when the head has left (on_up_room()): until then the request may have
	   to be sent again, and what was read of a body would be missing. */
}

static void on_connected(struct seeker *s, struct link *link)
{
	struct exchange *x = exchange_of_seeker(s);

	queue_stage(&proxy_of(x)->queue, PROXY_STAGE_DIAL, clk_now_ms() - x->dial_ms);
	exchange_send(x, link);
}

static void exchange_dial(struct exchange *x)
{
	struct link *link;

	exchange_set_state(x, EXCHANGE_DIALLING);
	if (x->dial_ms == 0)
		x->dial_ms = clk_now_ms();
	x->seek.connected = on_connected;
	link = pool_take(target_pool(x->wait.target), &x->seek);
	if (link)
		exchange_send(x, link);
}

/* The container is gone before the answer's end. */
static void exchange_lost(struct exchange *x)
{
	bool may_retry = exchange_may_retry(x);

	if (!may_retry) {
		exchange_fail(x, END_BACKEND_LOST, NULL);
		return;
	}
	x->attempts_count++;
	proxy_of(x)->stats.retries++;
	x->delivered = x->delivered || x->up->sent;
	exchange_part(x, false);
	exchange_set_state(x, EXCHANGE_HELD);
	target_hold_again(&x->wait);
}

/* What the target says: struct waiter_ops. */

static void on_granted(struct waiter *w)
{
	exchange_dial(exchange_of_waiter(w));
}

static void on_recalled(struct waiter *w)
{
	struct exchange *x = exchange_of_waiter(w);

	pool_leave(target_pool(w->target), &x->seek);
	exchange_set_state(x, EXCHANGE_HELD);
}

static void on_refused(struct waiter *w, enum end_reason reason, const char *detail)
{
	struct exchange *x = exchange_of_waiter(w);

	exchange_fail(x, reason, exchange_detail(x, detail));
}

const struct waiter_ops exchange_waiter_ops = {
        .granted = on_granted,
        .recalled = on_recalled,
        .refused = on_refused,
};

/* What the client's stream tells. */

static void on_down_begin(void *owner, size_t kept_bytes)
{
	struct exchange *x = owner;
	struct target *t = x->wait.target;
	enum end_reason reason;

	x->wait.bytes = x->head_bytes + (uint32_t)kept_bytes;
	reason = target_enter(t, &x->wait);
	if (reason == END_FAILED || reason == END_WAKE_REFUSED)
		exchange_fail(x, reason, exchange_detail(x, target_message(t)));
	else if (reason != END_NONE)
		exchange_fail(x, reason, NULL);
	else if (x->wait.state == WAITER_COMING)
		exchange_dial(x);
	else
		exchange_set_state(x, EXCHANGE_HELD);
}

static void on_down_data(void *owner, const char *at, size_t bytes)
{
	struct exchange *x = owner;

	assert(x->up != NULL);
	x->progress_ms = clk_now_ms();
	if (x->state == EXCHANGE_TUNNEL)
		target_talked(x->wait.target, x->progress_ms);
	x->up->ops->data(x->up, at, bytes);
	if (x->up->ops->queued(x->up) == 0)
		x->down->ops->want(x->down);
}

/* Of a tunnel both sides have ended: what the client has not taken yet is still sent. */
static void exchange_close_tunnel(struct exchange *x)
{
	struct stream *down = x->down;

	exchange_end(x, END_UPGRADED);
	down->ops->close(down, true);
}

static void on_down_end(void *owner, const char *trailers, size_t bytes)
{
	struct exchange *x = owner;

	assert(x->up != NULL);
	x->progress_ms = clk_now_ms();
	if (x->state != EXCHANGE_TUNNEL) {
		x->asked_all = true;
		x->up->ops->end(x->up, trailers, bytes);
	} else if (x->up_ended) {
		exchange_cut(x, END_UPGRADED);
	} else {
		x->down_ended = true;
		x->up->ops->end(x->up, "", 0);
	}
}

static void on_down_room(void *owner)
{
	struct exchange *x = owner;

	x->progress_ms = clk_now_ms();
	if (x->up)
		x->up->ops->want(x->up);
}

static void on_down_lost(void *owner, enum end_reason reason, const char *detail)
{
	struct exchange *x = owner;

	if (reason == END_CLIENT_GONE) {
		client_join(x->client, NULL);
		exchange_end(x, exchange_cut_reason(x));
	} else {
		exchange_fail(x, reason, detail);
	}
}

const struct stream_events exchange_down_events = {
        .begin = on_down_begin,
        .data = on_down_data,
        .end = on_down_end,
        .room = on_down_room,
        .lost = on_down_lost,
};

/* What the container's stream tells. */

static void exchange_first_byte(struct exchange *x)
{
	if (x->wait.was_held)
		target_answered(x->wait.target, clk_now_ms() - x->wait.since_ms);
}

static void exchange_to_tunnel(struct exchange *x)
{
	exchange_set_state(x, EXCHANGE_TUNNEL);
	x->asked_all = true;
	target_tunnelled(x->wait.target, 1);
	target_talked(x->wait.target, clk_now_ms());
	x->up->ops->tunnel(x->up);
	x->down->ops->tunnel(x->down);
}

static void on_up_head(void *owner, const struct head *h)
{
	struct exchange *x = owner;

	x->progress_ms = clk_now_ms();
	if (h->status == 101 && !x->wants_upgrade) {
		exchange_fail(x, END_BACKEND_INVALID, NULL);
		return;
	}
	exchange_forget_head(x); /* what was answered is not sent again */
	x->down->ops->head(x->down, h);
	if (h->status >= 200 || h->status == 101) {
		x->status = (uint16_t)h->status;
		exchange_first_byte(x);
	}
	if (h->status == 101) {
		exchange_to_tunnel(x);
	} else if (h->status >= 200) {
		exchange_set_state(x, EXCHANGE_ANSWERING);
	} else if (++x->interim_count > INTERIM_ANSWERS_MAX ||
	           x->down->ops->queued(x->down) > INTERIM_BYTES_MAX) {
		exchange_fail(x, END_BACKEND_INVALID, "too many interim answers");
		return;
	}
	if (x->down->ops->queued(x->down) == 0)
		x->up->ops->want(x->up);
}

static void on_up_data(void *owner, const char *at, size_t bytes)
{
	struct exchange *x = owner;

	x->progress_ms = clk_now_ms();
	if (x->state == EXCHANGE_TUNNEL)
		target_talked(x->wait.target, x->progress_ms);
	x->down->ops->data(x->down, at, bytes);
	if (x->down->ops->queued(x->down) == 0)
		x->up->ops->want(x->up);
}

static void on_up_end(void *owner, const char *trailers, size_t bytes)
{
	struct exchange *x = owner;
	struct stream *down = x->down;

	if (x->state != EXCHANGE_TUNNEL) {
		exchange_end(x, END_OK);
		down->ops->end(down, trailers, bytes);
	} else if (x->down_ended) {
		exchange_close_tunnel(x);
	} else {
		x->progress_ms = clk_now_ms();
		x->up_ended = true;
		down->ops->end(down, "", 0);
	}
}

static void on_up_room(void *owner)
{
	struct exchange *x = owner;

	x->progress_ms = clk_now_ms();
	if (!exchange_may_retry(x))
		exchange_forget_head(x);
	if (!x->asked_all || (x->state == EXCHANGE_TUNNEL && !x->down_ended))
		x->down->ops->want(x->down);
}

static void on_up_deaf(void *owner)
{
	struct exchange *x = owner;

	if (x->state == EXCHANGE_TUNNEL)
		return; /* what it still says goes on; the end of that is the tunnel's */
	x->asked_all = true;
	x->down->ops->stop(x->down);
}

static void on_up_lost(void *owner, enum end_reason reason, const char *detail)
{
	struct exchange *x = owner;

	if (x->state == EXCHANGE_TUNNEL)
		exchange_close_tunnel(x);
	else if (x->state == EXCHANGE_SENDING && reason == END_BACKEND_LOST)
		exchange_lost(x);
	else
		exchange_fail(x, reason, detail);
}

const struct stream_events exchange_up_events = {
        .head = on_up_head,
        .data = on_up_data,
        .end = on_up_end,
        .room = on_up_room,
        .deaf = on_up_deaf,
        .lost = on_up_lost,
};

/* Time and memory. */

static void exchange_check_tunnel(struct exchange *x, uint64_t now_ms)
{
	uint64_t limit_ms = proxy_of(x)->opts.response_timeout_ms;

	/* Of two sides one is gone: the other has so long to end, or to say more. */
	if ((x->down_ended || x->up_ended) && now_ms - x->progress_ms >= limit_ms)
		exchange_cut(x, END_UPGRADED);
}

void exchange_check_deadline(struct exchange *x, uint64_t now_ms)
{
	uint64_t progress_ms =
	        x->client->progress_ms > x->progress_ms ? x->client->progress_ms : x->progress_ms;

	switch (x->state) {
	case EXCHANGE_HELD:
	case EXCHANGE_DIALLING:
		/* Of one that is up, what it waited for is a place or a connection. */
		if (now_ms >= x->deadline_ms)
			exchange_fail(x, END_HOLD_TIMEOUT,
			              exchange_detail(x, target_message(x->wait.target)));
		break;
	case EXCHANGE_SENDING:
	case EXCHANGE_ANSWERING:
		if (now_ms - progress_ms >= proxy_of(x)->opts.response_timeout_ms)
			exchange_fail(x, END_BACKEND_TIMEOUT, NULL);
		break;
	case EXCHANGE_TUNNEL:
		exchange_check_tunnel(x, now_ms);
		break;
	case EXCHANGE_UNSET:
	case EXCHANGE_NEW:
	case EXCHANGE_ENDED:
	case EXCHANGE_STATES_COUNT:
		break;
	}
}

void exchange_relieve(struct exchange *x)
{
	if (x->up == NULL)
		return;
	if (x->up->sent)
		exchange_forget_head(x);
	out_shrink(&x->up->conn->out);
}
