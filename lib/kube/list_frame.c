/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/list_frame.h"

#include <string.h>

enum {
	LIST_FRAME_KEEP_BYTES = 64 * 1024,
	LIST_DEPTH_ITEMS = 2, /* in the list's object, in its items */
	LIST_DEPTH_ITEM = 3,
	LIST_DEPTH_METADATA = 4,
	LIST_DEPTH_MAX = 4096,
};

void list_frame_init(struct list_frame *f)
{
	*f = (struct list_frame){0};
}

void list_frame_done(struct list_frame *f)
{
	free(f->item.data);
	free(f->envelope.data);
	*f = (struct list_frame){0};
}

static int list_text_put(struct list_text *t, const char *data, size_t bytes, size_t max,
                         struct err *err)
{
	size_t space = t->space ? t->space : 4096;
	char *more;

	if (bytes > max - t->bytes)
		return err_set(err, ERR_INVALID, 0, "part of a list of more than %zu bytes", max);
	while (space < t->bytes + bytes)
		space *= 2;
	if (space != t->space) {
		more = realloc(t->data, space);
		if (more == NULL)
			return err_set(err, ERR_NOMEM, 0, "list");
		t->data = more;
		t->space = space;
	}
	memcpy(t->data + t->bytes, data, bytes);
	t->bytes += bytes;
	return 0;
}

static bool list_in_item(const struct list_frame *f)
{
	return f->in_items && f->depth >= LIST_DEPTH_ITEM;
}

static int list_keep(struct list_frame *f, const char *data, size_t bytes, struct err *err)
{
	if (bytes == 0 || f->is_left_out)
		return 0;
	if (list_in_item(f))
		return list_text_put(&f->item, data, bytes, LIST_FRAME_ITEM_BYTES_MAX, err);
	/* what stands between items is no part of the envelope */
	if (f->in_items && f->depth == LIST_DEPTH_ITEMS)
		return 0;
	return list_text_put(&f->envelope, data, bytes, LIST_FRAME_ENVELOPE_BYTES_MAX, err);
}

static void list_key_put(struct list_frame *f, const char *data, size_t bytes)
{
	size_t room = sizeof f->key - f->key_bytes;

	if (bytes >= room) {
		f->key_bytes = sizeof f->key; /* too long to be one of those that we know */
		return;
	}
	memcpy(f->key + f->key_bytes, data, bytes);
	f->key_bytes += bytes;
}

/* A ":": the string before it was a key, and its value comes. */
static void list_see_colon(struct list_frame *f)
{
	size_t bytes = f->key_bytes < sizeof f->key ? f->key_bytes : 0;

	memcpy(f->value_key, f->key, bytes);
	f->value_key[bytes] = '\0';
}

static bool list_value_is(const struct list_frame *f, unsigned depth, const char *key)
{
	return f->depth == depth && strcmp(f->value_key, key) == 0;
}

/* A brace or a bracket opens; it is counted in already. */
static void list_see_open(struct list_frame *f, char c)
{
	if (!f->in_items && c == '[' && list_value_is(f, LIST_DEPTH_ITEMS, "items"))
		f->in_items = true;
	else if (f->in_items && list_value_is(f, LIST_DEPTH_METADATA, "metadata"))
		f->metadata_depth = f->depth;
	else if (f->metadata_depth != 0 && c == '[' &&
	         list_value_is(f, LIST_DEPTH_METADATA + 1, "managedFields"))
		f->left_out_depth = f->depth;
	f->value_key[0] = '\0';
}

/* Return: as list_frame_feed() */
static int list_item_end(struct list_frame *f, int (*on_item)(void *, const char *, size_t),
                         void *arg)
{
	int r = on_item(arg, f->item.data, f->item.bytes);

	f->item.bytes = 0;
	/* one large item must not keep its memory for ever */
	if (f->item.space > LIST_FRAME_KEEP_BYTES) {
		free(f->item.data);
		f->item = (struct list_text){0};
	}
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
		       data[n] != '[' && data[n] != ']' && data[n] != ':')
			n++;
	}
	return n;
}

static int list_open(struct list_frame *f, const char *c, struct err *err)
{
	if (f->depth >= LIST_DEPTH_MAX)
		return err_set(err, ERR_PARSE, 0, "list is nested too deep");
	f->depth++;
	list_see_open(f, *c);
	/* an empty list stays in its place, so that the text stays JSON */
	if (list_keep(f, c, 1, err) < 0)
		return -1;
	if (f->in_items && f->depth == LIST_DEPTH_ITEMS)
		return list_text_put(&f->envelope, c, 1, LIST_FRAME_ENVELOPE_BYTES_MAX, err);
	f->is_left_out = f->left_out_depth != 0;
	return 0;
}

static int list_close(struct list_frame *f, const char *c, struct err *err)
{
	if (f->depth == 0)
		return err_set(err, ERR_PARSE, 0, "list ends before it began");
	if (f->depth == f->left_out_depth) {
		f->left_out_depth = 0;
		f->is_left_out = false;
	}
	if (f->in_items && f->depth == LIST_DEPTH_ITEMS)
		f->in_items = false;
	if (list_keep(f, c, 1, err) < 0)
		return -1;
	if (f->depth == f->metadata_depth)
		f->metadata_depth = 0;
	f->depth--;
	return 0;
}

static int list_byte(struct list_frame *f, const char *c, struct err *err)
{
	if (f->in_string) {
		f->in_string = *c != '"';
		return list_keep(f, c, 1, err);
	}
	switch (*c) {
	case '{':
	case '[':
		return list_open(f, c, err);
	case '}':
	case ']':
		return list_close(f, c, err);
	case ':':
		list_see_colon(f);
		return list_keep(f, c, 1, err);
	default: /* the quote that begins a string */
		f->in_string = true;
		f->key_bytes = 0;
		return list_keep(f, c, 1, err);
	}
}

/* What comes after a backslash, or the backslash itself. Return: whether it was one of them */
static bool list_escape(struct list_frame *f, char c)
{
	if (f->is_escaped) {
		f->is_escaped = false;
		return true;
	}
	f->is_escaped = f->in_string && c == '\\';
	if (f->is_escaped)
		f->key_bytes = sizeof f->key;
	return f->is_escaped;
}

int list_frame_feed(struct list_frame *f, const char *data, size_t bytes,
                    int (*on_item)(void *arg, const char *text, size_t bytes), void *arg,
                    struct err *err)
{
	while (bytes > 0) {
		size_t run = f->is_escaped ? 0 : list_run(f, data, bytes);
		bool was_in_item = list_in_item(f);
		int r;

		if (list_keep(f, data, run, err) < 0)
			return -1;
		if (f->in_string)
			list_key_put(f, data, run);
		data += run;
		bytes -= run;
		if (bytes == 0)
			return 0;
		r = list_escape(f, *data) ? list_keep(f, data, 1, err) : list_byte(f, data, err);
		if (r == 0 && was_in_item && !list_in_item(f))
			r = list_item_end(f, on_item, arg);
		if (r != 0)
			return r;
		data++;
		bytes--;
	}
	return 0;
}
