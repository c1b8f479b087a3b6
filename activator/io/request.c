/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "activator/core/problem.h"
#include "activator/core/upgrade.h"
#include "activator/io/account.h"
#include "activator/io/address.h"
#include "activator/io/internal.h"
#include "activator/io/request_text.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"

static int request_write_head(struct request *r, const struct head *h,
                              const struct request_facts *f, const char *address)
{
	struct proxy *p = r->client->proxy;
	const struct forward_origin origin = {.address = address,
	                                      .trusted = r->client->is_trusted,
	                                      .request_id = r->id,
	                                      .upgrades = r->target->limits.upgrades};
	struct forward_text t = {.at = p->text, .capacity = sizeof p->text};

	forward_request(&t, h, f, &origin);
	if (t.overflow)
		return -1;
	r->head = malloc(t.bytes);
	if (r->head == NULL)
		return -1;
	memcpy(r->head, t.at, t.bytes);
	r->head_bytes = t.bytes;
	account_move(ACCOUNT_BUFFERS, 0, sizeof *r + r->text_bytes + r->head_bytes);
	return 0;
}

void request_forget_head(struct request *r)
{
	account_move(ACCOUNT_BUFFERS, r->head ? r->head_bytes : 0, 0);
	free(r->head);
	r->head = NULL;
}

static char *text_put(char *to, const char *text, size_t bytes)
{
	memcpy(to, text, bytes);
	to[bytes] = '\0';
	return to;
}

/* The id, and what only the access log wants to know later. */
static struct request *request_alloc(const struct proxy *p, const struct head *h,
                                     const struct request_facts *f)
{
	char path[REQUEST_PATH_BYTES] = "";
	char id[REQUEST_ID_MAX + 1];
	size_t host_bytes = p->opts.access_log ? f->host_bytes : 0;
	size_t bytes;
	struct request *r;

	request_id_of(h, id);
	if (p->opts.access_log)
		request_path_text(f->path, f->path_bytes, path);
	bytes = strlen(id) + strlen(path) + host_bytes + 3;
	r = malloc(sizeof *r + bytes); /* glibc's calloc() knows no cache */
	if (r == NULL)
		return NULL;
	memset(r, 0, sizeof *r);
	r->text_bytes = bytes;
	r->id = text_put(r->text, id, strlen(id));
	r->path = text_put(strchr(r->id, '\0') + 1, path, strlen(path));
	r->host = text_put(strchr(r->path, '\0') + 1, f->host, host_bytes);
	return r;
}

static struct request *request_new(struct client *c, struct target *t, const struct head *h,
                                   struct request_facts *f)
{
	struct request *r = request_alloc(c->proxy, h, f);

	if (r == NULL)
		return NULL;
	f->wants_upgrade =
	        f->wants_upgrade && upgrade_next(h, t->limits.upgrades, &(struct head_list){0});
	r->client = c;
	r->target = t;
	r->start_ms = r->progress_ms = clk_now_ms();
	r->deadline_ms = r->start_ms + t->limits.hold_timeout_ms;
	r->method = h->method;
	r->has_body = f->has_body;
	r->body_done = !f->has_body;
	r->idempotent = f->idempotent;
	r->is_head = f->is_head;
	r->wants_upgrade = f->wants_upgrade;
	r->keep_alive = f->keep_alive;
	r->is_1_0 = h->minor == 0;
	r->chunked_in = h->chunked;
	r->as_text = problem_as_text(h);
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
	char host[REQUEST_HOST_BYTES] = "";

	if (reason == END_NONE) {
		assert(f.host_bytes < sizeof host);
		(void)text_put(host, f.host, f.host_bytes);
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
	char address[ADDRESS_TEXT_BYTES];

	address_text(&r->client->address, address);
	log_event(LOG_INFO, "request", log_str("namespace", r->target->ns),
	          log_str("name", r->target->name), log_str("client", address),
	          log_str("host", r->host), log_str("method", r->method), log_str("path", r->path),
	          log_str("id", r->id), log_u64("status", status),
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
	account_move(ACCOUNT_BUFFERS, sizeof *r + r->text_bytes, 0);
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

const char *request_detail(const struct request *r)
{
	return r->client->gets_details ? r->target->message : NULL;
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
