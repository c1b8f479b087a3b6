/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evict - who goes when memory or connections run out, and who is too slow to stay
 *
 * Of those that we wait for, and of those alone: a request that its container has not answered is
 * no reason to end its client.
 */
#include "activator/io/account.h"
#include "activator/io/internal.h"
#include "lib/base/clk.h"

enum {
	EVICT_BATCH_MAX = 64,
	EVICT_YOUNG_MS = 1000, /* nobody is called slow before */
	RELIEF_YOUNG_MS = 500, /* the same, when memory is short */
	RELIEF_MS = 20,
	RECENT_SHIFT = 3, /* recent_bytes: of about the last 2^3 ticks, 2 s */
	SMALL_BYTES = 8 * 1024,
};

struct victims {
	struct client *clients[EVICT_BATCH_MAX];
	unsigned count;
};

static bool client_owes_body(const struct client *c)
{
	const struct request *r = c->request;

	return c->state == CLIENT_BUSY && r && r->state == REQUEST_ACTIVE && !r->body_done &&
	       !c->sock.readable;
}

static bool client_owes_reading(const struct client *c)
{
	return out_bytes(&c->out) > 0 || c->sock.kernel_bytes > 0;
}

static enum client_debt client_debt(const struct client *c)
{
	if (c->state == CLIENT_DEAD)
		return DEBT_NONE;
	if (c->state == CLIENT_HEAD)
		return DEBT_HEAD;
	if (client_owes_body(c))
		return DEBT_BODY;
	return client_owes_reading(c) ? DEBT_READING : DEBT_NONE;
}

void client_evict(struct client *c, enum end_reason reason)
{
	struct request *r = c->request;

	if (c->state == CLIENT_DEAD)
		return;
	if (r)
		request_end(r, reason);
	else
		proxy_count(c->proxy, reason, end_reason_status(reason));
	client_drop(c);
}

static size_t client_memory(const struct client *c)
{
	const struct upstream *u = c->request ? c->request->upstream : NULL;
	size_t bytes = c->out.capacity + c->sock.kernel_bytes;

	if (c->head)
		bytes += c->head->capacity;
	if (u)
		bytes += u->out.capacity + u->sock.kernel_bytes;
	return bytes;
}

/* Heads first, the oldest of them; then the slowest. */
static bool client_goes_before(const struct client *a, const struct client *b)
{
	bool a_head = a->state == CLIENT_HEAD;
	bool b_head = b->state == CLIENT_HEAD;

	if (a_head != b_head)
		return a_head;
	if (!a_head && a->recent_bytes != b->recent_bytes)
		return a->recent_bytes < b->recent_bytes;
	return a->entered_ms < b->entered_ms;
}

static void victims_add(struct victims *v, struct client *c)
{
	unsigned i = v->count;

	if (v->count == EVICT_BATCH_MAX && !client_goes_before(c, v->clients[v->count - 1]))
		return;
	if (v->count < EVICT_BATCH_MAX)
		v->count++;
	else
		i--;
	for (; i > 0 && client_goes_before(c, v->clients[i - 1]); i--)
		v->clients[i] = v->clients[i - 1];
	v->clients[i] = c;
}

static void victims_find(struct proxy *p, struct victims *v, uint64_t young_ms, size_t least_bytes)
{
	uint64_t now_ms = clk_now_ms();
	struct client *c;

	v->count = 0;
	for (enum client_state s = CLIENT_IDLE; s < CLIENT_DEAD; s++)
		TAILQ_FOREACH(c, &p->clients[s], link)
			if (client_debt(c) != DEBT_NONE && now_ms - c->entered_ms >= young_ms &&
			    client_memory(c) >= least_bytes)
				victims_add(v, c);
}

/* Lists are in the order of entering: who is first is the oldest. */
static struct client *client_oldest(struct proxy *p, enum client_state state)
{
	struct client *c = TAILQ_FIRST(&p->clients[state]);

	return c && clk_now_ms() - c->entered_ms >= EVICT_YOUNG_MS ? c : NULL;
}

/*
 * All wait for their containers. If most of them for the same one, it has more than its share, and
 * those that have waited the longest there give way.
 */
static bool evict_of_the_largest(struct proxy *p)
{
	uint64_t now_ms = clk_now_ms();
	struct target *largest = NULL;
	struct target *t;
	unsigned count = 0;

	TAILQ_FOREACH(t, &p->targets, link)
		if (largest == NULL || t->active_count > largest->active_count)
			largest = t;
	if (largest == NULL || largest->active_count <= p->opts.connections_max / 2)
		return false;
	while (count < EVICT_BATCH_MAX) {
		struct request *r = TAILQ_FIRST(&largest->active);

		if (r == NULL || r->upgraded || now_ms - r->progress_ms < EVICT_YOUNG_MS)
			break;
		client_evict(r->client, END_OVER_SHARE);
		count++;
	}
	return count > 0;
}

bool evict_one(struct proxy *p)
{
	struct client *idle = client_oldest(p, CLIENT_IDLE);
	struct client *head = client_oldest(p, CLIENT_HEAD);
	struct victims v;

	if (idle) {
		client_drop(idle);
		return true;
	}
	if (head) {
		client_evict(head, END_EVICTED);
		return true;
	}
	/* A look at all of them, so not for each of many refused in one turn. */
	if (clk_now_ms() - p->looked_ms < RELIEF_MS)
		return false;
	p->looked_ms = clk_now_ms();
	victims_find(p, &v, EVICT_YOUNG_MS, 0);
	for (unsigned i = 0; i < v.count; i++)
		if (v.clients[i]->recent_bytes < v.clients[0]->recent_bytes + SMALL_BYTES)
			client_evict(v.clients[i], END_EVICTED);
	return v.count > 0 || evict_of_the_largest(p);
}

/* What costs nobody anything: heads kept for one more attempt, and room that is not used. */
static void relieve_gently(struct proxy *p)
{
	struct client *c;

	TAILQ_FOREACH(c, &p->clients[CLIENT_BUSY], link) {
		if (c->request && c->request->sent)
			request_forget_head(c->request);
		if (c->request && c->request->upstream)
			out_shrink(&c->request->upstream->out);
		out_shrink(&c->out);
	}
	TAILQ_FOREACH(c, &p->clients[CLIENT_TUNNEL], link)
		out_shrink(&c->out);
	head_buf_pool_drop();
}

static void on_relief(evutil_socket_t fd, short what, void *arg)
{
	struct proxy *p = arg;
	struct victims v;

	relieve_gently(p);
	if (account_excess() == 0)
		return;
	victims_find(p, &v, RELIEF_YOUNG_MS, SMALL_BYTES);
	for (unsigned i = 0; i < v.count && account_excess() > 0; i++)
		client_evict(v.clients[i], END_EVICTED);
	if (v.count > 0 && account_excess() > 0)
		evict_look(p);
}

void evict_init(struct proxy *p)
{
	(void)event_assign(&p->relief, p->base, -1, 0, on_relief, p);
}

void evict_done(struct proxy *p)
{
	(void)event_del(&p->relief);
}

void evict_look(struct proxy *p)
{
	const struct timeval tv = {.tv_usec = RELIEF_MS * 1000};

	if (account_excess() > 0 && !event_pending(&p->relief, EV_TIMEOUT, NULL))
		(void)event_add(&p->relief, &tv);
}

size_t piece_bytes(struct proxy *p)
{
	enum budget_level level = account_level();

	if (level != BUDGET_EASY)
		evict_look(p);
	return budget_piece(level, sizeof p->buf);
}

static uint64_t client_moved(const struct client *c, enum client_debt debt)
{
	if (debt == DEBT_READING)
		return sock_taken(&c->sock);
	return c->sock.read_bytes;
}

static void client_too_slow(struct client *c, enum client_debt debt)
{
	switch (debt) {
	case DEBT_HEAD:
		client_refuse(c, END_SLOW, NULL);
		client_run(c);
		break;
	case DEBT_BODY:
		request_fail(c->request, END_SLOW, NULL);
		break;
	case DEBT_READING:
		client_evict(c, END_SLOW_READER);
		break;
	case DEBT_NONE:
		break;
	}
}

/*
 * A reader is late only with what was there when the window opened: a stream of few bytes, each
 * taken in time, is slow because its container is.
 */
static void client_check_pace(struct client *c, uint64_t now_ms)
{
	const struct pace_limit *limit = &c->proxy->opts.pace;
	enum client_debt debt = client_debt(c);
	uint64_t owed;
	uint64_t moved;

	if (debt == DEBT_NONE || debt != c->debt) {
		c->debt = debt;
		pace_close(&c->pace);
		if (debt == DEBT_NONE)
			return;
		pace_open(&c->pace, client_moved(c, debt), now_ms);
		c->owed_bytes = c->sock.sent_bytes;
		return;
	}
	if (!pace_is_due(&c->pace, limit, now_ms))
		return;
	owed = c->owed_bytes;
	c->owed_bytes = c->sock.sent_bytes;
	moved = client_moved(c, debt);
	if (pace_judge(&c->pace, limit, moved, now_ms) && (debt != DEBT_READING || moved < owed))
		client_too_slow(c, debt);
}

static void client_measure(struct client *c)
{
	struct upstream *u = c->request ? c->request->upstream : NULL;
	uint64_t moved;

	sock_measure(&c->sock);
	if (u)
		sock_measure(&u->sock);
	moved = c->sock.read_bytes +
	        (c->sock.kernel_bytes > 0 ? sock_taken(&c->sock) : c->sock.sent_bytes);
	c->recent_bytes -= c->recent_bytes >> RECENT_SHIFT;
	if (moved > c->seen_bytes)
		c->recent_bytes += moved - c->seen_bytes;
	c->seen_bytes = moved;
}

void evict_sweep(struct proxy *p, uint64_t now_ms)
{
	struct client *c;
	struct client *next;

	for (enum client_state s = CLIENT_IDLE; s < CLIENT_DEAD; s++)
		/* Who goes may take others along: what is left is looked at in the next tick. */
		for (c = TAILQ_FIRST(&p->clients[s]); c && c->state == s; c = next) {
			next = TAILQ_NEXT(c, link);
			client_measure(c);
			client_check_pace(c, now_ms);
		}
	evict_look(p);
}
