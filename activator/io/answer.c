/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of our own: what is refused, and why. */
#include <string.h>

#include "activator/core/problem.h"
#include "activator/core/request_id.h"
#include "activator/io/address.h"
#include "activator/io/internal.h"
#include "activator/io/request_text.h"
#include "lib/base/log.h"

enum { HEAD_LINES_BYTES = 768 };

/* Whether what the client sends next can be told apart from what it has sent. */
static bool client_is_in_step(const struct client *c)
{
	const struct request *r = c->request;

	return c->state == CLIENT_BUSY && r && (!r->has_body || r->body_done);
}

/* The head that is answered, where there is a whole one and no request was made of it. */
static const struct head *refused_head(const struct client *c)
{
	return c->request == NULL && c->head && c->message.head_done ? &c->head->head : NULL;
}

/* A refused request has no target, but a client, and most of the time a host and a path. */
static void refusal_log(const struct client *c, const struct problem *p)
{
	const struct head *h = refused_head(c);
	const struct head_field *host = h ? head_find(h, FIELD_HOST) : NULL;
	char path[REQUEST_PATH_BYTES] = "";
	char name[REQUEST_HOST_BYTES] = "";
	char address[ADDRESS_TEXT_BYTES];

	address_text(&c->address, address);
	if (h)
		request_path_text(head_at(h, h->target), h->target.bytes, path);
	if (host)
		(void)snprintf(name, sizeof name, "%.*s", (int)host->value.bytes,
		               head_at(h, host->value));
	log_event(LOG_INFO, "request", log_str("client", address), log_str("host", name),
	          log_str("method", h ? h->method : ""), log_str("path", path),
	          log_str("id", p->request_id), log_u64("status", end_reason_status(p->reason)),
	          log_str("reason", end_reason_label(p->reason)));
}

static void put_text(struct out *out, const char *text)
{
	out_put(out, text, strlen(text));
}

static void put_head(struct client *c, const struct problem *p, bool as_text, size_t body_bytes)
{
	unsigned status = end_reason_status(p->reason);
	char text[HEAD_LINES_BYTES];
	int n;

	n = snprintf(text, sizeof text, "HTTP/1.1 %u %s\r\nX-Request-Id: %s\r\n", status,
	             status_phrase(status), p->request_id);
	out_put(&c->out, text, (size_t)n);
	if (body_bytes > 0) {
		n = snprintf(text, sizeof text,
		             "Content-Type: %s\r\nContent-Length: %zu\r\n"
		             "Cache-Control: no-store\r\n",
		             as_text ? "text/plain; charset=utf-8" : "application/problem+json",
		             body_bytes);
		out_put(&c->out, text, (size_t)n);
	}
	if (status == 503) {
		n = snprintf(text, sizeof text, "Retry-After: %d\r\n", HOLD_RETRY_AFTER_S);
		out_put(&c->out, text, (size_t)n);
	}
	if (status == 204 || status == 405)
		put_text(&c->out, "Allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT\r\n");
	if (c->close)
		put_text(&c->out, "Connection: close\r\n");
	else if (c->request->is_1_0)
		put_text(&c->out, "Connection: keep-alive\r\n");
	put_text(&c->out, "\r\n");
}

void client_refuse(struct client *c, enum end_reason reason, const char *detail)
{
	const struct request *r = c->request;
	const struct head *h = refused_head(c);
	struct problem p = {.reason = reason, .detail = detail};
	/* As soon as the method is read: also where the rest of the head is malformed. */
	bool is_head = c->message.parser.method == HTTP_HEAD;
	bool as_text = r ? r->as_text : h && problem_as_text(h);
	char id[REQUEST_ID_MAX + 1];
	char body[PROBLEM_BYTES];
	size_t bytes = 0;

	if (r == NULL)
		request_id_of(h, id);
	p.request_id = r ? r->id : id;
	p.delivered = r && (r->sent || r->delivered);
	c->close = c->close || !client_is_in_step(c) || !r->keep_alive || c->proxy->draining;
	if (end_reason_status(reason) != 204)
		bytes = problem_write(&p, as_text, body);
	put_head(c, &p, as_text, bytes);
	if (!is_head)
		out_put(&c->out, body, bytes);
	if (r == NULL) {
		proxy_count(c->proxy, reason, end_reason_status(reason));
		if (c->proxy->opts.access_log)
			refusal_log(c, &p);
	}
	if (c->state != CLIENT_BUSY)
		client_set_state(c, CLIENT_BUSY);
}
