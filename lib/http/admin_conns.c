/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_conns - the places for connections: which makes room for a new one, when each is over
 */
#include "lib/http/admin_conns.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/clk.h"

enum {
	ADMIN_REQUEST_MS = 2000, /* from the accept to a whole request */
	ADMIN_PENDING_MAX = 48,  /* requests that wait for the program; the rest is for probes */
	ADMIN_BURST_MAX = 32,    /* connections taken in ... */
	ADMIN_BURST_MS = 5,      /* ... so much time */
	ADMIN_SWEEP_MS = 250,
	ADMIN_PEEK_BYTES = 2048, /* a probe's head is some 100 bytes */
	/* an evicted connection keeps its place until the loop has turned */
	ADMIN_PLACES = ADMIN_CONNS_MAX + 2 * ADMIN_BURST_MAX,
};

/*
 * evhttp does not tell when a connection ends: we keep a reference on its bufferevent, whose
 * callbacks are gone when evhttp has freed it.
 */
struct admin_conn {
	struct bufferevent *bev; /* NULL: a free place */
	uint64_t since_ms;       /* accepted, or the last answer given */
	bool was_served;         /* had a whole request: may wait for the next one */
	bool in_request;         /* the program has a request of it: takes what time it needs */
	bool is_ending;          /* shut down */
};

struct admin_conns {
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *sweep;
	struct event *burst_over;
	uint64_t burst_ms; /* when the burst began */
	unsigned burst_count;
	struct admin_conn conns[ADMIN_PLACES];
};

static bool conn_is_over(const struct admin_conn *c)
{
	bufferevent_event_cb on_event;

	bufferevent_getcb(c->bev, NULL, NULL, &on_event, NULL);
	return on_event == NULL;
}

static void conn_end(struct admin_conn *c)
{
	(void)shutdown(bufferevent_getfd(c->bev), SHUT_RDWR);
	c->is_ending = true;
}

/* Forget what has ended, end what takes too long. Return: how many are used. */
static unsigned conns_sweep(struct admin_conns *all)
{
	uint64_t now_ms = clk_now_ms();
	unsigned count = 0;

	for (size_t i = 0; i < ADMIN_PLACES; i++) {
		struct admin_conn *c = &all->conns[i];
		uint64_t most_ms = c->was_served ? ADMIN_IDLE_S * 1000 : ADMIN_REQUEST_MS;

		if (c->bev == NULL)
			continue;
		if (conn_is_over(c)) {
			(void)bufferevent_decref(c->bev);
			*c = (struct admin_conn){0};
			continue;
		}
		if (!c->is_ending && !c->in_request && now_ms - c->since_ms > most_ms)
			conn_end(c);
		count += !c->is_ending;
	}
	return count;
}

/* A head waits in the socket that the loop has not looked at yet. */
static bool conn_has_request(const struct admin_conn *c)
{
	char head[ADMIN_PEEK_BYTES];
	ssize_t n = recv(bufferevent_getfd(c->bev), head, sizeof head, MSG_PEEK | MSG_DONTWAIT);

	return n > 0 && memmem(head, (size_t)n, "\r\n\r\n", 4) != NULL;
}

/* Those that had an answer go before those that had none, the oldest of them first. */
static bool conn_goes_before(const struct admin_conn *a, const struct admin_conn *b)
{
	if (a->was_served != b->was_served)
		return a->was_served;
	return a->since_ms < b->since_ms;
}

/* Return: whether one was ended. */
static bool conns_evict(struct admin_conns *all)
{
	struct admin_conn *first = NULL;

	for (size_t i = 0; i < ADMIN_PLACES; i++) {
		struct admin_conn *c = &all->conns[i];

		/* the one that is being accepted has no descriptor yet */
		if (c->bev == NULL || bufferevent_getfd(c->bev) < 0 || c->is_ending ||
		    c->in_request || conn_is_over(c) ||
		    (first != NULL && !conn_goes_before(c, first)) || conn_has_request(c))
			continue;
		first = c;
	}
	if (first != NULL)
		conn_end(first);
	return first != NULL;
}

static struct admin_conn *conns_free_place(struct admin_conns *all)
{
	for (size_t i = 0; i < ADMIN_PLACES; i++) {
		if (all->conns[i].bev == NULL)
			return &all->conns[i];
	}
	return NULL;
}

/* Connections wait in the backlog until the loop has served what is here. */
static void conns_pause(struct admin_conns *all)
{
	static const struct timeval soon = {0, ADMIN_BURST_MS * 1000};

	(void)evconnlistener_disable(all->listener);
	(void)evtimer_add(all->burst_over, &soon);
}

static void on_burst_over(evutil_socket_t fd, short what, void *arg)
{
	struct admin_conns *all = arg;

	(void)fd;
	(void)what;
	if (conns_free_place(all) == NULL ||
	    (conns_sweep(all) >= ADMIN_CONNS_MAX && !conns_evict(all))) {
		conns_pause(all);
		return;
	}
	all->burst_count = 0;
	(void)evconnlistener_enable(all->listener);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval again = {0, ADMIN_SWEEP_MS * 1000};
	struct admin_conns *all = arg;

	(void)fd;
	(void)what;
	if (conns_sweep(all) > 0)
		(void)evtimer_add(all->sweep, &again);
}

static bool conns_burst_is_over(struct admin_conns *all)
{
	uint64_t now_ms = clk_now_ms();

	if (now_ms - all->burst_ms >= ADMIN_BURST_MS) {
		all->burst_ms = now_ms;
		all->burst_count = 0;
	}
	return ++all->burst_count >= ADMIN_BURST_MAX;
}

/*
 * The descriptor is closed with the bufferevent, when we let go of it: else evhttp closes it while
 * our reference keeps its events, and the next descriptor of that number, whosever it is, would be
 * watched by nobody.
 */
struct bufferevent *admin_conns_accept(struct admin_conns *all)
{
	static const struct timeval soon = {0, ADMIN_SWEEP_MS * 1000};
	struct bufferevent *bev = bufferevent_socket_new(all->base, -1, BEV_OPT_CLOSE_ON_FREE);
	unsigned count = conns_sweep(all);
	struct admin_conn *c = conns_free_place(all);
	bool pause = conns_burst_is_over(all);

	if (bev == NULL)
		return NULL;
	if (c != NULL) {
		bufferevent_incref(bev);
		*c = (struct admin_conn){.bev = bev, .since_ms = clk_now_ms()};
		count++;
	}
	/* so that there is a place for the next one */
	if (count >= ADMIN_CONNS_MAX && !conns_evict(all))
		pause = true;
	if (pause || conns_free_place(all) == NULL)
		conns_pause(all);
	if (!evtimer_pending(all->sweep, NULL))
		(void)evtimer_add(all->sweep, &soon);
	return bev;
}

void admin_conns_mark(struct admin_conns *all, const struct bufferevent *bev, bool in_request)
{
	for (size_t i = 0; i < ADMIN_PLACES; i++) {
		struct admin_conn *c = &all->conns[i];

		if (c->bev != bev)
			continue;
		c->in_request = in_request;
		c->was_served = true;
		c->since_ms = clk_now_ms();
	}
}

bool admin_conns_is_busy(const struct admin_conns *all)
{
	unsigned count = 0;

	for (size_t i = 0; i < ADMIN_PLACES; i++)
		count += all->conns[i].bev != NULL && all->conns[i].in_request;
	return count >= ADMIN_PENDING_MAX;
}

struct admin_conns *admin_conns_new(struct event_base *base)
{
	struct admin_conns *all = calloc(1, sizeof *all);

	if (all == NULL)
		return NULL;
	all->base = base;
	all->sweep = evtimer_new(base, on_sweep, all);
	all->burst_over = evtimer_new(base, on_burst_over, all);
	if (all->sweep == NULL || all->burst_over == NULL) {
		admin_conns_free(all);
		return NULL;
	}
	return all;
}

void admin_conns_free(struct admin_conns *all)
{
	if (all == NULL)
		return;
	for (size_t i = 0; i < ADMIN_PLACES; i++) {
		if (all->conns[i].bev != NULL)
			(void)bufferevent_decref(all->conns[i].bev);
	}
	if (all->sweep != NULL)
		event_free(all->sweep);
	if (all->burst_over != NULL)
		event_free(all->burst_over);
	free(all);
}

void admin_conns_listen(struct admin_conns *all, struct evconnlistener *listener)
{
	all->listener = listener;
}
