/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_client - sends a request to a container in HTTP/1.1, and reads its answer
 */
#include "activator/session/h1_client.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "activator/http/h1_write.h"
#include "activator/http/message.h"
#include "activator/net/account.h"
#include "activator/net/conn.h"
#include "lib/base/clk.h"

enum h1_state {
	H1_UNSET,
	H1_HEAD,   /* a head of the answer is awaited or read */
	H1_BODY,   /* of the answer */
	H1_TUNNEL, /* upgraded */
	H1_DONE,   /* the answer is complete; its connection has not been given back yet */
	H1_CLOSED, /* given back; freed after the turn */
};

struct h1_client {
	struct stream stream;
	struct conn *conn; /* borrowed until the stream is closed */
	enum h1_state state;
	struct turn_item grave;
	struct head_buf *head; /* while bytes are in it */
	uint64_t began_bytes;  /* sent before on this connection */
	bool is_head;
	bool chunked;
	bool wanted; /* a piece may be read */
	bool deaf;   /* the container takes no more */
	bool keep_alive;
	bool half_closed;       /* in a tunnel: the container is still to be told of the end */
	struct message message; /* the last: h1_begin() sets it, and not h1_client_ask() */
};

static struct h1_client *h1_of(const struct stream *s)
{
	return (struct h1_client *)((uintptr_t)s - offsetof(struct h1_client, stream));
}

static void h1_drop_head(struct h1_client *h)
{
	head_buf_give(h->head);
	h->head = NULL;
}

static void h1_lost(struct h1_client *h, enum end_reason reason, const char *detail)
{
	h->stream.events->lost(h->stream.owner, reason, detail);
	assert(h->state == H1_CLOSED); /* whoever hears it closes the stream */
}

static void h1_give(void *arg)
{
	struct h1_client *h = arg;

	message_done(&h->message);
	h1_drop_head(h);
	free(h);
}

/* Calls of the exchange: see struct stream_ops. */

static void h1_put_data(struct stream *s, const char *at, size_t bytes)
{
	struct h1_client *h = h1_of(s);

	if (h->deaf)
		return;
	if (h->chunked && h->state != H1_TUNNEL)
		h1_write_chunk(&h->conn->out, at, bytes);
	else
		out_put(&h->conn->out, at, bytes);
	conn_mark(h->conn);
}

static void h1_half_close(struct h1_client *h)
{
	if (!h->half_closed || out_bytes(&h->conn->out) > 0)
		return;
	h->half_closed = false;
	conn_end(h->conn);
}

static void h1_put_end(struct stream *s, const char *trailers, size_t bytes)
{
	struct h1_client *h = h1_of(s);

	if (h->state == H1_TUNNEL) {
		h->half_closed = true;
		h1_half_close(h);
	} else if (h->chunked && !h->deaf) {
		h1_write_last_chunk(&h->conn->out, trailers, bytes);
		conn_mark(h->conn);
	}
}

static void h1_want(struct stream *s)
{
	struct h1_client *h = h1_of(s);

	h->wanted = true;
	conn_mark(h->conn);
}

static void h1_stop(struct stream *s)
{
	h1_of(s)->wanted = false;
}

static void h1_tunnel(struct stream *s)
{
	struct h1_client *h = h1_of(s);

	h->state = H1_TUNNEL;
	h->wanted = true;
	conn_mark(h->conn);
}

static size_t h1_queued(const struct stream *s)
{
	return out_bytes(&h1_of(s)->conn->out);
}

static bool h1_close(struct stream *s, bool complete)
{
	struct h1_client *h = h1_of(s);
	struct turn *turn = h->conn->turn;
	bool reusable = complete && h->state == H1_DONE && h->keep_alive && !h->deaf;

	assert(h->state != H1_CLOSED);
	h->state = H1_CLOSED;
	s->events = NULL;
	s->conn = h->conn = NULL;
	turn_bury(turn, &h->grave, h1_give);
	return reusable;
}

static const struct stream_ops h1_ops = {
        .data = h1_put_data,
        .end = h1_put_end,
        .want = h1_want,
        .stop = h1_stop,
        .tunnel = h1_tunnel,
        .queued = h1_queued,
        .close = h1_close,
};

/* The answer. */

static void h1_begin(struct h1_client *h);

static void h1_answer_ends(struct h1_client *h, bool clean)
{
	struct stream *s = &h->stream;
	const char *trailers;
	size_t bytes;

	h->state = H1_DONE;
	h->keep_alive = h->keep_alive && clean;
	trailers = message_trailers(&h->message, &bytes);
	s->events->end(s->owner, trailers, bytes);
	assert(h->state == H1_CLOSED); /* the exchange is over */
}

static bool h1_has_no_body(const struct h1_client *h, const struct head *head)
{
	return h->is_head || head->status < 200 || head->status == 204 || head->status == 304;
}

/*
 * An answer that has no body but tells of one (HEAD, 204, 304): of some servers the body follows
 * all the same, a moment later, when it would be taken for the next answer.
 */
static bool h1_may_have_a_stray_body(const struct h1_client *h, const struct head *head)
{
	return h1_has_no_body(h, head) &&
	       (head->has_coding || (head->has_length && head->length > 0));
}

static void h1_on_head(struct h1_client *h)
{
	const struct head *head = &h->head->head;
	struct stream *s = &h->stream;

	if (!head_check_response(head)) {
		h1_lost(h, END_BACKEND_INVALID, NULL);
		return;
	}
	h->wanted = false;
	if (head->status >= 200) {
		h->state = H1_BODY;
		h->keep_alive = head_keeps_alive(head) && !h1_may_have_a_stray_body(h, head);
	}
	s->events->head(s->owner, head);
	if (h->state == H1_HEAD) { /* another head follows, maybe already here */
		head_buf_compact(h->head);
		message_done(&h->message);
		h1_begin(h);
	} else if (h->state == H1_BODY &&
	           (h1_has_no_body(h, head) ||
	            (head->has_length && !head->chunked && head->length == 0))) {
		h1_answer_ends(h, h->head->parsed == h->head->bytes);
	}
}

/* Return: false when there is no more now */
static bool h1_fill_head(struct h1_client *h)
{
	size_t room;
	long n;

	if (h->head == NULL) {
		if (!h->wanted || !h->conn->readable)
			return false;
		h->head = head_buf_take();
		if (h->head == NULL) {
			h1_lost(h, END_INTERNAL, NULL);
			return false;
		}
	}
	if (h->head->parsed < h->head->bytes)
		return true;
	if (!h->wanted)
		return false;
	room = head_buf_room(h->head);
	if (room == 0) {
		h1_lost(h, END_BACKEND_INVALID, "the head is too large");
		return false;
	}
	n = conn_read(h->conn, h->head->data + h->head->bytes, room);
	if (n == CONN_AGAIN && h->head->bytes == 0)
		h1_drop_head(h);
	if (n <= 0 && n != CONN_AGAIN)
		h1_lost(h, END_BACKEND_LOST, NULL);
	if (n <= 0)
		return false;
	h->head->bytes += (uint32_t)n;
	h->stream.heard = true;
	return true;
}

/* Return: as above */
static bool h1_read_head(struct h1_client *h)
{
	struct conn *conn = h->conn;
	uint64_t before_bytes = conn->read_bytes;
	enum message_step step;

	if (!h1_fill_head(h))
		return false;
	step = message_head(&h->message, h->head);
	if (step == MESSAGE_HEAD)
		h1_on_head(h);
	else if (step != MESSAGE_MORE)
		h1_lost(h, END_BACKEND_INVALID, llhttp_get_error_reason(&h->message.parser));
	return h->state != H1_CLOSED &&
	       !conn_spend(conn, (size_t)(conn->read_bytes - before_bytes));
}

static void h1_on_body(void *arg, const char *at, size_t bytes)
{
	struct h1_client *h = arg;

	h->wanted = false;
	h->stream.events->data(h->stream.owner, at, bytes);
}

/* Return: as above */
static bool h1_read_body(struct h1_client *h)
{
	struct conn *conn = h->conn;
	struct head_buf *b = h->head;
	enum message_step step = MESSAGE_MORE;
	const char *data = b ? b->data + b->parsed : conn->turn->scratch;
	long n = b ? (long)(b->bytes - b->parsed) : 0;
	size_t used = 0;

	if (b == NULL && !h->wanted)
		return false;
	if (b == NULL)
		n = conn_read(conn, conn->turn->scratch,
		              message_piece(&h->message, account_piece(TURN_PIECE_BYTES)));
	if (n == CONN_AGAIN)
		return false;
	if (n > 0)
		step = message_body(&h->message, data, (size_t)n, &used);
	else if (b == NULL)
		step = n == CONN_EOF ? message_eof(&h->message) : MESSAGE_BAD;
	if (n <= 0 && b == NULL)
		h->keep_alive = false;
	h1_drop_head(h);
	if (step == MESSAGE_DONE)
		h1_answer_ends(h, (long)used == n);
	else if (step != MESSAGE_MORE)
		h1_lost(h, END_CUT, NULL);
	return h->state != H1_CLOSED && !conn_spend(conn, message_cost(&h->message, used));
}

/* Return: as above */
static bool h1_read_tunnel(struct h1_client *h)
{
	struct conn *conn = h->conn;
	struct stream *s = &h->stream;
	struct head_buf *b = h->head;
	long n;

	if (b) { /* what came with the 101 */
		s->events->data(s->owner, b->data + b->parsed, b->bytes - b->parsed);
		h1_drop_head(h);
	}
	if (!h->wanted)
		return false;
	n = conn_read(conn, conn->turn->scratch, account_piece(TURN_PIECE_BYTES));
	if (n == CONN_AGAIN)
		return false;
	h->wanted = false;
	if (n == CONN_EOF)
		s->events->end(s->owner, "", 0);
	else if (n < 0)
		h1_lost(h, END_CUT, NULL);
	else
		s->events->data(s->owner, conn->turn->scratch, (size_t)n);
	return n > 0 && !conn_spend(conn, (size_t)n);
}

/* The request. Return: false when the stream is over */
static bool h1_flush(struct h1_client *h)
{
	struct conn *conn = h->conn;
	struct stream *s = &h->stream;
	long n;

	if (conn->out.failed) { /* bytes are missing: what was sent must not look complete */
		h1_lost(h, END_INTERNAL, NULL);
		return false;
	}
	if (out_bytes(&conn->out) == 0 || !conn->writable)
		return true;
	n = conn_flush(conn);
	s->sent = conn->sent_bytes > h->began_bytes;
	if (n == CONN_FAILED && !s->sent) {
		h1_lost(h, END_BACKEND_LOST, NULL);
		return false;
	}
	if (n == CONN_FAILED) { /* its answer may be there all the same: reading finds out */
		out_done(&conn->out);
		h->deaf = conn->readable = true;
		s->events->deaf(s->owner);
	} else if (out_bytes(&conn->out) == 0) {
		s->events->room(s->owner);
	}
	return true;
}

static void h1_run(void *arg)
{
	struct h1_client *h = arg;
	bool more = h1_flush(h);

	while (more) {
		switch (h->state) {
		case H1_HEAD:
			more = h1_read_head(h);
			break;
		case H1_BODY:
			more = h1_read_body(h);
			break;
		case H1_TUNNEL:
			h1_half_close(h);
			more = h1_read_tunnel(h);
			break;
		case H1_UNSET:
		case H1_DONE:
		case H1_CLOSED:
			assert(false);
			return;
		}
	}
}

static void h1_begin(struct h1_client *h)
{
	message_init(&h->message, HTTP_RESPONSE);
	h->message.skip_body = h->is_head;
	h->message.on_body = h1_on_body;
	h->message.arg = h;
}

struct stream *h1_client_ask(struct conn *conn, const struct stream_request *r)
{
	struct h1_client *h = malloc(sizeof *h);

	if (h == NULL)
		return NULL;
	/* All at once would be made a calloc() by the compiler, and glibc's knows no cache. */
	memset(h, 0, offsetof(struct h1_client, message));
	turn_item_init(&h->grave, NULL, h);
	h->stream = (struct stream){.ops = &h1_ops, .conn = conn};
	h->conn = conn;
	h->state = H1_HEAD;
	h->is_head = r->is_head;
	h->chunked = r->chunked;
	h->wanted = true;
	h->began_bytes = conn->sent_bytes;
	h1_begin(h);
	conn_serve(conn, h1_run, h);
	out_put(&conn->out, r->text, r->bytes);
	conn_mark(conn);
	return &h->stream;
}
