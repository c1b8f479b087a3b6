/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - what is the same for connections of clients, whatever protocol they speak: their state,
 * their end
 */
#include "activator/session/client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clk.h"

#define TO(state) (1u << CLIENT_##state)

/* The table of states: from which to which. */
static const unsigned moves[CLIENT_STATES_COUNT] = {
        [CLIENT_UNSET] = TO(IDLE) | TO(DEAD),
        [CLIENT_IDLE] = TO(HEAD) | TO(BUSY) | TO(FLUSHING) | TO(DEAD),
        [CLIENT_HEAD] = TO(BUSY) | TO(FLUSHING) | TO(DEAD),
        [CLIENT_BUSY] = TO(FLUSHING) | TO(TUNNEL) | TO(DEAD),
        [CLIENT_FLUSHING] = TO(IDLE) | TO(HEAD) | TO(LINGER) | TO(DEAD),
        [CLIENT_TUNNEL] = TO(FLUSHING) | TO(DEAD),
        [CLIENT_LINGER] = TO(DEAD),
};

const char *client_state_name(enum client_state state)
{
	static const char *const names[CLIENT_STATES_COUNT] = {
#define X(name, text) [CLIENT_##name] = text,
	        CLIENT_STATES(X)
#undef X
	};

	return names[state] ? names[state] : "";
}

void clients_init(struct clients *all, struct turn *turn, const struct client_events *events,
                  void *arg)
{
	*all = (struct clients){.turn = turn, .events = events, .arg = arg};
	for (unsigned i = 0; i < CLIENT_STATES_COUNT; i++)
		TAILQ_INIT(&all->lists[i]);
}

void client_set_state(struct client *c, enum client_state state)
{
	assert(moves[c->state] & 1u << state);
	if (c->state != CLIENT_UNSET)
		TAILQ_REMOVE(&c->all->lists[c->state], c, link);
	c->state = state;
	c->entered_ms = clk_now_ms();
	TAILQ_INSERT_TAIL(&c->all->lists[state], c, link);
}

static void client_set_address(struct client *c, const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6)
		memcpy(&c->address.v6, address, sizeof c->address.v6);
	else
		memcpy(&c->address.v4, address, sizeof c->address.v4);
}

struct client *client_open(struct clients *all, int fd, const struct client_opts *opts)
{
	struct client *c = calloc(1, opts->protocol->session_bytes);

	assert(opts->protocol->session_bytes >= sizeof *c);
	if (c == NULL) {
		(void)close(fd);
		return NULL;
	}
	if (conn_open(&c->conn, all->turn, fd) < 0) {
		free(c);
		return NULL;
	}
	conn_narrow(&c->conn);
	conn_serve(&c->conn, opts->protocol->run, c);
	c->conn.writable = true;
	c->all = all;
	c->protocol = opts->protocol;
	c->is_public = opts->is_public;
	c->source = opts->source;
	client_set_address(c, opts->address);
	client_set_state(c, CLIENT_IDLE);
	all->count++;
	c->protocol->open(c);
	return c;
}

static void client_give(void *arg)
{
	struct client *c = arg;

	TAILQ_REMOVE(&c->all->lists[CLIENT_DEAD], c, link);
	if (c->protocol->done)
		c->protocol->done(c);
	free(c);
}

void client_drop(struct client *c)
{
	struct stream *s = c->stream;

	if (c->state == CLIENT_DEAD)
		return;
	client_set_state(c, CLIENT_DEAD);
	conn_close(&c->conn);
	c->all->count--;
	turn_bury(c->all->turn, &c->conn.item, client_give);
	c->conn.item.arg = c;
	if (s)
		s->events->lost(s->owner, END_CLIENT_GONE, NULL);
	assert(c->stream == NULL);
	c->all->events->gone(c);
}

void client_join(struct client *c, struct stream *s)
{
	assert(s == NULL || (c->stream == NULL && c->state == CLIENT_BUSY));
	c->stream = s;
}
