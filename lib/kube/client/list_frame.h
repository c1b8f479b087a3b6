/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_frame - a stream of bytes with a Kubernetes List, cut into its items
 *
 * Pieces may end anywhere. An item's text is handed on as soon as its last byte is here, so neither
 * the whole text nor all its values are ever in memory. What is not an item is collected with an
 * empty list of items: the envelope.
 *
 * Only the ends of values are looked for. Whether the text is JSON is checked by the parser later.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

enum {
	LIST_FRAME_ITEM_BYTES_MAX = 16 * 1024 * 1024,
	LIST_FRAME_ENVELOPE_BYTES_MAX = 64 * 1024,
	LIST_FRAME_KEY_BYTES = 8,
};

struct list_frame {
	struct buf item;     /* begun */
	struct buf envelope; /* all but the items */
	unsigned depth;      /* open braces and brackets */
	bool in_string, is_escaped;
	bool in_items; /* between the brackets of "items" */
	/* Of the list's own object: the string that ended last, when it is short. */
	char key[LIST_FRAME_KEY_BYTES];
	size_t key_bytes;
	int (*on_item)(void *arg, const char *text, size_t bytes);
	void *arg;
};

/**
 * list_frame_init() - an empty one
 * @on_item: an item's text; borrowed, not NUL-terminated. Not 0: stop.
 */
void list_frame_init(struct list_frame *f,
                     int (*on_item)(void *arg, const char *text, size_t bytes), void *arg);
/** list_frame_done() - gives its memory back; it can be used for the next list */
void list_frame_done(struct list_frame *f);

/**
 * list_frame_feed() - more bytes
 * Return: 0, what on_item returned to stop, or negative with err set.
 */
int list_frame_feed(struct list_frame *f, const char *data, size_t bytes, struct err *err);
