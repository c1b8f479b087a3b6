/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn - the run list of the data path: runs what was marked, and frees what has ended when all
 * have run
 */
#include "activator/net/turn.h"

#include <assert.h>
#include <event2/event.h>

static struct turn_items *items_of(struct turn *t, enum turn_place place)
{
	switch (place) {
	case TURN_NOWHERE:
		break;
	case TURN_MARKED:
		return &t->marked;
	case TURN_LATER:
		return &t->later;
	case TURN_BURIED:
		return &t->graves;
	}
	return NULL;
}

static void item_move(struct turn *t, struct turn_item *item, enum turn_place place)
{
	assert(item->place != TURN_BURIED);
	if (item->place != TURN_NOWHERE)
		TAILQ_REMOVE(items_of(t, item->place), item, link);
	item->place = place;
	if (place != TURN_NOWHERE)
		TAILQ_INSERT_TAIL(items_of(t, place), item, link);
}

/* Behind all events that are active now, and before the loop waits for others. */
static void turn_is_due(struct turn *t)
{
	if (!t->running)
		event_active(&t->now, EV_TIMEOUT, 0);
}

static void turn_empty_graves(struct turn *t)
{
	struct turn_item *item;

	while ((item = TAILQ_FIRST(&t->graves))) {
		TAILQ_REMOVE(&t->graves, item, link);
		item->run(item->arg);
	}
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct turn *t = arg;
	struct turn_item *item;

	t->number++;
	t->running = true;
	while ((item = TAILQ_FIRST(&t->marked))) {
		item_move(t, item, TURN_NOWHERE);
		item->run(item->arg);
	}
	turn_empty_graves(t);
	assert(TAILQ_EMPTY(&t->marked)); /* who is freed marks nobody */
	t->running = false;
	if (t->on_over)
		t->on_over(t->arg);
}

static void on_next(evutil_socket_t fd, short what, void *arg)
{
	struct turn *t = arg;
	struct turn_item *item;

	while ((item = TAILQ_FIRST(&t->later)))
		item_move(t, item, TURN_MARKED);
	turn_is_due(t);
}

void turn_init(struct turn *t, struct event_base *base)
{
	TAILQ_INIT(&t->marked);
	TAILQ_INIT(&t->later);
	TAILQ_INIT(&t->graves);
	t->number = 0;
	t->running = false;
	t->on_over = NULL;
	(void)event_assign(&t->now, base, -1, 0, on_turn, t);
	(void)event_assign(&t->next, base, -1, 0, on_next, t);
}

void turn_done(struct turn *t)
{
	turn_empty_graves(t);
	assert(TAILQ_EMPTY(&t->marked) && TAILQ_EMPTY(&t->later));
	(void)event_del(&t->now);
	(void)event_del(&t->next);
}

void turn_item_init(struct turn_item *item, void (*run)(void *arg), void *arg)
{
	*item = (struct turn_item){.run = run, .arg = arg};
}

void turn_mark(struct turn *t, struct turn_item *item)
{
	if (item->place != TURN_NOWHERE)
		return;
	item_move(t, item, TURN_MARKED);
	turn_is_due(t);
}

bool turn_spend(struct turn *t, struct turn_item *item, size_t bytes)
{
	const struct timeval now = {0};

	if (item->spent_in != t->number)
		item->spent_bytes = 0;
	item->spent_in = t->number;
	item->spent_bytes += (uint32_t)bytes;
	if (item->spent_bytes < TURN_BYTES_MAX || item->place == TURN_BURIED)
		return false;
	if (item->place != TURN_LATER)
		item_move(t, item, TURN_LATER);
	/* A timer, since it waits for epoll, where an active event would come before it. */
	if (!event_pending(&t->next, EV_TIMEOUT, NULL))
		(void)event_add(&t->next, &now);
	return true;
}

uint32_t turn_current(const struct turn *t)
{
	return t->running ? t->number : t->number + 1;
}

void turn_poke(struct turn *t)
{
	turn_is_due(t);
}

void turn_forget(struct turn *t, struct turn_item *item)
{
	if (item->place != TURN_BURIED)
		item_move(t, item, TURN_NOWHERE);
}

void turn_bury(struct turn *t, struct turn_item *item, void (*give)(void *arg))
{
	item_move(t, item, TURN_BURIED);
	item->run = give;
	turn_is_due(t);
}
