/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool - the connections to one container: keeps idle ones for the next request, and dials others
 */
#include "activator/queue/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "activator/net/account.h"
#include "lib/base/clk.h"

static void pool_arm(struct pool *p, uint64_t now_ms);

static struct links *links_of(struct pool *p, enum link_state state)
{
	assert(state == LINK_DIALLING || state == LINK_IDLE || state == LINK_TAKEN);
	return state == LINK_DIALLING ? &p->dials : state == LINK_IDLE ? &p->idle : &p->taken;
}

/* The one place where a connection changes its list. */
static void link_set_state(struct link *link, enum link_state state)
{
	struct pool *p = link->pool;

	assert(link->state != LINK_CLOSED);
	if (link->state != LINK_UNSET)
		TAILQ_REMOVE(links_of(p, link->state), link, entry);
	p->idle_count -= link->state == LINK_IDLE;
	p->dials_count -= link->state == LINK_DIALLING;
	link->state = state;
	p->idle_count += state == LINK_IDLE;
	p->dials_count += state == LINK_DIALLING;
	if (state == LINK_DIALLING || state == LINK_IDLE)
		link->since_ms = clk_now_ms();
	if (state != LINK_CLOSED)
		TAILQ_INSERT_TAIL(links_of(p, state), link, entry);
}

static void link_close(struct link *link)
{
	struct pool *p = link->pool;

	link_set_state(link, LINK_CLOSED);
	p->stats->count--;
	conn_close(&link->conn);
	turn_bury(p->turn, &link->conn.item, free);
	link->conn.item.arg = link;
}

/*
 * An end or bytes that nobody asked for: whatever they are, they would be taken for the answer to
 * the next request, which may be somebody else's (RFC 9112 section 6.3).
 */
static void link_condemn(struct link *link)
{
	if (conn_has_bytes(&link->conn))
		link->pool->stats->unsolicited++;
	link_close(link);
}

static void seeker_remove(struct pool *p, struct seeker *s)
{
	s->waits = false;
	TAILQ_REMOVE(&p->seekers, s, entry);
	p->seekers_count--;
}

static void link_connected(struct link *link)
{
	struct pool *p = link->pool;
	struct seeker *s = TAILQ_FIRST(&p->seekers);
	int dialled = conn_dialled(&link->conn);

	if (dialled == 0)
		return;
	if (dialled < 0) {
		uint64_t now_ms = clk_now_ms();

		link_close(link);
		/* Again after a fixed interval, whatever the attempt took: nothing stretches it. */
		if (p->retry_ms <= now_ms)
			p->retry_ms = now_ms + POOL_DIAL_INTERVAL_MS - 1;
		pool_arm(p, now_ms);
		return;
	}
	assert(s != NULL); /* never more dials than seekers */
	seeker_remove(p, s);
	link_set_state(link, LINK_TAKEN);
	s->connected(s, link);
}

/* Something happened to a connection that nobody has taken. */
static void link_run(void *arg)
{
	struct link *link = arg;

	if (link->state == LINK_DIALLING)
		link_connected(link);
	else if (link->state == LINK_IDLE && link->conn.readable)
		link_condemn(link);
}

/* Return: false when it did not even begin */
static bool pool_dial(struct pool *p)
{
	struct link *link = calloc(1, sizeof *link);

	if (link == NULL || conn_dial(&link->conn, p->turn, (struct sockaddr *)&p->address,
	                              p->address_bytes, account_is_crowded(p->stats->count)) < 0) {
		free(link);
		return false;
	}
	conn_serve(&link->conn, link_run, link);
	link->pool = p;
	link->endpoint = p->endpoint;
	p->stats->count++;
	p->stats->opened++;
	link_set_state(link, LINK_DIALLING);
	return true;
}

/* As many as wait are dialled, the same number of them and no more. */
static void pool_balance(struct pool *p)
{
	uint64_t now_ms = clk_now_ms();

	while (p->dials_count > p->seekers_count)
		link_close(TAILQ_LAST(&p->dials, links));
	if (p->closing || now_ms < p->retry_ms)
		return;
	while (p->dials_count < p->seekers_count) {
		if (p->address_bytes > 0 && pool_dial(p))
			continue;
		p->retry_ms = now_ms + POOL_DIAL_INTERVAL_MS - 1;
		break;
	}
}

/* When the next thing is due, of all that the timer is for; 0: never */
static uint64_t pool_due_ms(const struct pool *p)
{
	const struct link *dial = TAILQ_FIRST(&p->dials);
	const struct link *idle = TAILQ_FIRST(&p->idle);
	uint64_t due_ms = 0;

	if (p->dials_count < p->seekers_count)
		due_ms = p->retry_ms;
	if (dial && (due_ms == 0 || dial->since_ms + POOL_DIAL_ATTEMPT_MS < due_ms))
		due_ms = dial->since_ms + POOL_DIAL_ATTEMPT_MS;
	if (idle && (due_ms == 0 || idle->since_ms + POOL_IDLE_MS < due_ms))
		due_ms = idle->since_ms + POOL_IDLE_MS;
	return due_ms;
}

static void pool_arm(struct pool *p, uint64_t now_ms)
{
	uint64_t due_ms = pool_due_ms(p);
	struct timeval tv;

	if (due_ms == 0) {
		(void)event_del(&p->timer);
		p->timer_ms = 0;
		return;
	}
	if (p->timer_ms != 0 && p->timer_ms <= due_ms)
		return; /* it looks again when it fires */
	p->timer_ms = due_ms;
	tv = clk_timeval(due_ms > now_ms ? due_ms - now_ms : 0);
	(void)event_add(&p->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pool *p = arg;
	uint64_t now_ms = clk_now_ms();
	struct link *link;

	p->timer_ms = 0;
	while ((link = TAILQ_FIRST(&p->idle)) && now_ms - link->since_ms >= POOL_IDLE_MS)
		link_close(link);
	while ((link = TAILQ_FIRST(&p->dials)) && now_ms - link->since_ms >= POOL_DIAL_ATTEMPT_MS)
		link_close(link);
	pool_balance(p);
	pool_arm(p, now_ms);
}

void pool_init(struct pool *p, struct turn *turn, struct pool_stats *stats)
{
	*p = (struct pool){.turn = turn, .stats = stats};
	TAILQ_INIT(&p->idle);
	TAILQ_INIT(&p->dials);
	TAILQ_INIT(&p->taken);
	TAILQ_INIT(&p->seekers);
	(void)event_assign(&p->timer, event_get_base(&turn->now), -1, 0, on_timer, p);
}

void pool_done(struct pool *p)
{
	struct link *link;

	assert(TAILQ_EMPTY(&p->seekers) && TAILQ_EMPTY(&p->taken));
	p->closing = true;
	while ((link = TAILQ_FIRST(&p->idle)) || (link = TAILQ_FIRST(&p->dials)))
		link_close(link);
	(void)event_del(&p->timer);
}

void pool_set_address(struct pool *p, const struct sockaddr *address, socklen_t bytes)
{
	struct link *link;

	p->endpoint++;
	p->retry_ms = 0;
	p->address_bytes = address ? bytes : 0;
	if (p->address_bytes > 0)
		memcpy(&p->address, address, bytes);
	while ((link = TAILQ_FIRST(&p->idle)) || (link = TAILQ_FIRST(&p->dials)))
		link_close(link);
	pool_balance(p);
	pool_arm(p, clk_now_ms());
}

struct link *pool_take(struct pool *p, struct seeker *s)
{
	uint64_t now_ms = clk_now_ms();
	struct link *link;

	assert(!s->waits);
	/* The last one used is the least likely to be closed by now. */
	while ((link = TAILQ_LAST(&p->idle, links))) {
		/* Its event may not have been served yet, so the kernel is asked. */
		if (now_ms - link->since_ms < POOL_IDLE_MS && conn_is_quiet(&link->conn)) {
			link_set_state(link, LINK_TAKEN);
			p->stats->reused++;
			return link;
		}
		link_condemn(link);
	}
	s->waits = true;
	TAILQ_INSERT_TAIL(&p->seekers, s, entry);
	p->seekers_count++;
	pool_balance(p);
	pool_arm(p, now_ms);
	return NULL;
}

void pool_leave(struct pool *p, struct seeker *s)
{
	if (!s->waits)
		return;
	seeker_remove(p, s);
	pool_balance(p);
}

void pool_give(struct link *link, bool reusable)
{
	struct pool *p = link->pool;

	assert(link->state == LINK_TAKEN);
	if (!reusable || p->closing || link->endpoint != p->endpoint ||
	    p->idle_count >= POOL_IDLE_MAX || out_bytes(&link->conn.out) > 0) {
		link_close(link);
		return;
	}
	link_set_state(link, LINK_IDLE);
	conn_serve(&link->conn, link_run, link);
	turn_forget(p->turn, &link->conn.item);
	pool_arm(p, link->since_ms);
}
