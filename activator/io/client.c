/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "activator/io/account.h"
#include "activator/io/address.h"
#include "activator/io/internal.h"
#include "lib/base/clk.h"

static void on_client(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	sock_note(&c->sock, what);
	client_turn_begins(c);
	client_run(c);
}

void client_turn_begins(struct client *c)
{
	c->spent_bytes = 0;
}

bool client_spend(struct client *c, size_t bytes)
{
	const struct timeval now = {0};
	struct proxy *p = c->proxy;

	c->spent_bytes += bytes;
	if (c->spent_bytes < TURN_BYTES_MAX)
		return false;
	if (!c->hungry && c->state != CLIENT_DEAD) {
		c->hungry = true;
		TAILQ_INSERT_TAIL(&p->hungry, c, hungry_link);
	}
	/* a timer, since it waits for epoll, where an active event would come before it */
	if (!event_pending(&p->again, EV_TIMEOUT, NULL))
		(void)event_add(&p->again, &now);
	return true;
}

static void client_be_served(struct client *c)
{
	if (c->hungry)
		TAILQ_REMOVE(&c->proxy->hungry, c, hungry_link);
	c->hungry = false;
}

void client_serve_hungry(struct proxy *p)
{
	struct client *c;
	size_t count = 0;

	/* those that come behind them have had their turn, also when the last of them is gone */
	TAILQ_FOREACH(c, &p->hungry, hungry_link)
		count++;
	for (; count > 0 && (c = TAILQ_FIRST(&p->hungry)); count--) {
		client_be_served(c);
		client_turn_begins(c);
		client_run(c);
		if (c->state != CLIENT_DEAD && c->request && c->request->upstream)
			upstream_run(c->request->upstream);
	}
}

void client_set_state(struct client *c, enum client_state state)
{
	TAILQ_REMOVE(&c->proxy->clients[c->state], c, link);
	c->state = state;
	c->entered_ms = clk_now_ms();
	TAILQ_INSERT_TAIL(&c->proxy->clients[state], c, link);
}

void client_accept(struct listener *l, int fd, const struct sockaddr_storage *address,
                   struct source *source)
{
	struct proxy *p = l->proxy;
	struct client *c = calloc(1, sizeof *c);
	unsigned char bytes[ADDRESS_BYTES];

	if (c == NULL) {
		(void)close(fd);
		source_give(&p->sources, source);
		return;
	}
	c->proxy = p;
	c->is_public = l->is_public;
	c->address = *address;
	address_bytes(address, bytes);
	c->is_trusted = trust_has(&p->opts.trusted, bytes);
	c->gets_details = trust_has(&p->opts.details, bytes);
	sock_narrow(fd, false);
	if (sock_open(&c->sock, p->base, fd, on_client, c) < 0) {
		source_give(&p->sources, source);
		free(c);
		return;
	}
	c->source = source;
	c->sock.writable = true;
	message_init(&c->message, HTTP_REQUEST);
	c->entered_ms = clk_now_ms();
	TAILQ_INSERT_TAIL(&p->clients[CLIENT_IDLE], c, link);
	c->round_number = p->round_number;
	c->recent.since_ms = c->entered_ms;
	TAILQ_INSERT_TAIL(&p->round, c, round_link);
	p->stats.clients_count++;
	proxy_arm(p);
	if (p->stats.clients_count > p->opts.connections_max) {
		client_refuse(c, END_OVERLOADED, NULL);
		client_run(c);
	}
}

void client_drop(struct client *c)
{
	struct request *r = c->request;

	if (c->state == CLIENT_DEAD)
		return;
	sock_close(&c->sock);
	client_be_served(c);
	TAILQ_REMOVE(&c->proxy->round, c, round_link);
	standing_remove(&c->proxy->standing, &c->place);
	client_set_state(c, CLIENT_DEAD);
	c->proxy->stats.clients_count--;
	source_give(&c->proxy->sources, c->source);
	c->source = NULL;
	if (r) {
		c->request = NULL;
		request_end(r, r->upgraded    ? END_UPGRADED
		               : r->forwarded ? END_CUT
		                              : END_CLIENT_GONE);
	}
	proxy_bury(c->proxy);
}

void client_free(struct client *c)
{
	TAILQ_REMOVE(&c->proxy->clients[CLIENT_DEAD], c, link);
	message_done(&c->message);
	head_buf_give(c->head);
	out_done(&c->out);
	free(c);
}

/* The answer is out: the next request, or the end without cutting off what was sent. */
static void client_next(struct client *c)
{
	if (c->close || c->proxy->draining) {
		(void)shutdown(c->sock.fd, SHUT_WR);
		client_set_state(c, CLIENT_LINGER);
	} else {
		message_done(&c->message);
		message_init(&c->message, HTTP_REQUEST);
		if (c->head)
			head_buf_compact(c->head);
		client_set_state(c, c->head ? CLIENT_HEAD : CLIENT_IDLE);
	}
	c->again = true;
}

static void client_head_bad(struct client *c, enum message_step step)
{
	const llhttp_t *p = &c->message.parser;

	if (step == MESSAGE_TOO_MANY)
		client_refuse(c, END_HEAD_TOO_LARGE, NULL);
	else if (p->error == HPE_INVALID_TRANSFER_ENCODING)
		client_refuse(c, END_CODING, NULL);
	else if (p->error == HPE_INVALID_VERSION || p->error == HPE_PAUSED_H2_UPGRADE ||
	         p->method == HTTP_PRI)
		client_refuse(c, END_VERSION, NULL);
	else
		client_refuse(c, END_BAD_REQUEST, llhttp_get_error_reason(p));
}

static void client_on_head(struct client *c)
{
	struct request *r = NULL;
	enum end_reason reason = request_start(c, &r);
	struct head_buf *b = c->head;

	if (reason != END_NONE)
		return;
	/* What came behind the head is kept; mostly there is nothing. */
	if (b->parsed == b->bytes) {
		head_buf_give(b);
		c->head = NULL;
	}
	target_admit(r->target, r);
}

static void client_read_head(struct client *c)
{
	long n = 1;

	if (c->head == NULL) {
		if (!c->sock.readable)
			return;
		c->head = head_buf_take();
		if (c->head == NULL) {
			client_drop(c);
			return;
		}
	}
	for (;;) {
		enum message_step step = MESSAGE_MORE;
		size_t room;

		if (c->head->parsed < c->head->bytes)
			step = message_head(&c->message, c->head);
		if (step == MESSAGE_HEAD) {
			client_on_head(c);
			c->again = true;
			return;
		}
		if (step != MESSAGE_MORE) {
			client_head_bad(c, step);
			c->again = true;
			return;
		}
		room = head_buf_room(c->head);
		if (room == 0) {
			client_refuse(c,
			              c->head->bytes < HEAD_BYTES_MAX ? END_MEMORY
			              : c->head->head.fields_count    ? END_HEAD_TOO_LARGE
			                                              : END_URI_TOO_LONG,
			              NULL);
			c->again = true;
			return;
		}
		n = sock_read(&c->sock, c->head->data + c->head->bytes, room);
		if (n <= 0)
			break;
		if (c->state == CLIENT_IDLE)
			client_set_state(c, CLIENT_HEAD);
		c->head->bytes += (uint32_t)n;
		(void)client_spend(c, (size_t)n);
		if (account_level() != BUDGET_EASY)
			evict_look(c->proxy);
	}
	if (n != SOCK_AGAIN) {
		client_drop(c);
	} else if (c->head->bytes == 0) {
		head_buf_give(c->head);
		c->head = NULL;
	}
}

/* Bytes of the next request that were read with this one's body. */
static void client_keep_rest(struct client *c, const char *data, size_t bytes)
{
	if (bytes == 0)
		return;
	c->head = head_buf_take();
	while (c->head && c->head->capacity < bytes && head_buf_room(c->head) > 0)
		c->head->bytes = c->head->capacity; /* grows it */
	if (c->head == NULL || c->head->capacity < bytes) {
		c->close = true;
		return;
	}
	memcpy(c->head->data, data, bytes);
	c->head->bytes = (uint32_t)bytes;
}

/* Return: false when the request ended */
static bool client_body_piece(struct client *c, const char *data, size_t bytes, size_t *ret_used)
{
	struct request *r = c->request;
	enum message_step step = message_body(&c->message, data, bytes, ret_used);

	r->progress_ms = clk_now_ms();
	if (step == MESSAGE_DONE)
		r->body_done = true;
	if (step == MESSAGE_DONE || step == MESSAGE_MORE)
		return true;
	request_fail(r, END_BAD_REQUEST, llhttp_get_error_reason(&c->message.parser));
	return false;
}

/* Move the body on while the backend takes it; never more than one piece is buffered. */
static void client_pump_body(struct client *c)
{
	struct request *r = c->request;
	struct upstream *u = r->upstream;

	c->message.body_out = &u->out;
	c->message.chunk_out = r->chunked_in;
	while (!r->body_done && out_bytes(&u->out) == 0) {
		struct head_buf *b = c->head;
		size_t used = 0;

		if (b) {
			if (!client_body_piece(c, b->data + b->parsed, b->bytes - b->parsed, &used))
				return;
			b->parsed += (uint32_t)used;
			if (b->parsed == b->bytes) {
				head_buf_give(b);
				c->head = NULL;
			}
		} else {
			long n = sock_read(&c->sock, c->proxy->buf,
			                   message_piece(&c->message, piece_bytes(c->proxy)));

			if (n == SOCK_AGAIN)
				return;
			if (n <= 0) {
				client_drop(c);
				return;
			}
			if (!client_body_piece(c, c->proxy->buf, (size_t)n, &used))
				return;
			client_keep_rest(c, c->proxy->buf + used, (size_t)n - used);
		}
		if (out_flush(&u->out, &u->sock) == SOCK_FAILED) {
			/* The answer may be there all the same: reading finds out. */
			u->sock.readable = true;
			r->body_done = true;
			c->close = true;
			out_done(&u->out);
			upstream_run(u);
			return;
		}
		if (client_spend(c, message_cost(&c->message, used)))
			return;
	}
}

/*
 * A client that has ended its side after its request waits for the answer all the same (RFC 9112
 * section 9.6). One that is gone altogether looks alike until something is sent to it, or until its
 * system answers a keep-alive probe with a reset: then the connection is broken. But who has ended
 * in the middle of a body will never complete it.
 */
static bool client_is_gone(const struct client *c)
{
	const struct request *r = c->request;
	const llhttp_t *p = &c->message.parser;
	size_t here = c->head ? c->head->bytes - c->head->parsed : 0;
	int waiting = 0;

	if (sock_is_gone(&c->sock))
		return true;
	if (!c->sock.closed || r->body_done || !(p->flags & F_CONTENT_LENGTH))
		return false;
	return ioctl(c->sock.fd, FIONREAD, &waiting) == 0 &&
	       here + (size_t)waiting < p->content_length;
}

static void client_run_busy(struct client *c)
{
	struct request *r = c->request;

	if (r == NULL) {
		if (out_bytes(&c->out) == 0)
			client_next(c);
		return;
	}
	if ((r->body_done || r->state != REQUEST_ACTIVE) && client_is_gone(c)) {
		client_drop(c);
		return;
	}
	if (r->state == REQUEST_ACTIVE && !r->body_done && r->upstream)
		client_pump_body(c);
	/* Its answer waited for this side to take more. */
	r = c->request;
	if (r && r->upstream && r->state == REQUEST_ACTIVE && out_bytes(&c->out) == 0 &&
	    r->upstream->sock.readable)
		upstream_run(r->upstream);
}

/* RFC 9110 section 7.8 says nothing of how a tunnel ends; like a TCP proxy, each side by itself. */
static void client_run_tunnel(struct client *c)
{
	struct request *r = c->request;
	struct upstream *u = r->upstream;

	while (out_bytes(&u->out) == 0 && !r->client_ended) {
		long n = sock_read(&c->sock, c->proxy->buf, piece_bytes(c->proxy));

		if (n == SOCK_AGAIN)
			break;
		if (n == SOCK_EOF && !r->container_ended) {
			r->client_ended = true;
			r->progress_ms = clk_now_ms();
			(void)shutdown(u->sock.fd, SHUT_WR);
			break;
		}
		if (n <= 0) {
			client_drop(c);
			return;
		}
		out_put(&u->out, c->proxy->buf, (size_t)n);
		u->target->has_last_byte = true;
		u->target->last_byte_ms = clk_now_ms();
		r->progress_ms = u->target->last_byte_ms;
		if (out_flush(&u->out, &u->sock) == SOCK_FAILED) {
			client_drop(c);
			return;
		}
		if (client_spend(c, (size_t)n))
			return;
	}
	if (out_bytes(&c->out) == 0 && u->sock.readable && !r->container_ended)
		upstream_run(u);
}

static void client_run_linger(struct client *c)
{
	long n;

	do
		n = sock_read(&c->sock, c->proxy->buf, sizeof c->proxy->buf);
	while (n > 0 && !client_spend(c, (size_t)n));
	if (n <= 0 && n != SOCK_AGAIN)
		client_drop(c);
}

static void client_turn(struct client *c)
{
	if (c->out.failed) { /* also when nothing of the answer could be kept */
		client_drop(c);
		return;
	}
	if (out_bytes(&c->out) > 0 && c->sock.writable) {
		long n = out_flush(&c->out, &c->sock);

		if (n == SOCK_FAILED) {
			client_drop(c);
			return;
		}
		if (n > 0 && c->request)
			c->request->progress_ms = clk_now_ms();
		else if (n > 0)
			c->entered_ms = clk_now_ms(); /* the rest of a complete answer moves on */
	}
	switch (c->state) {
	case CLIENT_IDLE:
	case CLIENT_HEAD:
		client_read_head(c);
		break;
	case CLIENT_BUSY:
		client_run_busy(c);
		break;
	case CLIENT_TUNNEL:
		client_run_tunnel(c);
		break;
	case CLIENT_LINGER:
		client_run_linger(c);
		break;
	case CLIENT_DEAD:
	case CLIENT_STATES_COUNT:
		break;
	}
}

void client_run(struct client *c)
{
	if (c->running) {
		c->again = true;
		return;
	}
	c->running = true;
	do {
		c->again = false;
		client_turn(c);
	} while (c->again && !c->hungry && c->state != CLIENT_DEAD);
	c->running = false;
}

static void request_check_deadline(struct request *r, uint64_t now_ms)
{
	const struct proxy_opts *o = &r->client->proxy->opts;
	const struct target *t = r->target;
	bool is_up = t->wake.state == WAKE_READY; /* what it waited for is a turn, or the dial */

	if (r->state != REQUEST_ACTIVE) {
		if (now_ms >= r->deadline_ms)
			request_fail(r, END_HOLD_TIMEOUT, is_up ? NULL : request_detail(r));
		return;
	}
	if (now_ms - r->progress_ms >= o->response_timeout_ms)
		request_fail(r, END_BACKEND_TIMEOUT, NULL);
}

/* Of two sides one is gone: the other has so long to end, or to say more. */
static void tunnel_check_deadline(struct client *c, uint64_t now_ms)
{
	const struct request *r = c->request;

	if ((r->client_ended || r->container_ended) &&
	    now_ms - r->progress_ms >= c->proxy->opts.response_timeout_ms)
		client_drop(c);
}

void client_check_deadline(struct client *c, uint64_t now_ms)
{
	const struct proxy_opts *o = &c->proxy->opts;
	uint64_t here_ms = now_ms - c->entered_ms;

	switch (c->state) {
	case CLIENT_IDLE:
		if (here_ms >= o->idle_timeout_ms)
			client_drop(c);
		break;
	case CLIENT_HEAD:
		if (here_ms >= o->head_timeout_ms) {
			client_refuse(c, END_HEAD_TIMEOUT, NULL);
			client_run(c);
		}
		break;
	case CLIENT_BUSY:
		if (c->request)
			request_check_deadline(c->request, now_ms);
		else if (here_ms >= o->response_timeout_ms)
			client_drop(c);
		break;
	case CLIENT_TUNNEL:
		tunnel_check_deadline(c, now_ms);
		break;
	case CLIENT_LINGER:
		if (here_ms >= PROXY_LINGER_MS)
			client_drop(c);
		break;
	case CLIENT_DEAD:
	case CLIENT_STATES_COUNT:
		break;
	}
}
