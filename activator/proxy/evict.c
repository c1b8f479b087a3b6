/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evict - who goes when memory or connections run out, and who is too slow to stay
 *
 * Of those that we wait for, and of those alone: a request that its container has not answered is
 * no reason to end its client.
 */
#include <stddef.h>

#include "activator/net/account.h"
#include "activator/proxy/internal.h"
#include "lib/base/clk.h"

enum {
	EVICT_BATCH_MAX = 64,
	EVICT_YOUNG_MS = 1000, /* nobody is called slow before */
	RELIEF_YOUNG_MS = 500, /* the same, when memory is short */
	VICTIMS_SEEN_MAX = 256,
	SMALL_BYTES = 8 * 1024,
};

struct victim_rule {
	uint64_t young_ms; /* nobody is one that is younger */
	size_t least_bytes;
	bool only_rank;
	unsigned rank;
};

static struct client *client_of_place(struct standing_place *place)
{
	return (struct client *)((char *)place - offsetof(struct client, place));
}

static struct proxy *proxy_of(const struct client *c)
{
	return c->all->arg;
}

static bool client_owes_reading(const struct client *c)
{
	return out_bytes(&c->conn.out) > 0 || c->conn.kernel_bytes > 0;
}

static enum client_debt client_debt(const struct client *c)
{
	if (c->state == CLIENT_DEAD)
		return DEBT_NONE;
	if (c->state == CLIENT_HEAD)
		return DEBT_HEAD;
	if (c->protocol->owes && c->protocol->owes(c))
		return DEBT_BODY;
	return client_owes_reading(c) ? DEBT_READING : DEBT_NONE;
}

static void client_evict(struct client *c, enum end_reason reason)
{
	struct exchange *x = exchange_of(c);

	if (x) {
		exchange_cut(x, reason);
	} else {
		proxy_count(proxy_of(c), reason, end_reason_status(reason));
		client_drop(c);
	}
}

static size_t client_memory(const struct client *c)
{
	const struct exchange *x = exchange_of(c);
	size_t bytes = c->conn.out.capacity + c->conn.kernel_bytes;

	if (c->protocol->kept_bytes)
		bytes += c->protocol->kept_bytes(c);
	if (x && x->up)
		bytes += x->up->conn->out.capacity + x->up->conn->kernel_bytes;
	return bytes;
}

void evict_place(struct client *c)
{
	if (client_debt(c) == DEBT_NONE)
		standing_remove(&proxy_of(c)->standing, &c->place);
	else
		standing_put(&proxy_of(c)->standing, &c->place,
		             standing_rank(c->state == CLIENT_HEAD, c->recent.bytes),
		             client_memory(c) >= SMALL_BYTES);
}

/*
 * Whoever does not fit (any more) loses its place until the next look, so nobody is passed by
 * twice. Return: NULL when there is nobody
 */
static struct client *victim_take(struct proxy *p, const struct victim_rule *rule)
{
	uint64_t now_ms = clk_now_ms();
	struct standing_place *place;

	for (unsigned i = 0; i < VICTIMS_SEEN_MAX; i++) {
		struct client *c;

		place = standing_first(&p->standing, rule->least_bytes > 0);
		if (place == NULL || (rule->only_rank && place->rank != rule->rank))
			return NULL;
		standing_remove(&p->standing, place);
		c = client_of_place(place);
		if (client_debt(c) != DEBT_NONE && now_ms - c->entered_ms >= rule->young_ms &&
		    client_memory(c) >= rule->least_bytes)
			return c;
	}
	return NULL;
}

/* Lists are in the order of entering: who is first is the oldest. */
static struct client *client_oldest(struct proxy *p, enum client_state state)
{
	struct client *c = TAILQ_FIRST(&p->clients.lists[state]);

	return c && clk_now_ms() - c->entered_ms >= EVICT_YOUNG_MS ? c : NULL;
}

/*
 * All wait for their containers. If most of them for the same one, it has more than its share, and
 * those that have waited the longest there give way.
 */
static bool evict_of_the_largest(struct proxy *p)
{
	uint64_t now_ms = clk_now_ms();
	struct target *largest = queue_largest(&p->queue);
	struct waiter *w;
	uint32_t inside_count = 0;
	unsigned count = 0;

	if (largest == NULL)
		return false;
	w = target_first_inside(largest, &inside_count);
	if (inside_count <= p->opts.connections_max / 2)
		return false;
	while (w && count < EVICT_BATCH_MAX) {
		struct exchange *x = exchange_of_waiter(w);

		if (x->state == EXCHANGE_TUNNEL || now_ms - x->progress_ms < EVICT_YOUNG_MS)
			break;
		exchange_cut(x, END_OVER_SHARE);
		w = target_first_inside(largest, &inside_count);
		count++;
	}
	return count > 0;
}

static bool evict_slowest(struct proxy *p)
{
	struct victim_rule rule = {.young_ms = EVICT_YOUNG_MS};
	struct client *c = victim_take(p, &rule);
	unsigned count = 0;

	if (c == NULL)
		return false;
	rule.only_rank = true;
	rule.rank = c->place.rank;
	for (; c && count < EVICT_BATCH_MAX; count++) {
		client_evict(c, END_EVICTED);
		c = victim_take(p, &rule);
	}
	return true;
}

bool evict_one(struct proxy *p)
{
	struct client *idle = client_oldest(p, CLIENT_IDLE);
	struct client *head = client_oldest(p, CLIENT_HEAD);

	if (idle) {
		client_drop(idle);
		return true;
	}
	if (head) {
		client_evict(head, END_EVICTED);
		return true;
	}
	if (evict_slowest(p))
		return true;
	/* A look at all containers, so not for each of many refused in one turn. */
	if (clk_now_ms() - p->looked_ms < PROXY_RELIEF_MS)
		return false;
	p->looked_ms = clk_now_ms();
	return evict_of_the_largest(p);
}

bool evict_heavy(struct proxy *p)
{
	const struct victim_rule rule = {.young_ms = RELIEF_YOUNG_MS, .least_bytes = SMALL_BYTES};

	for (unsigned count = 0; account_excess() > 0 && count < EVICT_BATCH_MAX; count++) {
		struct client *c = victim_take(p, &rule);

		if (c == NULL)
			return false;
		client_evict(c, END_EVICTED);
	}
	return true;
}

void evict_look(struct proxy *p)
{
	const struct timeval tv = {.tv_usec = PROXY_RELIEF_MS * 1000};

	if (account_excess() == 0)
		p->relief_round = 0;
	else if (!event_pending(&p->relief, EV_TIMEOUT, NULL))
		(void)event_add(&p->relief, &tv);
}

static uint64_t client_moved(const struct client *c, enum client_debt debt)
{
	if (debt == DEBT_READING)
		return conn_taken(&c->conn);
	return c->conn.read_bytes;
}

static void client_too_slow(struct client *c, enum client_debt debt)
{
	switch (debt) {
	case DEBT_HEAD:
		c->protocol->refuse(c, END_SLOW, NULL);
		break;
	case DEBT_BODY:
		exchange_fail(exchange_of(c), END_SLOW, NULL);
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
void evict_check_pace(struct client *c, uint64_t now_ms)
{
	const struct pace_limit *limit = &proxy_of(c)->opts.pace;
	enum client_debt debt = client_debt(c);
	uint64_t owed;
	uint64_t moved;

	if (debt == DEBT_NONE || debt != c->debt) {
		c->debt = debt;
		pace_close(&c->pace);
		if (debt == DEBT_NONE)
			return;
		pace_open(&c->pace, client_moved(c, debt), now_ms);
		c->owed_bytes = c->conn.sent_bytes;
		return;
	}
	if (!pace_is_due(&c->pace, limit, now_ms))
		return;
	owed = c->owed_bytes;
	c->owed_bytes = c->conn.sent_bytes;
	moved = client_moved(c, debt);
	if (pace_judge(&c->pace, limit, moved, now_ms) && (debt != DEBT_READING || moved < owed))
		client_too_slow(c, debt);
}
