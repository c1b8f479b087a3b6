/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_answer - writes answers to a client in HTTP/1.1: our own, and those that a container gave
 */
#include <assert.h>
#include <stddef.h>

#include "activator/http/h1_write.h"
#include "activator/http/request_text.h"
#include "activator/session/h1_server.h"

static struct h1_server *h1_of(const struct stream *s)
{
	return (struct h1_server *)((uintptr_t)s - offsetof(struct h1_server, stream));
}

static struct out *h1_out(struct h1_server *h)
{
	return &h->client.conn.out;
}

static void h1_mark(struct h1_server *h)
{
	conn_mark(&h->client.conn);
}

/* Whether the request was read to its end, so that what the client sends next is told apart. */
static bool h1_is_in_step(const struct h1_server *h)
{
	return h->accepted && (!h->has_body || h->body_done);
}

/* The answer is complete, and goes out; nobody but the session has to do with it any more. */
static void h1_flush_out(struct h1_server *h)
{
	h->close = h->close || !h1_is_in_step(h);
	h->stream.events = NULL;
	client_join(&h->client, NULL);
	client_set_state(&h->client, CLIENT_FLUSHING);
	h1_mark(h);
}

static void h1_write(struct h1_server *h, const struct problem *p, bool as_text)
{
	const struct h1_answer a = {
	        .problem = p,
	        .as_text = as_text,
	        /* As soon as the method is read: also where the rest of the head is malformed. */
	        .is_head = h->message ? h->message->parser.method == HTTP_HEAD : h->is_head,
	        .is_1_0 = h->is_1_0,
	        .close = h->close || !h1_is_in_step(h) || !h->keep_alive || h->client.all->draining,
	};

	h->close = a.close;
	h1_write_answer(h1_out(h), &a);
}

void h1_refuse(struct client *c, enum end_reason reason, const char *detail)
{
	struct h1_server *h = (struct h1_server *)c;
	const struct head *head =
	        h->head && h->message && h->message->head_done ? &h->head->head : NULL;
	char id[REQUEST_ID_MAX + 1];
	const struct problem p = {.reason = reason, .detail = detail, .request_id = id};

	assert(c->stream == NULL);
	request_id_of(head, id);
	h->accepted = false;
	h1_write(h, &p, head && problem_as_text(head));
	c->all->events->refused(c, &p, head);
	h1_flush_out(h);
}

/* Calls of the exchange: see struct stream_ops. */

static void h1_answer(struct stream *s, const struct problem *p, bool as_text)
{
	struct h1_server *h = h1_of(s);

	h1_write(h, p, as_text);
	h1_flush_out(h);
}

static enum forward_framing h1_framing(const struct h1_server *h, const struct head *head)
{
	if (h->is_head || head->status < 200 || head->status == 204 || head->status == 304)
		return FORWARD_NO_BODY;
	if (head->has_length && !head->chunked)
		return FORWARD_LENGTH;
	return h->is_1_0 ? FORWARD_UNTIL_CLOSE : FORWARD_CHUNKED;
}

static void h1_head(struct stream *s, const struct head *head)
{
	struct h1_server *h = h1_of(s);
	struct forward_text t = {.at = h->client.conn.turn->scratch,
	                         .capacity = TURN_SCRATCH_BYTES};
	struct forward_response how = {.client_is_1_0 = h->is_1_0, .upgrade = head->status == 101};

	h->framing = how.framing = h1_framing(h, head);
	if (head->status >= 200) {
		h->close = h->close || !h->keep_alive || h->client.all->draining ||
		           how.framing == FORWARD_UNTIL_CLOSE;
		how.close = h->close;
	} else if (h->is_1_0 && head->status != 101) {
		return; /* RFC 9110 section 15.2: it knows no interim answers */
	}
	forward_response(&t, head, &how);
	out_put(h1_out(h), t.at, t.overflow ? 0 : t.bytes);
	h1_out(h)->failed |= t.overflow;
	h1_mark(h);
}

static void h1_data(struct stream *s, const char *at, size_t bytes)
{
	struct h1_server *h = h1_of(s);

	if (h->client.state == CLIENT_BUSY && h->framing == FORWARD_CHUNKED)
		h1_write_chunk(h1_out(h), at, bytes);
	else
		out_put(h1_out(h), at, bytes);
	h1_mark(h);
}

void h1_half_close(struct h1_server *h)
{
	if (!h->half_closed || out_bytes(h1_out(h)) > 0)
		return;
	h->half_closed = false;
	conn_end(&h->client.conn);
}

static void h1_end(struct stream *s, const char *trailers, size_t bytes)
{
	struct h1_server *h = h1_of(s);

	if (h->client.state == CLIENT_TUNNEL) {
		h->half_closed = true;
		h1_half_close(h);
		return;
	}
	if (h->framing == FORWARD_CHUNKED)
		h1_write_last_chunk(h1_out(h), trailers, bytes);
	h1_flush_out(h);
}

static void h1_want(struct stream *s)
{
	struct h1_server *h = h1_of(s);

	h->wanted = h->body_wanted = true;
	h1_mark(h);
}

static void h1_stop(struct stream *s)
{
	h1_of(s)->stopped = true;
}

static void h1_tunnel(struct stream *s)
{
	struct h1_server *h = h1_of(s);

	h->wanted = h->close = true;
	client_set_state(&h->client, CLIENT_TUNNEL);
	h1_mark(h);
}

static size_t h1_queued(const struct stream *s)
{
	return out_bytes(h1_out(h1_of(s)));
}

static bool h1_close(struct stream *s, bool complete)
{
	struct h1_server *h = h1_of(s);

	if (complete) {
		h1_flush_out(h);
		return true;
	}
	s->events = NULL;
	client_join(&h->client, NULL);
	client_drop(&h->client);
	return false;
}

const struct stream_ops h1_server_ops = {
        .answer = h1_answer,
        .head = h1_head,
        .data = h1_data,
        .end = h1_end,
        .want = h1_want,
        .stop = h1_stop,
        .tunnel = h1_tunnel,
        .queued = h1_queued,
        .close = h1_close,
};
