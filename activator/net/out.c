/* SPDX-License-Identifier: Apache-2.0 */
/*
 * out - a buffer of bytes that a peer has not taken yet
 */
#include "activator/net/out.h"

#include <stdlib.h>
#include <string.h>

#include "activator/net/account.h"

enum { OUT_PAGE_BYTES = 4096 };

size_t out_bytes(const struct out *o)
{
	return o->end - o->at;
}

static bool out_resize(struct out *o, size_t capacity)
{
	char *data = realloc(o->data, capacity);

	if (data == NULL)
		return false;
	account_move(ACCOUNT_BUFFERS, o->capacity, capacity);
	o->data = data;
	o->capacity = capacity;
	return true;
}

static size_t out_pages(size_t bytes)
{
	return (bytes + OUT_PAGE_BYTES - 1) / OUT_PAGE_BYTES * OUT_PAGE_BYTES;
}

void out_put(struct out *o, const char *data, size_t bytes)
{
	if (bytes == 0 || o->failed)
		return;
	if (bytes > OUT_BYTES_MAX - o->end) {
		o->failed = true;
		return;
	}
	if (bytes > o->capacity - o->end) {
		size_t wanted = out_pages(o->end + bytes);
		size_t grown = o->capacity + o->capacity / 2;

		if (!out_resize(o, wanted > grown ? wanted : grown)) {
			o->failed = true;
			return;
		}
	}
	memcpy(o->data + o->end, data, bytes);
	o->end += bytes;
}

void out_shrink(struct out *o)
{
	if (o->data == NULL || o->failed || out_pages(out_bytes(o)) == o->capacity)
		return;
	memmove(o->data, o->data + o->at, out_bytes(o));
	o->end -= o->at;
	o->at = 0;
	if (o->end > 0)
		(void)out_resize(o, out_pages(o->end));
	else
		out_done(o);
}

void out_done(struct out *o)
{
	free(o->data);
	account_move(ACCOUNT_BUFFERS, o->capacity, 0);
	*o = (struct out){0};
}
