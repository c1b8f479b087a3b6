/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn - runs what has something to do, after the callbacks of one pass of the event loop
 *
 * Callbacks and neighbours only mark an item; the turn runs the marked ones in order until none is
 * left. So no item ever runs inside another one, and what is freed is freed at the turn's end, when
 * nobody up the stack can still use it. What moves many bytes goes on in the next turn, behind all
 * others.
 */
#pragma once

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
	TURN_BYTES_MAX = 128 * 1024,  /* that one item moves before the others are asked */
	TURN_PIECE_BYTES = 64 * 1024, /* read at once */
	TURN_SCRATCH_BYTES = 72 * 1024,
};

enum turn_place {
	TURN_NOWHERE,
	TURN_MARKED, /* it runs in this turn */
	TURN_LATER,  /* it runs in the next one */
	TURN_BURIED, /* it is freed at the end of this one */
};

struct turn_item {
	TAILQ_ENTRY(turn_item) link;
	void (*run)(void *arg);
	void *arg;
	enum turn_place place;
	uint32_t spent_bytes;
	uint32_t spent_in; /* the turn's number */
};

TAILQ_HEAD(turn_items, turn_item);

struct turn {
	struct turn_items marked;
	struct turn_items later;
	struct turn_items graves;
	uint32_t number; /* it may begin anew */
	bool running;
	struct event now;
	struct event next;
	void (*on_over)(void *arg); /* a turn is over, all graves are empty; or NULL */
	void *arg;
	char scratch[TURN_SCRATCH_BYTES]; /* for whoever runs, until it returns */
};

void turn_init(struct turn *t, struct event_base *base);
/** turn_done() - what is buried is freed; nothing else may be in it */
void turn_done(struct turn *t);
void turn_item_init(struct turn_item *item, void (*run)(void *arg), void *arg);
/** turn_mark() - @item runs before the loop waits again; also from within its own run */
void turn_mark(struct turn *t, struct turn_item *item);
/**
 * turn_spend() - @item has moved @bytes
 * Return: true when that is all it may in this turn: it goes on in the next one
 */
bool turn_spend(struct turn *t, struct turn_item *item, size_t bytes);
/** turn_current() - the number of the turn in which runs what is marked now */
uint32_t turn_current(const struct turn *t);
/** turn_poke() - there is a turn, also when nothing is marked */
void turn_poke(struct turn *t);
/** turn_forget() - @item does not run, unless it is marked again */
void turn_forget(struct turn *t, struct turn_item *item);
/** turn_bury() - @item never runs again; @give is called with its arg at the end of the turn */
void turn_bury(struct turn *t, struct turn_item *item, void (*give)(void *arg));
