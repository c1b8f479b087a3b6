/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "activator/io/account.h"
#include "activator/io/internal.h"
#include "lib/base/clk.h"

static void on_upstream(evutil_socket_t fd, short what, void *arg)
{
	struct upstream *u = arg;

	sock_note(&u->sock, what);
	if (u->request)
		client_turn_begins(u->request->client);
	upstream_run(u);
}

void upstream_close(struct upstream *u)
{
	struct target *t = u->target;

	if (u->dead)
		return;
	TAILQ_REMOVE(u->idle ? &t->idle : &t->busy, u, link);
	if (u->idle || u->connecting)
		TAILQ_REMOVE(u->idle ? &t->proxy->parked : &t->proxy->dials, u, age_link);
	t->idle_count -= u->idle;
	u->dead = true;
	sock_close(&u->sock);
	message_done(&u->message);
	head_buf_give(u->head);
	u->head = NULL;
	out_done(&u->out);
	t->proxy->stats.upstreams_count--;
	TAILQ_INSERT_TAIL(&t->proxy->dead, u, link);
	proxy_bury(t->proxy);
}

void upstream_park(struct upstream *u)
{
	struct target *t = u->target;

	if (!u->keep_alive || u->eof || u->endpoint != t->endpoint || t->freeing ||
	    t->idle_count >= UPSTREAM_IDLE_MAX || out_bytes(&u->out) > 0 || u->head) {
		upstream_close(u);
		return;
	}
	TAILQ_REMOVE(&t->busy, u, link);
	TAILQ_INSERT_TAIL(&t->idle, u, link);
	TAILQ_INSERT_TAIL(&t->proxy->parked, u, age_link);
	u->idle = true;
	t->idle_count++;
	u->since_ms = clk_now_ms();
}

/*
 * An end or bytes that nobody asked for: whatever they are, they would be taken for the answer to
 * the next request, which may be somebody else's (RFC 9112 section 6.3).
 */
static void upstream_condemn(struct upstream *u)
{
	char byte;

	if (recv(u->sock.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		u->target->proxy->stats.upstreams_unsolicited++;
	upstream_close(u);
}

/* The last one used is the least likely to be closed by now. */
static struct upstream *upstream_reuse(struct request *r, uint64_t now_ms)
{
	struct target *t = r->target;
	struct upstream *u;

	while ((u = TAILQ_LAST(&t->idle, upstreams))) {
		/* Its event may not have been served yet, so the kernel is asked. */
		if (now_ms - u->since_ms < UPSTREAM_IDLE_MS && sock_is_quiet(&u->sock)) {
			TAILQ_REMOVE(&t->idle, u, link);
			TAILQ_REMOVE(&t->proxy->parked, u, age_link);
			TAILQ_INSERT_TAIL(&t->busy, u, link);
			u->idle = false;
			t->idle_count--;
			t->proxy->stats.upstreams_reused++;
			return u;
		}
		upstream_condemn(u);
	}
	return NULL;
}

static struct upstream *upstream_dial(struct target *t, uint64_t now_ms)
{
	int fd = socket(t->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct upstream *u;

	if (fd < 0)
		return NULL;
	sock_narrow(fd, account_is_crowded(t->proxy->stats.upstreams_count));
	u = calloc(1, sizeof *u);
	if (u == NULL || (connect(fd, (struct sockaddr *)&t->address, t->address_bytes) < 0 &&
	                  errno != EINPROGRESS)) {
		(void)close(fd);
		free(u);
		return NULL;
	}
	if (sock_open(&u->sock, t->proxy->base, fd, on_upstream, u) < 0) {
		free(u);
		return NULL;
	}
	u->target = t;
	u->endpoint = t->endpoint;
	u->connecting = true;
	u->since_ms = now_ms;
	TAILQ_INSERT_TAIL(&t->busy, u, link);
	TAILQ_INSERT_TAIL(&t->proxy->dials, u, age_link);
	t->proxy->stats.upstreams_count++;
	t->proxy->stats.upstreams_opened++;
	proxy_arm(t->proxy);
	return u;
}

void upstream_dial_later(struct target *t)
{
	const struct timeval tv = {.tv_usec = DIAL_INTERVAL_MS * 1000};

	if (!event_pending(&t->dial_timer, EV_TIMEOUT, NULL))
		(void)event_add(&t->dial_timer, &tv);
}

/* Again after a fixed interval, whatever the attempt took: nothing stretches it. */
static void upstream_retry(struct request *r)
{
	r->upstream = NULL;
	r->retry_ms = clk_now_ms() + DIAL_INTERVAL_MS - 1;
	upstream_dial_later(r->target);
}

void upstream_attach(struct request *r)
{
	uint64_t now_ms = clk_now_ms();
	struct upstream *u = upstream_reuse(r, now_ms);

	if (u == NULL && r->target->address_bytes > 0)
		u = upstream_dial(r->target, now_ms);
	if (u == NULL) {
		upstream_retry(r);
		return;
	}
	u->request = r;
	r->upstream = u;
	if (!u->connecting)
		upstream_send(u);
}

void upstream_send(struct upstream *u)
{
	struct request *r = u->request;
	long n;

	target_dispatch_done(r);
	sock_narrow(r->client->sock.fd, false);
	r->progress_ms = clk_now_ms();
	message_done(&u->message);
	message_init(&u->message, HTTP_RESPONSE);
	u->message.skip_body = r->is_head;
	out_put(&u->out, r->head, r->head_bytes);
	n = out_flush(&u->out, &u->sock);
	r->sent = n > 0;
	if (n == SOCK_FAILED) {
		u->request = NULL;
		r->upstream = NULL;
		upstream_close(u);
		request_lost(r);
		return;
	}
	if (!request_may_retry(r))
		request_forget_head(r);
	if (!r->body_done)
		client_run(r->client);
}

/* Return: false when the connection did not come about */
static bool upstream_connected(struct upstream *u)
{
	struct request *r = u->request;
	int error = 0;
	socklen_t bytes = sizeof error;

	if (!u->sock.writable && !u->sock.closed)
		return false;
	(void)getsockopt(u->sock.fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
	if (error != 0) {
		u->request = NULL;
		upstream_close(u);
		upstream_retry(r);
		return false;
	}
	u->connecting = false;
	TAILQ_REMOVE(&u->target->proxy->dials, u, age_link);
	proxy_stage(u->target->proxy, PROXY_STAGE_DIAL, clk_now_ms() - r->dial_ms);
	upstream_send(u);
	target_release(u->target);
	return true;
}

static enum forward_framing response_framing(const struct request *r, const struct head *h)
{
	if (r->is_head || h->status < 200 || h->status == 204 || h->status == 304)
		return FORWARD_NO_BODY;
	if (h->has_length && !h->chunked)
		return FORWARD_LENGTH;
	return r->is_1_0 ? FORWARD_UNTIL_CLOSE : FORWARD_CHUNKED;
}

static void response_first_byte(struct request *r)
{
	struct target *t = r->target;
	uint64_t now_ms = clk_now_ms();

	if (!r->was_held)
		return;
	proxy_stage(t->proxy, PROXY_STAGE_FIRST_BYTE, now_ms - r->start_ms);
	if (t->cold_start && t->opts.on_cold_start)
		t->opts.on_cold_start(t->opts.arg, t, now_ms - r->start_ms);
	t->cold_start = false;
}

static bool response_is_valid(const struct request *r, const struct head *h)
{
	return head_check_response(h) && (h->status != 101 || r->wants_upgrade);
}

/*
 * An answer that has no body but tells of one (HEAD, 204, 304): of some servers the body follows
 * all the same, a moment later, when it would be taken for the next answer.
 */
static bool response_may_have_a_stray_body(const struct head *h, enum forward_framing framing)
{
	return framing == FORWARD_NO_BODY && (h->has_coding || (h->has_length && h->length > 0));
}

/* A final head: written on, with our framing. Return: false when the request ended */
static bool response_on_head(struct upstream *u, const struct head *h)
{
	struct request *r = u->request;
	struct client *c = r->client;
	struct proxy *p = c->proxy;
	struct forward_text t = {.at = p->text, .capacity = sizeof p->text};
	struct forward_response how = {.framing = response_framing(r, h),
	                               .client_is_1_0 = r->is_1_0,
	                               .upgrade = h->status == 101};

	if (!response_is_valid(r, h)) {
		request_fail(r, END_BACKEND_INVALID, NULL);
		return false;
	}
	if (h->status >= 200) {
		c->close = c->close || !r->keep_alive || p->draining ||
		           how.framing == FORWARD_UNTIL_CLOSE;
		how.close = c->close;
		u->keep_alive =
		        head_keeps_alive(h) && !response_may_have_a_stray_body(h, how.framing);
		r->status = h->status;
		r->forwarded = true;
		response_first_byte(r);
	}
	u->message.chunk_out = how.framing == FORWARD_CHUNKED;
	u->message.body_out = &c->out;
	if (h->status >= 200 || !r->is_1_0) {
		forward_response(&t, h, &how);
		out_put(&c->out, t.at, t.overflow ? 0 : t.bytes);
		c->out.failed |= t.overflow;
	}
	r->answer_done = h->status >= 200 && (how.framing == FORWARD_NO_BODY ||
	                                      (how.framing == FORWARD_LENGTH && h->length == 0));
	return true;
}

static void upstream_to_tunnel(struct upstream *u)
{
	struct request *r = u->request;
	struct head_buf *b = u->head;

	r->status = 101;
	r->forwarded = r->upgraded = true;
	response_first_byte(r);
	u->target->upgraded_count++;
	u->target->has_last_byte = true;
	u->target->last_byte_ms = clk_now_ms();
	client_set_state(r->client, CLIENT_TUNNEL);
	out_put(&r->client->out, b->data + b->parsed, b->bytes - b->parsed);
	head_buf_give(b);
	u->head = NULL;
	if (r->client->head) { /* sent ahead of the answer */
		b = r->client->head;
		out_put(&u->out, b->data + b->parsed, b->bytes - b->parsed);
		head_buf_give(b);
		r->client->head = NULL;
	}
}

/* The answer is complete. */
static void response_done(struct upstream *u, bool clean)
{
	struct request *r = u->request;
	struct client *c = r->client;

	if (!clean)
		u->keep_alive = false;
	if (!r->body_done) {
		u->keep_alive = false;
		c->close = true;
	}
	request_end(r, END_OK);
	client_run(c);
}

static void upstream_lose(struct upstream *u)
{
	struct request *r = u->request;

	r->upstream = NULL;
	u->request = NULL;
	upstream_close(u);
	if (r->forwarded)
		client_drop(r->client);
	else
		request_lost(r);
}

/* Return: 1 go on, 0 wait for more, -1 the request is over */
static int upstream_read_head(struct upstream *u)
{
	struct request *r = u->request;
	enum message_step step;

	if (u->head->parsed == u->head->bytes) {
		size_t room = head_buf_room(u->head);
		long n = room ? sock_read(&u->sock, u->head->data + u->head->bytes, room)
		              : SOCK_FAILED;

		if (n == SOCK_AGAIN)
			return 0;
		if (n <= 0) {
			if (room == 0)
				request_fail(r, END_BACKEND_INVALID, "the head is too large");
			else
				upstream_lose(u);
			return -1;
		}
		u->head->bytes += (uint32_t)n;
		r->answered = true;
		request_forget_head(r); /* what was answered is not sent again */
		r->progress_ms = clk_now_ms();
	}
	step = message_head(&u->message, u->head);
	if (step == MESSAGE_MORE)
		return 1;
	if (step != MESSAGE_HEAD) {
		request_fail(r, END_BACKEND_INVALID, llhttp_get_error_reason(&u->message.parser));
		return -1;
	}
	if (!response_on_head(u, &u->head->head))
		return -1;
	if (u->head->head.status == 101) {
		upstream_to_tunnel(u);
	} else if (u->head->head.status < 200) {
		if (++r->interim_count > INTERIM_ANSWERS_MAX ||
		    out_bytes(&r->client->out) > INTERIM_BYTES_MAX) {
			request_fail(r, END_BACKEND_INVALID, "too many interim answers");
			return -1;
		}
		/* another head follows, maybe already here */
		head_buf_compact(u->head);
		message_init(&u->message, HTTP_RESPONSE);
		u->message.skip_body = r->is_head;
	}
	return 1;
}

/* Return: as above */
static int upstream_read_body(struct upstream *u)
{
	struct request *r = u->request;
	struct proxy *p = u->target->proxy;
	struct head_buf *b = u->head;
	enum message_step step = MESSAGE_MORE;
	const char *data = p->buf;
	size_t used = 0;
	long n;

	if (r->answer_done) {
		bool clean = b == NULL || b->parsed == b->bytes;

		head_buf_give(b);
		u->head = NULL;
		response_done(u, clean);
		return -1;
	}
	if (b) {
		data = b->data + b->parsed;
		n = (long)(b->bytes - b->parsed);
	} else {
		n = sock_read(&u->sock, p->buf, message_piece(&u->message, piece_bytes(p)));
	}
	if (n == SOCK_AGAIN)
		return 0;
	if (n > 0)
		step = message_body(&u->message, data, (size_t)n, &used);
	else if (b == NULL)
		step = n == SOCK_EOF ? message_eof(&u->message) : MESSAGE_BAD;
	u->eof = n <= 0 && b == NULL;
	head_buf_give(b);
	u->head = NULL;
	r->progress_ms = clk_now_ms();
	if (step == MESSAGE_MORE)
		return 1;
	if (step == MESSAGE_DONE)
		response_done(u, (long)used == n);
	else
		client_drop(r->client);
	return -1;
}

static void upstream_run_tunnel(struct upstream *u)
{
	struct request *r = u->request;
	struct client *c = r->client;

	/* What came with the 101, and what was sent ahead of it. */
	if (out_flush(&c->out, &c->sock) == SOCK_FAILED ||
	    out_flush(&u->out, &u->sock) == SOCK_FAILED) {
		client_drop(c);
		return;
	}
	while (out_bytes(&c->out) == 0 && !r->container_ended) {
		long n = sock_read(&u->sock, c->proxy->buf, piece_bytes(c->proxy));

		if (n == SOCK_AGAIN)
			break;
		if (n == SOCK_EOF && !r->client_ended) {
			r->container_ended = true;
			r->progress_ms = clk_now_ms();
			(void)shutdown(c->sock.fd, SHUT_WR);
			break;
		}
		if (n <= 0) {
			request_end(r, END_UPGRADED);
			c->close = true;
			client_set_state(c, CLIENT_BUSY);
			client_run(c);
			return;
		}
		out_put(&c->out, c->proxy->buf, (size_t)n);
		u->target->last_byte_ms = r->progress_ms = clk_now_ms();
		if (out_flush(&c->out, &c->sock) == SOCK_FAILED) {
			client_drop(c);
			return;
		}
		if (client_spend(c, (size_t)n))
			return;
	}
	if (c->sock.readable && !r->client_ended)
		client_run(c);
}

static void upstream_run_answer(struct upstream *u)
{
	struct client *c = u->request->client;
	int go;

	/* The client takes no more now: what the container sends waits in its own socket. */
	if (out_bytes(&c->out) > 0 && !u->request->answer_done &&
	    (u->head == NULL || u->head->parsed == u->head->bytes))
		return;
	if (u->head == NULL && !u->message.head_done) {
		if (!u->sock.readable)
			return;
		u->head = head_buf_take();
		if (u->head == NULL) {
			request_fail(u->request, END_INTERNAL, NULL);
			return;
		}
	}
	do {
		uint64_t before_bytes = u->sock.read_bytes;

		go = u->message.head_done ? upstream_read_body(u) : upstream_read_head(u);
		if (go < 0 || c->state == CLIENT_DEAD)
			return;
		if (c->state == CLIENT_TUNNEL) {
			upstream_run_tunnel(u);
			return;
		}
		/* Before the next read what is there goes on; if it can't, nothing is read. */
		if (out_bytes(&c->out) > 0 && !u->request->answer_done &&
		    (u->head == NULL || u->head->parsed == u->head->bytes) &&
		    out_flush(&c->out, &c->sock) == SOCK_FAILED) {
			client_drop(c);
			return;
		}
		if (client_spend(c, message_cost(&u->message,
		                                 (size_t)(u->sock.read_bytes - before_bytes))))
			return;
	} while (go > 0 && (out_bytes(&c->out) == 0 || u->head || u->request->answer_done));
}

void upstream_run(struct upstream *u)
{
	struct request *r = u->request;

	if (u->dead)
		return;
	if (u->idle) {
		if (u->sock.readable)
			upstream_condemn(u);
		return;
	}
	if (r == NULL)
		return;
	if (u->connecting) {
		if (!upstream_connected(u) || u->dead || u->request != r)
			return;
	}
	if (out_bytes(&u->out) > 0 && u->sock.writable) {
		if (out_flush(&u->out, &u->sock) == SOCK_FAILED) {
			out_done(&u->out);
			u->sock.readable = true; /* its answer may be there all the same */
		}
		r->sent = true;
	}
	if (r->client->state == CLIENT_TUNNEL) {
		upstream_run_tunnel(u);
		return;
	}
	if (!r->body_done && out_bytes(&u->out) == 0)
		client_run(r->client);
	if (!u->dead && u->request == r && r->state == REQUEST_ACTIVE)
		upstream_run_answer(u);
}

void upstream_sweep(struct proxy *p, uint64_t now_ms)
{
	struct upstream *u;

	while ((u = TAILQ_FIRST(&p->parked)) && now_ms - u->since_ms >= UPSTREAM_IDLE_MS)
		upstream_close(u);
	while ((u = TAILQ_FIRST(&p->dials)) && now_ms - u->since_ms >= DIAL_ATTEMPT_MS) {
		struct request *r = u->request;

		u->request = NULL;
		upstream_close(u);
		if (r)
			upstream_retry(r);
	}
}
