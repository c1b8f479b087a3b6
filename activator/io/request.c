/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "activator/io/account.h"
#include "activator/io/internal.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"

static void address_text(const struct sockaddr_storage *ss, char text[ADDRESS_TEXT_BYTES])
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;
	const struct sockaddr_in *in = (const struct sockaddr_in *)ss;

	text[0] = '\0';
	if (ss->ss_family == AF_INET)
		(void)inet_ntop(AF_INET, &in->sin_addr, text, ADDRESS_TEXT_BYTES);
	else if (ss->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		(void)inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], text, ADDRESS_TEXT_BYTES);
	else if (ss->ss_family == AF_INET6)
		(void)inet_ntop(AF_INET6, &in6->sin6_addr, text, ADDRESS_TEXT_BYTES);
}

static int request_write_head(struct request *r, const struct head *h,
                              const struct request_facts *f, const char *address)
{
	struct proxy *p = r->client->proxy;
	struct forward_text t = {.at = p->text, .capacity = sizeof p->text};

	forward_request(&t, h, f, address);
	if (t.overflow)
		return -1;
	r->head = malloc(t.bytes);
	if (r->head == NULL)
		return -1;
	memcpy(r->head, t.at, t.bytes);
	r->head_bytes = t.bytes;
	account_move(ACCOUNT_BUFFERS, 0, sizeof *r + r->head_bytes);
	return 0;
}

void request_forget_head(struct request *r)
{
	account_move(ACCOUNT_BUFFERS, r->head ? r->head_bytes : 0, 0);
	free(r->head);
	r->head = NULL;
}

static struct request *request_new(struct client *c, struct target *t, const struct head *h,
                                   const struct request_facts *f)
{
	struct request *r = calloc(1, sizeof *r);

	if (r == NULL)
		return NULL;
	r->client = c;
	r->target = t;
	r->start_ms = r->progress_ms = clk_now_ms();
	r->deadline_ms = r->start_ms + t->limits.hold_timeout_ms;
	r->has_body = f->has_body;
	r->body_done = !f->has_body;
	r->idempotent = f->idempotent;
	r->is_head = f->is_head;
	r->wants_upgrade = f->wants_upgrade;
	r->keep_alive = f->keep_alive;
	r->is_1_0 = h->minor == 0;
	r->chunked_in = h->chunked;
	t->has_last_request = true;
	t->last_request_ms = r->start_ms;
	address_text(&c->address, t->last_client);
	if (request_write_head(r, h, f, t->last_client) == 0)
		return r;
	free(r);
	return NULL;
}

enum end_reason request_start(struct client *c, struct request **ret_request)
{
	const struct head *h = &c->head->head;
	struct request_facts f = {0};
	enum end_reason reason = head_check_request(h, &f);
	struct target *t = NULL;
	char host[264] = "";

	if (reason == END_NONE) {
		(void)snprintf(host, sizeof host, "%.*s", (int)f.host_bytes, f.host);
		t = c->proxy->opts.route(c->proxy->opts.arg, host, c->is_public, &reason);
	}
	if (t) {
		reason = END_NONE;
		c->request = request_new(c, t, h, &f);
		if (c->request == NULL)
			reason = END_INTERNAL;
	}
	if (reason != END_NONE) {
		client_refuse(c, reason, host);
		return reason;
	}
	client_set_state(c, CLIENT_BUSY);
	*ret_request = c->request;
	return END_NONE;
}

static void request_log(const struct request *r, enum end_reason reason, unsigned status)
{
	log_event(LOG_INFO, "request", log_str("namespace", r->target->ns),
	          log_str("name", r->target->name), log_u64("status", status),
	          log_str("reason", end_reason_label(reason)),
	          log_u64("duration_ms", clk_now_ms() - r->start_ms));
}

void request_end(struct request *r, enum end_reason reason)
{
	struct client *c = r->client;
	struct target *t = r->target;
	struct upstream *u = r->upstream;
	unsigned status = reason == END_OK ? r->status : end_reason_status(reason);

	proxy_count(c->proxy, reason, status);
	if (c->proxy->opts.access_log)
		request_log(r, reason, status);
	t->upgraded_count -= r->upgraded;
	target_request_gone(r);
	t->has_last_request = true;
	t->last_request_ms = clk_now_ms();
	if (c->request == r) {
		c->request = NULL;
		c->entered_ms = t->last_request_ms; /* what is left to send has its own time */
	}
	if (u) {
		u->request = NULL;
		if (reason == END_OK)
			upstream_park(u);
		else
			upstream_close(u);
	}
	request_forget_head(r);
	account_move(ACCOUNT_BUFFERS, sizeof *r, 0);
	free(r);
	target_release(t);
}

void request_fail(struct request *r, enum end_reason reason, const char *detail)
{
	struct client *c = r->client;

	if (r->forwarded || end_reason_status(reason) == 0) {
		client_drop(c);
		return;
	}
	client_refuse(c, reason, detail);
	request_end(r, reason);
	client_run(c);
}

bool request_may_retry(const struct request *r)
{
	const struct hold_loss loss = {
	        .sent = r->sent,
	        .answered = r->answered,
	        .idempotent = r->idempotent,
	        .has_body = r->has_body,
	        .attempts_count = r->attempts_count,
	};

	return r->head != NULL && hold_may_retry(&loss);
}

void request_lost(struct request *r)
{
	struct target *t = r->target;

	if (!request_may_retry(r)) {
		request_fail(r, END_BACKEND_LOST, NULL);
		return;
	}
	r->attempts_count++;
	t->proxy->stats.retries++;
	target_hold_again(r);
	target_release(t);
}
