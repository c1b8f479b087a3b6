/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_server - reads requests from a client in HTTP/1.1, one after the other
 */
#include <assert.h>
#include <string.h>

#include "activator/net/account.h"
#include "activator/session/h1_client.h"
#include "activator/session/h1_server.h"
#include "lib/base/clk.h"

static void h1_drop_head(struct h1_server *h)
{
	head_buf_give(h->head);
	h->head = NULL;
}

static void h1_drop_message(struct h1_server *h)
{
	message_give(h->message);
	h->message = NULL;
}

static void h1_on_body(void *arg, const char *at, size_t bytes);

/* What is needed to read a head. Return: false when there is no memory */
static bool h1_take_input(struct h1_server *h)
{
	if (h->head == NULL)
		h->head = head_buf_take();
	if (h->message == NULL)
		h->message = message_take(HTTP_REQUEST);
	if (h->head == NULL || h->message == NULL)
		return false;
	h->message->on_body = h1_on_body;
	h->message->arg = h;
	return true;
}

static void h1_head_bad(struct h1_server *h, enum message_step step)
{
	const llhttp_t *p = &h->message->parser;

	if (step == MESSAGE_TOO_MANY)
		h1_refuse(&h->client, END_HEAD_TOO_LARGE, NULL);
	else if (p->error == HPE_INVALID_TRANSFER_ENCODING)
		h1_refuse(&h->client, END_CODING, NULL);
	else if (p->error == HPE_INVALID_VERSION || p->error == HPE_PAUSED_H2_UPGRADE ||
	         p->method == HTTP_PRI)
		h1_refuse(&h->client, END_VERSION, NULL);
	else
		h1_refuse(&h->client, END_BAD_REQUEST, llhttp_get_error_reason(p));
}

static void h1_on_head(struct h1_server *h)
{
	struct client *c = &h->client;
	const struct head *head = &h->head->head;
	struct request_facts f = {0};
	const char *detail = "";
	enum end_reason reason = head_check_request(head, &f);

	h->stream = (struct stream){.ops = &h1_server_ops, .conn = &c->conn};
	client_set_state(c, CLIENT_BUSY);
	if (reason == END_NONE)
		reason = c->all->events->request(c, &h->stream, head, &f, &detail);
	if (reason != END_NONE) {
		h1_refuse(c, reason, detail);
		return;
	}
	client_join(c, &h->stream);
	h->accepted = true;
	h->has_body = f.has_body;
	h->is_head = f.is_head;
	h->keep_alive = f.keep_alive;
	h->is_1_0 = head->minor == 0;
	/* What came behind the head is kept; mostly there is nothing, and no body. */
	if (!h->has_body)
		h1_drop_message(h);
	if (h->head->parsed == h->head->bytes)
		h1_drop_head(h);
	h->stream.events->begin(h->stream.owner, h->head ? h->head->capacity : 0);
}

/* Return: false when no more of a head can be read now */
static bool h1_fill_head(struct h1_server *h)
{
	struct client *c = &h->client;
	size_t room = head_buf_room(h->head);
	long n;

	if (room == 0) {
		h1_refuse(c,
		          h->head->bytes < HEAD_BYTES_MAX ? END_MEMORY
		          : h->head->head.fields_count    ? END_HEAD_TOO_LARGE
		                                          : END_URI_TOO_LONG,
		          NULL);
		return false;
	}
	n = conn_read(&c->conn, h->head->data + h->head->bytes, room);
	if (n == CONN_AGAIN && h->head->bytes == 0) {
		h1_drop_head(h);
		h1_drop_message(h);
	}
	if (n <= 0 && n != CONN_AGAIN)
		client_drop(c);
	if (n <= 0)
		return false;
	if (c->state == CLIENT_IDLE)
		client_set_state(c, CLIENT_HEAD);
	h->head->bytes += (uint32_t)n;
	(void)conn_spend(&c->conn, (size_t)n);
	(void)account_piece(0); /* tells the watcher when memory is short */
	return true;
}

static void h1_read_head(struct h1_server *h)
{
	enum message_step step = MESSAGE_MORE;

	if (h->head == NULL && !h->client.conn.readable)
		return;
	if (!h1_take_input(h)) {
		client_drop(&h->client);
		return;
	}
	do {
		if (h->head->parsed < h->head->bytes)
			step = message_head(h->message, h->head);
	} while (step == MESSAGE_MORE && h1_fill_head(h));
	if (step == MESSAGE_HEAD)
		h1_on_head(h);
	else if (step != MESSAGE_MORE)
		h1_head_bad(h, step);
}

/* Bodies. */

static void h1_on_body(void *arg, const char *at, size_t bytes)
{
	struct h1_server *h = arg;

	if (h->stream.events == NULL)
		return;
	h->wanted = false;
	h->stream.events->data(h->stream.owner, at, bytes);
}

/* Return: how many of @bytes belonged to the body */
static size_t h1_body_piece(struct h1_server *h, const char *data, size_t bytes)
{
	size_t used = 0;
	enum message_step step = message_body(h->message, data, bytes, &used);
	const struct stream *s = &h->stream;
	size_t trailers_bytes;
	const char *trailers;

	if (s->events == NULL)
		return used;
	if (step == MESSAGE_DONE) {
		h->body_done = true;
		trailers = message_trailers(h->message, &trailers_bytes);
		s->events->end(s->owner, trailers, trailers_bytes);
	} else if (step != MESSAGE_MORE) {
		h->stopped = true;
		s->events->lost(s->owner, END_BAD_REQUEST,
		                llhttp_get_error_reason(&h->message->parser));
	}
	return used;
}

/* Bytes of the next request that were read with this one's body. */
static void h1_keep_rest(struct h1_server *h, const char *data, size_t bytes)
{
	if (bytes == 0 || h->stopped)
		return;
	h->head = head_buf_take();
	if (h->head == NULL || !head_buf_put(h->head, data, bytes))
		h->close = true;
}

/* Return: false when there is no more now */
static bool h1_body_some(struct h1_server *h)
{
	struct conn *conn = &h->client.conn;
	struct head_buf *b = h->head;
	size_t used, cost;
	long n;

	if (b) {
		used = h1_body_piece(h, b->data + b->parsed, b->bytes - b->parsed);
		b->parsed += (uint32_t)used;
		if (b->parsed == b->bytes)
			h1_drop_head(h);
	} else {
		if (!h->wanted)
			return false;
		n = conn_read(conn, conn->turn->scratch,
		              message_piece(h->message, account_piece(TURN_PIECE_BYTES)));
		if (n == CONN_AGAIN)
			return false;
		if (n <= 0) {
			client_drop(&h->client);
			return false;
		}
		used = h1_body_piece(h, conn->turn->scratch, (size_t)n);
		h1_keep_rest(h, conn->turn->scratch + used, (size_t)n - used);
	}
	cost = message_cost(h->message, used);
	if (h->body_done)
		h1_drop_message(h);
	return !conn_spend(conn, cost);
}

static bool h1_owes(const struct client *c)
{
	const struct h1_server *h = (const struct h1_server *)c;

	return c->state == CLIENT_BUSY && h->has_body && h->body_wanted && !h->body_done &&
	       !h->stopped && !c->conn.readable;
}

/*
 * A client that has ended its side after its request waits for the answer all the same (RFC 9112
 * section 9.6). One that is gone altogether looks alike until something is sent to it, or until its
 * system answers a keep-alive probe with a reset: then the connection is broken. But who has ended
 * in the middle of a body will never complete it.
 */
static bool h1_is_gone(const struct h1_server *h)
{
	size_t here = h->head ? h->head->bytes - h->head->parsed : 0;
	const llhttp_t *p;

	if (conn_is_gone(&h->client.conn))
		return true;
	if (!h->client.conn.closed || !h->has_body || h->body_done || h->stopped)
		return false;
	p = &h->message->parser;
	return (p->flags & F_CONTENT_LENGTH) &&
	       here + conn_waiting(&h->client.conn) < p->content_length;
}

static void h1_run_busy(struct h1_server *h)
{
	bool reads = h->has_body && h->body_wanted && !h->body_done && !h->stopped;

	if (!reads) {
		if (h1_is_gone(h))
			client_drop(&h->client);
		return;
	}
	while (h1_body_some(h) && h->client.state == CLIENT_BUSY && !h->body_done && !h->stopped)
		;
}

/* RFC 9110 section 7.8 says nothing of how a tunnel ends; like a TCP proxy, each side by itself. */
static void h1_run_tunnel(struct h1_server *h)
{
	struct conn *conn = &h->client.conn;
	const struct stream *s = &h->stream;
	struct head_buf *b = h->head;

	h1_half_close(h);
	if (b) { /* sent ahead of the answer */
		h->wanted = false;
		s->events->data(s->owner, b->data + b->parsed, b->bytes - b->parsed);
		h1_drop_head(h);
	}
	while (h->client.state == CLIENT_TUNNEL && h->wanted && !h->ended) {
		long n = conn_read(conn, conn->turn->scratch, account_piece(TURN_PIECE_BYTES));

		if (n == CONN_AGAIN)
			return;
		if (n == CONN_EOF) {
			h->ended = true;
			s->events->end(s->owner, "", 0);
			return;
		}
		if (n < 0) {
			client_drop(&h->client);
			return;
		}
		h->wanted = false;
		s->events->data(s->owner, conn->turn->scratch, (size_t)n);
		if (conn_spend(conn, (size_t)n))
			return;
	}
}

static void h1_begin(struct h1_server *h)
{
	h1_drop_message(h);
	h->accepted = h->body_done = h->body_wanted = h->wanted = h->stopped = false;
	h->has_body = h->is_head = h->is_1_0 = h->keep_alive = false;
}

/* The answer is out: the next request, or the end without cutting off what was sent. */
static void h1_next(struct h1_server *h)
{
	struct client *c = &h->client;

	if (h->close || c->all->draining) {
		h1_drop_head(h);
		h1_drop_message(h);
		conn_end(&c->conn);
		client_set_state(c, CLIENT_LINGER);
	} else {
		h1_begin(h);
		if (h->head)
			head_buf_compact(h->head);
		client_set_state(c, h->head ? CLIENT_HEAD : CLIENT_IDLE);
	}
	conn_mark(&h->client.conn);
}

static void h1_run_linger(struct h1_server *h)
{
	struct conn *conn = &h->client.conn;
	long n;

	do
		n = conn_read(conn, conn->turn->scratch, TURN_PIECE_BYTES);
	while (n > 0 && !conn_spend(conn, (size_t)n));
	if (n <= 0 && n != CONN_AGAIN)
		client_drop(&h->client);
}

/* Return: false when it is dead */
static bool h1_flush(struct h1_server *h)
{
	struct client *c = &h->client;
	long n;

	if (!h->client.conn.out.failed &&
	    (out_bytes(&h->client.conn.out) == 0 || !c->conn.writable))
		return true;
	n = conn_flush(&c->conn);
	if (n == CONN_FAILED) { /* also when nothing of the answer could be kept */
		client_drop(c);
		return false;
	}
	if (n > 0)
		c->progress_ms = clk_now_ms();
	if (n > 0 && c->state == CLIENT_FLUSHING)
		c->entered_ms = c->progress_ms; /* the rest of a complete answer moves on */
	if (out_bytes(&h->client.conn.out) == 0 && h->stream.events)
		h->stream.events->room(h->stream.owner);
	return true;
}

static void h1_run(void *arg)
{
	struct h1_server *h = arg;

	if (!h1_flush(h))
		return;
	switch (h->client.state) {
	case CLIENT_IDLE:
	case CLIENT_HEAD:
		h1_read_head(h);
		break;
	case CLIENT_BUSY:
		h1_run_busy(h);
		break;
	case CLIENT_FLUSHING:
		if (out_bytes(&h->client.conn.out) == 0)
			h1_next(h);
		break;
	case CLIENT_TUNNEL:
		h1_run_tunnel(h);
		break;
	case CLIENT_LINGER:
		h1_run_linger(h);
		break;
	case CLIENT_UNSET:
	case CLIENT_DEAD:
	case CLIENT_STATES_COUNT:
		assert(false); /* a dead one is buried */
		break;
	}
}

static void h1_open(struct client *c)
{
	h1_begin((struct h1_server *)c);
}

static size_t h1_kept_bytes(const struct client *c)
{
	const struct h1_server *h = (const struct h1_server *)c;

	return h->head ? h->head->capacity : 0;
}

static void h1_done(struct client *c)
{
	struct h1_server *h = (struct h1_server *)c;

	h1_drop_message(h);
	h1_drop_head(h);
}

const struct protocol protocol_h1 = {
        .name = "http/1.1",
        .session_bytes = sizeof(struct h1_server),
        .open = h1_open,
        .run = h1_run,
        .refuse = h1_refuse,
        .owes = h1_owes,
        .kept_bytes = h1_kept_bytes,
        .done = h1_done,
        .ask = h1_client_ask,
};
