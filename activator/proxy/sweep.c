/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweep - each client is looked at four times a second: its time, its pace, what it takes
 *
 * In rounds, and of a round no more in one turn than a neighbour's request may wait for. The list
 * is in the order of the last look, so a round is over when who is first was looked at in it.
 */
#include "activator/net/account.h"
#include "activator/proxy/internal.h"
#include "lib/base/clk.h"

enum { SWEEP_LOOKS_MAX = 256, SWEEP_PAUSE_MS = 4 };

/* What costs nobody anything: heads kept for one more attempt, and room that is not used. */
static void client_relieve(struct client *c)
{
	struct exchange *x = exchange_of(c);

	if (x)
		exchange_relieve(x);
	out_shrink(&c->conn.out);
}

/* The connection to the container; NULL: there is none. */
static struct conn *container_of_client(const struct client *c)
{
	const struct exchange *x = exchange_of(c);

	return x && x->up ? x->up->conn : NULL;
}

static void client_measure(struct client *c, uint64_t now_ms)
{
	struct conn *up = container_of_client(c);
	struct conn *conn = &c->conn;
	uint64_t moved;

	conn_measure(conn);
	if (up)
		conn_measure(up);
	moved = conn->read_bytes + (conn->kernel_bytes > 0 ? conn_taken(conn) : conn->sent_bytes);
	recent_add(&c->recent, moved > c->seen_bytes ? moved - c->seen_bytes : 0, now_ms);
	c->seen_bytes = moved;
}

/* Of those that we wait for: a request's client and container. */
static void client_check_connections(struct client *c)
{
	struct conn *up = container_of_client(c);

	if (c->stream && conn_check(&c->conn))
		conn_mark(&c->conn);
	else if (up && conn_check(up))
		conn_mark(up);
}

static void client_check_deadline(struct client *c, uint64_t now_ms)
{
	const struct proxy *p = c->all->arg;
	uint64_t here_ms = now_ms - c->entered_ms;

	switch (c->state) {
	case CLIENT_IDLE:
		if (here_ms >= p->opts.idle_timeout_ms)
			client_drop(c);
		break;
	case CLIENT_HEAD:
		if (here_ms >= p->opts.head_timeout_ms)
			c->protocol->refuse(c, END_HEAD_TIMEOUT, NULL);
		break;
	case CLIENT_BUSY:
	case CLIENT_TUNNEL:
		if (c->stream)
			exchange_check_deadline(exchange_of(c), now_ms);
		break;
	case CLIENT_FLUSHING:
		if (here_ms >= p->opts.response_timeout_ms)
			client_drop(c);
		break;
	case CLIENT_LINGER:
		if (here_ms >= PROXY_LINGER_MS)
			client_drop(c);
		break;
	case CLIENT_UNSET:
	case CLIENT_DEAD:
	case CLIENT_STATES_COUNT:
		break;
	}
}

static void client_look(struct client *c)
{
	struct proxy *p = c->all->arg;
	uint64_t now_ms = clk_now_ms();

	TAILQ_REMOVE(&p->round, c, round_link);
	TAILQ_INSERT_TAIL(&p->round, c, round_link);
	c->round_number = p->round_number;
	client_check_deadline(c, now_ms);
	if (c->state == CLIENT_DEAD)
		return;
	client_measure(c, now_ms);
	if (account_excess() > 0)
		client_relieve(c);
	evict_check_pace(c, now_ms);
	if (c->state == CLIENT_DEAD)
		return;
	evict_place(c);
	client_check_connections(c);
}

bool sweep_is_over(struct proxy *p, uint64_t round_number)
{
	const struct client *c = TAILQ_FIRST(&p->round);

	return c == NULL || c->round_number >= round_number;
}

static void sweep_some(struct proxy *p)
{
	const struct timeval pause = {.tv_usec = SWEEP_PAUSE_MS * 1000};

	/* Who goes may take others along, so it is always the first that is looked at. */
	for (unsigned i = 0; i < SWEEP_LOOKS_MAX && !sweep_is_over(p, p->round_number); i++)
		client_look(TAILQ_FIRST(&p->round));
	p->round_open = !sweep_is_over(p, p->round_number);
	if (p->round_open)
		(void)event_add(&p->sweep, &pause);
	evict_look(p);
}

void sweep_begin(struct proxy *p)
{
	/* One that is under way looks at all there are: it comes to its end first. */
	if (!p->round_open)
		(void)sweep_begin_anew(p);
}

uint64_t sweep_begin_anew(struct proxy *p)
{
	uint64_t number = ++p->round_number;

	sweep_some(p);
	return number;
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	sweep_some(arg);
}

void sweep_init(struct proxy *p)
{
	TAILQ_INIT(&p->round);
	(void)event_assign(&p->sweep, p->base, -1, 0, on_sweep, p);
}

void sweep_done(struct proxy *p)
{
	(void)event_del(&p->sweep);
}
