/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_new - makes an exchange of a request's head: finds whose it is, and writes what goes on
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "activator/core/forward.h"
#include "activator/core/problem.h"
#include "activator/core/upgrade.h"
#include "activator/http/request_text.h"
#include "activator/net/account.h"
#include "activator/net/address.h"
#include "activator/proxy/internal.h"
#include "lib/base/clk.h"

static char *text_put(char *to, const char *text, size_t bytes)
{
	memcpy(to, text, bytes);
	to[bytes] = '\0';
	return to;
}

/* The id, and what only the access log wants to know later. */
static struct exchange *exchange_alloc(const struct proxy *p, const struct head *h,
                                       const struct request_facts *f)
{
	char path[REQUEST_PATH_BYTES] = "";
	char id[REQUEST_ID_MAX + 1];
	size_t host_bytes = p->opts.access_log ? f->host_bytes : 0;
	size_t bytes;
	struct exchange *x;

	request_id_of(h, id);
	if (p->opts.access_log)
		request_path_text(f->path, f->path_bytes, path);
	bytes = strlen(id) + strlen(path) + host_bytes + 3;
	x = malloc(sizeof *x + bytes); /* glibc's calloc() knows no cache */
	if (x == NULL)
		return NULL;
	memset(x, 0, sizeof *x);
	x->text_bytes = (uint32_t)bytes;
	x->path_at = (uint16_t)(strlen(id) + 1);
	x->host_at = (uint16_t)(x->path_at + strlen(path) + 1);
	(void)text_put(x->text, id, strlen(id));
	(void)text_put(x->text + x->path_at, path, strlen(path));
	(void)text_put(x->text + x->host_at, f->host, host_bytes);
	return x;
}

/* Written once, as it is sent: what is kept while it waits is this text and nothing else of it. */
static int exchange_write_head(struct exchange *x, const struct head *h,
                               const struct request_facts *f, const char *address)
{
	const struct forward_origin origin = {.address = address,
	                                      .trusted = x->client->is_trusted,
	                                      .request_id = x->text,
	                                      .upgrades = target_rules(x->wait.target)->upgrades};
	struct forward_text t = {.at = x->client->conn.turn->scratch,
	                         .capacity = TURN_SCRATCH_BYTES};

	forward_request(&t, h, f, &origin);
	if (t.overflow)
		return -1;
	x->head = malloc(t.bytes);
	if (x->head == NULL)
		return -1;
	memcpy(x->head, t.at, t.bytes);
	x->head_bytes = (uint32_t)t.bytes;
	account_move(ACCOUNT_BUFFERS, 0, sizeof *x + x->text_bytes + x->head_bytes);
	return 0;
}

static void exchange_note(struct exchange *x, const struct head *h, struct request_facts *f)
{
	const struct target_limits *rules = target_rules(x->wait.target);

	f->wants_upgrade =
	        f->wants_upgrade && upgrade_next(h, rules->upgrades, &(struct head_list){0});
	x->method = h->method;
	x->has_body = f->has_body;
	x->asked_all = !f->has_body;
	x->idempotent = f->idempotent;
	x->is_head = f->is_head;
	x->wants_upgrade = f->wants_upgrade;
	x->chunked = h->chunked;
	x->as_text = problem_as_text(h);
	x->wait.since_ms = x->progress_ms = clk_now_ms();
	x->deadline_ms = x->wait.since_ms + rules->hold_timeout_ms;
}

static struct exchange *exchange_new(struct client *c, struct target *t, const struct head *h,
                                     struct request_facts *f)
{
	struct proxy *p = c->all->arg;
	struct exchange *x = exchange_alloc(p, h, f);
	char address[ADDRESS_TEXT_BYTES];

	if (x == NULL)
		return NULL;
	x->state = EXCHANGE_NEW;
	x->client = c;
	x->wait = (struct waiter){.target = t, .ops = &exchange_waiter_ops, .state = WAITER_OUT};
	turn_item_init(&x->grave, NULL, x);
	exchange_note(x, h, f);
	address_text(&c->address.any, address);
	target_asked(t, address);
	if (exchange_write_head(x, h, f, address) == 0)
		return x;
	free(x);
	return NULL;
}

enum end_reason exchange_request(struct client *c, struct stream *s, const struct head *h,
                                 struct request_facts *f, const char **ret_detail)
{
	static char host[REQUEST_HOST_BYTES]; /* until the next request */
	struct proxy *p = c->all->arg;
	enum end_reason reason = END_NONE;
	struct target *t;
	struct exchange *x;

	assert(f->host_bytes < sizeof host);
	*ret_detail = text_put(host, f->host, f->host_bytes);
	t = p->opts.route(p->opts.arg, host, c->is_public, &reason);
	if (t == NULL)
		return reason;
	x = exchange_new(c, t, h, f);
	if (x == NULL)
		return END_INTERNAL;
	x->down = s;
	s->events = &exchange_down_events;
	s->owner = x;
	return END_NONE;
}
