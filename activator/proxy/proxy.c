/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy - listens for clients, lets them in or not, has the clock of the data path, and ends it in
 * order
 */
#include "activator/proxy/proxy.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "activator/core/request_id.h"
#include "activator/http/message.h"
#include "activator/http/request_text.h"
#include "activator/net/account.h"
#include "activator/net/address.h"
#include "activator/proxy/internal.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"

enum { ACCEPTS_PER_TURN = 64 };

static void proxy_arm(struct proxy *p)
{
	const struct timeval tv = {.tv_usec = PROXY_TICK_MS * 1000};

	if (!event_pending(&p->tick, EV_TIMEOUT, NULL))
		(void)event_add(&p->tick, &tv);
}

static void on_turn_over(void *arg)
{
	struct proxy *p = arg;
	void (*done)(void *) = p->on_drained;

	if (!p->clients.draining || p->clients.count > 0 || done == NULL)
		return;
	p->on_drained = NULL;
	done(p->drained_arg);
}

/* Clients: see struct client_events. */

/* A refused request has no target, but a client, and most of the time a host and a path. */
static void refusal_log(const struct client *c, const struct problem *problem, const struct head *h)
{
	const struct head_field *host = h ? head_find(h, FIELD_HOST) : NULL;
	char path[REQUEST_PATH_BYTES] = "";
	char name[REQUEST_HOST_BYTES] = "";
	char address[ADDRESS_TEXT_BYTES];

	address_text(&c->address.any, address);
	if (h)
		request_path_text(head_at(h, h->target), h->target.bytes, path);
	if (host)
		(void)snprintf(name, sizeof name, "%.*s", (int)host->value.bytes,
		               head_at(h, host->value));
	log_event(LOG_INFO, "request", log_str("client", address), log_str("host", name),
	          log_str("method", h ? h->method : ""), log_str("path", path),
	          log_str("id", problem->request_id),
	          log_u64("status", end_reason_status(problem->reason)),
	          log_str("reason", end_reason_label(problem->reason)));
}

static void on_client_refused(struct client *c, const struct problem *problem, const struct head *h)
{
	struct proxy *p = c->all->arg;

	proxy_count(p, problem->reason, end_reason_status(problem->reason));
	if (p->opts.access_log)
		refusal_log(c, problem, h);
}

static void on_client_gone(struct client *c)
{
	struct proxy *p = c->all->arg;

	TAILQ_REMOVE(&p->round, c, round_link);
	standing_remove(&p->standing, &c->place);
	source_give(&p->sources, c->source);
	c->source = NULL;
}

static const struct client_events client_events = {
        .request = exchange_request,
        .refused = on_client_refused,
        .gone = on_client_gone,
};

static void client_accept(struct listener *l, int fd, const struct client_opts *opts)
{
	struct proxy *p = l->owner;
	struct client *c = client_open(&p->clients, fd, opts);
	unsigned char bytes[ADDRESS_BYTES];

	if (c == NULL) {
		source_give(&p->sources, opts->source);
		return;
	}
	address_bytes(&c->address.any, bytes);
	c->is_trusted = trust_has(&p->opts.trusted, bytes);
	c->gets_details = trust_has(&p->opts.details, bytes);
	c->round_number = p->round_number;
	c->recent.since_ms = c->entered_ms;
	TAILQ_INSERT_TAIL(&p->round, c, round_link);
	proxy_arm(p);
	if (p->clients.count > p->opts.connections_max)
		c->protocol->refuse(c, END_OVERLOADED, NULL);
}

/* The listening sockets stay readable: without a pause the loop would do nothing else. */
static void accept_pause(struct proxy *p)
{
	for (unsigned i = 0; i < p->listeners_count; i++)
		(void)event_del(&p->listeners[i].ev);
	p->accept_paused = true;
	proxy_arm(p);
}

static void accept_resume(struct proxy *p)
{
	for (unsigned i = 0; i < p->listeners_count; i++)
		(void)event_add(&p->listeners[i].ev, NULL);
	p->accept_paused = false;
}

/* Refused ones stay for their answer; so many of them and no more. */
static uint32_t connections_hard(const struct proxy *p)
{
	return p->opts.connections_max + p->opts.connections_max / 10 + 1;
}

/* Return: false when it is let in by nobody */
static bool proxy_admit(struct proxy *p, const struct sockaddr_storage *address,
                        struct source **ret_source)
{
	enum end_reason reason;

	if (!source_take(&p->sources, address, p->opts.connections_of_address_max, ret_source)) {
		reason = END_OF_ADDRESS;
	} else if (p->clients.count >= p->opts.connections_max && !evict_one(p) &&
	           p->clients.count >= connections_hard(p)) {
		/* Not even a refusal: each would be one more connection for a while. */
		reason = END_OVERLOADED;
		source_give(&p->sources, *ret_source);
	} else {
		return true;
	}
	proxy_count(p, reason, end_reason_status(reason));
	return false;
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	struct proxy *p = l->owner;

	for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
		struct sockaddr_storage address;
		socklen_t bytes = sizeof address;
		struct client_opts opts = {
		        .protocol = l->protocol, .address = &address, .is_public = l->is_public};
		int peer = accept4((int)fd, (struct sockaddr *)&address, &bytes,
		                   SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (peer < 0) {
			/* Out of descriptors: one idle connection less, or a pause. The kernel's
			   own want of memory passes, and leaves the socket readable all the same.
			 */
			if (errno == ENOBUFS || errno == ENOMEM ||
			    ((errno == EMFILE || errno == ENFILE) && !evict_one(p)))
				accept_pause(p);
			return;
		}
		if (proxy_admit(p, &address, &opts.source))
			client_accept(l, peer, &opts);
		else
			(void)close(peer);
	}
}

/* The clock, and the end. */

/* What is held is told once the bound is over, and all else ends; these answers go out in one more
   tick at the most. */
static void drain_sweep(struct proxy *p, uint64_t now_ms)
{
	struct client *c;
	struct target *t;

	while ((c = TAILQ_FIRST(&p->clients.lists[CLIENT_IDLE])))
		client_drop(c);
	if (now_ms < p->drain_until_ms)
		return;
	for (t = queue_first(&p->queue); t; t = queue_next(t))
		target_refuse_held(t, END_SHUTTING_DOWN);
	for (enum client_state s = CLIENT_IDLE; s < CLIENT_LINGER; s++)
		while ((s != CLIENT_FLUSHING || p->drain_is_over) &&
		       (c = TAILQ_FIRST(&p->clients.lists[s])))
			client_drop(c);
	p->drain_is_over = true;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct proxy *p = arg;

	sweep_begin(p);
	if (p->clients.draining)
		drain_sweep(p, clk_now_ms());
	if (p->accept_paused)
		accept_resume(p);
	if (p->clients.count > 0)
		proxy_arm(p);
}

static void on_tight(void *arg)
{
	evict_look(arg);
}

int proxy_new(struct event_base *base, const struct proxy_opts *opts, struct proxy **ret_proxy,
              struct err *err)
{
	struct proxy *p = calloc(1, sizeof *p);
	struct queue_opts queue_opts = {.held = opts->held,
	                                .wakes = opts->wakes,
	                                .on_stage = opts->on_stage,
	                                .arg = opts->arg};

	if (p == NULL)
		return err_set(err, ERR_NOMEM, 0, "proxy");
	p->base = base;
	p->opts = *opts;
	turn_init(&p->turn, base);
	p->turn.on_over = on_turn_over;
	p->turn.arg = p;
	clients_init(&p->clients, &p->turn, &client_events, p);
	queue_init(&p->queue, &p->turn, &queue_opts);
	(void)event_assign(&p->tick, base, -1, 0, on_tick, p);
	sweep_init(p);
	relief_init(p);
	account_watch(on_tight, p);
	*ret_proxy = p;
	return 0;
}

static void listeners_close(struct proxy *p)
{
	while (p->listeners_count > 0) {
		struct listener *l = &p->listeners[--p->listeners_count];

		(void)event_del(&l->ev);
		(void)close(l->fd);
	}
}

void proxy_free(struct proxy *p)
{
	struct target *t;
	struct client *c;

	if (p == NULL)
		return;
	listeners_close(p);
	p->on_drained = NULL;
	account_watch(NULL, NULL);
	for (enum client_state s = CLIENT_IDLE; s < CLIENT_DEAD; s++)
		while ((c = TAILQ_FIRST(&p->clients.lists[s])))
			client_drop(c);
	while ((t = queue_first(&p->queue)))
		target_free(t);
	turn_done(&p->turn);
	(void)event_del(&p->tick);
	sweep_done(p);
	relief_done(p);
	head_buf_pool_drop();
	free(p);
}

static int listen_on(struct proxy *p, struct listener *l, const char *address, unsigned *ret_port,
                     struct err *err)
{
	struct sockaddr_storage here;

	if (p->listeners_count == PROXY_LISTENERS_MAX)
		return err_set(err, ERR_INVALID, 0, "more than %d addresses to listen on",
		               PROXY_LISTENERS_MAX);
	l->fd = listener_open(address, &here, err);
	if (l->fd < 0)
		return -1;
	l->owner = p;
	p->listeners[p->listeners_count] = *l;
	l = &p->listeners[p->listeners_count++];
	(void)event_assign(&l->ev, p->base, l->fd, EV_READ | EV_PERSIST, on_accept, l);
	if (!p->opts.accept_later)
		(void)event_add(&l->ev, NULL);
	*ret_port = address_port(&here);
	return 0;
}

int proxy_listen(struct proxy *p, const char *address, bool is_public, unsigned *ret_port,
                 struct err *err)
{
	struct listener l = {.protocol = &protocol_h1, .is_public = is_public};

	return listen_on(p, &l, address, ret_port, err);
}

int proxy_listen_for(struct proxy *p, const struct protocol *protocol, const char *address,
                     unsigned *ret_port, struct err *err)
{
	struct listener l = {.protocol = protocol};

	return listen_on(p, &l, address, ret_port, err);
}

void proxy_accept(struct proxy *p)
{
	p->opts.accept_later = false;
	for (unsigned i = 0; i < p->listeners_count; i++)
		(void)event_add(&p->listeners[i].ev, NULL);
}

void proxy_drain(struct proxy *p, uint64_t bound_ms, void (*on_done)(void *arg), void *arg)
{
	p->clients.draining = true;
	p->drain_until_ms = clk_now_ms() + bound_ms;
	p->on_drained = on_done;
	p->drained_arg = arg;
	listeners_close(p);
	drain_sweep(p, clk_now_ms());
	proxy_arm(p);
	turn_poke(&p->turn);
}

const struct proxy_stats *proxy_stats(struct proxy *p)
{
	const struct pool_stats *pools = &p->queue.pools;

	p->stats.clients_count = p->clients.count;
	p->stats.upstreams_count = pools->count;
	p->stats.upstreams_opened = pools->opened;
	p->stats.upstreams_reused = pools->reused;
	p->stats.upstreams_unsolicited = pools->unsolicited;
	return &p->stats;
}

uint32_t proxy_held_count(const struct proxy *p)
{
	return p->queue.usage.requests_count;
}

struct target *target_new(struct proxy *p, const struct target_opts *opts)
{
	return target_make(&p->queue, opts);
}
