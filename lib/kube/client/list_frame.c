/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_frame - finds the ends of the items of a List in a stream of bytes
 */
#include "lib/kube/client/list_frame.h"

#include <string.h>

#include "lib/text/json_quote.h"

enum {
	LIST_FRAME_KEEP_BYTES = 64 * 1024,
	LIST_DEPTH_OWN = 1,   /* in the list's object */
	LIST_DEPTH_ITEMS = 2, /* in its items */
	LIST_DEPTH_MAX = 4096,
};

void list_frame_init(struct list_frame *f,
                     int (*on_item)(void *arg, const char *text, size_t bytes), void *arg)
{
	*f = (struct list_frame){.on_item = on_item, .arg = arg};
}

void list_frame_done(struct list_frame *f)
{
	buf_done(&f->item);
	buf_done(&f->envelope);
	list_frame_init(f, f->on_item, f->arg);
}

static int list_text_put(struct buf *t, const char *data, size_t bytes, size_t max, struct err *err)
{
	if (bytes > max - t->bytes)
		return err_set(err, ERR_INVALID, 0, "part of a list of more than %zu bytes", max);
	if (buf_put(t, data, bytes) < 0)
		return err_set(err, ERR_NOMEM, 0, "list");
	return 0;
}

/* Of the envelope; what stands between items is no part of it. */
static int list_keep(struct list_frame *f, const char *data, size_t bytes, struct err *err)
{
	if (bytes == 0 || (f->in_items && f->depth == LIST_DEPTH_ITEMS))
		return 0;
	return list_text_put(&f->envelope, data, bytes, LIST_FRAME_ENVELOPE_BYTES_MAX, err);
}

/* Of a string in the list's own object, which may be a key. */
static void list_key_put(struct list_frame *f, const char *data, size_t bytes)
{
	size_t room = sizeof f->key - f->key_bytes;

	if (bytes >= room) {
		f->key_bytes = sizeof f->key; /* too long to be the one that we know */
		return;
	}
	memcpy(f->key + f->key_bytes, data, bytes);
	f->key_bytes += bytes;
}

/* A bracket opens, and is counted in already: is it that of the items? */
static bool list_is_items(const struct list_frame *f, char c)
{
	static const char name[] = "items";

	return c == '[' && f->depth == LIST_DEPTH_ITEMS && f->key_bytes == sizeof name - 1 &&
	       memcmp(f->key, name, sizeof name - 1) == 0;
}

/* One byte of a string. */
static void list_in_string(struct list_frame *f, char c)
{
	if (f->is_escaped)
		f->is_escaped = false;
	else if (c == '\\')
		f->is_escaped = true;
	else
		f->in_string = c != '"';
}

/* Return: behind the quote that ends the string, or as far as it is here. */
static const char *list_string_run(struct list_frame *f, const char *data, const char *end)
{
	const char *quote;

	if (f->is_escaped) {
		f->is_escaped = false;
		return data + 1;
	}
	quote = memchr(data, '"', (size_t)(end - data));
	f->is_escaped = json_quote_is_escaped(data, quote != NULL ? quote : end);
	if (quote == NULL || f->is_escaped)
		return quote != NULL ? quote : end;
	f->in_string = false;
	return quote + 1;
}

/* Up to the next string, or to the end of the item. Return: behind what was passed */
static const char *list_nest_run(struct list_frame *f, const char *data, const char *end)
{
	unsigned depth = f->depth;
	const char *at = data;

	do {
		char c = *at++;

		if (c == '"') {
			f->in_string = true;
			break;
		}
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
	} while (at < end && depth > LIST_DEPTH_ITEMS);
	f->depth = depth;
	return at;
}

/* From its first brace, or from where the last piece ended. Return: the bytes of it in @data */
static size_t list_item_run(struct list_frame *f, const char *data, size_t bytes)
{
	const char *at = data, *end = data + bytes;

	do {
		at = f->in_string ? list_string_run(f, at, end) : list_nest_run(f, at, end);
	} while (at < end && f->depth > LIST_DEPTH_ITEMS);
	return (size_t)(at - data);
}

/* The most come whole in one piece and are not copied. Return: as list_frame_feed() */
static int list_item(struct list_frame *f, const char *data, size_t bytes, struct err *err)
{
	bool is_over = f->depth == LIST_DEPTH_ITEMS;
	int r;

	if (is_over && f->item.bytes == 0)
		return f->on_item(f->arg, data, bytes);
	if (list_text_put(&f->item, data, bytes, LIST_FRAME_ITEM_BYTES_MAX, err) < 0)
		return -1;
	if (!is_over)
		return 0;
	r = f->on_item(f->arg, f->item.data, f->item.bytes);
	/* one large item must not keep its memory for ever */
	buf_clear(&f->item, LIST_FRAME_KEEP_BYTES);
	return r;
}

/* Up to the next byte that means something, of what is inside a string or between two. */
static size_t list_run(const struct list_frame *f, const char *data, size_t bytes)
{
	size_t n = 0;

	if (f->in_string) {
		while (n < bytes && data[n] != '"' && data[n] != '\\')
			n++;
	} else {
		while (n < bytes && data[n] != '"' && data[n] != '{' && data[n] != '}' &&
		       data[n] != '[' && data[n] != ']')
			n++;
	}
	return n;
}

static int list_open(struct list_frame *f, const char *c, struct err *err)
{
	if (f->depth >= LIST_DEPTH_MAX)
		return err_set(err, ERR_PARSE, 0, "list is nested too deep");
	f->depth++;
	if (list_is_items(f, *c)) {
		f->in_items = true;
		/* an empty list stays in its place, so that the text stays JSON */
		return list_text_put(&f->envelope, c, 1, LIST_FRAME_ENVELOPE_BYTES_MAX, err);
	}
	return list_keep(f, c, 1, err);
}

static int list_close(struct list_frame *f, const char *c, struct err *err)
{
	if (f->depth == 0)
		return err_set(err, ERR_PARSE, 0, "list ends before it began");
	if (f->in_items && f->depth == LIST_DEPTH_ITEMS)
		f->in_items = false;
	if (list_keep(f, c, 1, err) < 0)
		return -1;
	f->depth--;
	return 0;
}

static int list_byte(struct list_frame *f, const char *c, struct err *err)
{
	if (f->in_string) {
		if (f->is_escaped || *c == '\\')
			f->key_bytes = sizeof f->key; /* none that we know */
		list_in_string(f, *c);
		return list_keep(f, c, 1, err);
	}
	switch (*c) {
	case '{':
	case '[':
		return list_open(f, c, err);
	case '}':
	case ']':
		return list_close(f, c, err);
	default: /* the quote that begins a string */
		f->in_string = true;
		f->key_bytes = 0;
		return list_keep(f, c, 1, err);
	}
}

/* Return: the bytes up to the next one that means something are taken, or negative. */
static int list_plain(struct list_frame *f, const char *data, size_t run, struct err *err)
{
	if (f->in_string && f->depth == LIST_DEPTH_OWN)
		list_key_put(f, data, run);
	return list_keep(f, data, run, err);
}

static bool list_is_at_item(const struct list_frame *f, char c)
{
	return f->in_items &&
	       (f->depth > LIST_DEPTH_ITEMS || (!f->in_string && (c == '{' || c == '[')));
}

int list_frame_feed(struct list_frame *f, const char *data, size_t bytes, struct err *err)
{
	while (bytes > 0) {
		size_t run;
		int r;

		if (list_is_at_item(f, *data)) {
			run = list_item_run(f, data, bytes);
			r = list_item(f, data, run, err);
		} else {
			run = f->is_escaped ? 0 : list_run(f, data, bytes);
			r = run > 0 ? list_plain(f, data, run, err) : list_byte(f, data, err);
			run = run > 0 ? run : 1;
		}
		if (r != 0)
			return r;
		data += run;
		bytes -= run;
	}
	return 0;
}
