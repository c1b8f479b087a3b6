/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf - bytes in memory that grows by doubling
 */
#include "lib/base/buf.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST_BYTES = 4096 };

/* Room for @bytes more and the '\0'. */
static int buf_grow(struct buf *b, size_t bytes)
{
	size_t space = b->space > 0 ? b->space : BUF_FIRST_BYTES;
	char *data;

	if (bytes >= SIZE_MAX / 2 - b->bytes)
		return -1;
	while (space <= b->bytes + bytes)
		space *= 2;
	if (space == b->space)
		return 0;
	data = realloc(b->data, space);
	if (data == NULL)
		return -1;
	b->data = data;
	b->space = space;
	return 0;
}

int buf_put(struct buf *b, const void *data, size_t bytes)
{
	assert(b->bytes < b->space || b->space == 0);
	if (buf_grow(b, bytes) < 0)
		return -1;
	if (bytes > 0)
		memcpy(b->data + b->bytes, data, bytes);
	b->bytes += bytes;
	b->data[b->bytes] = '\0';
	return 0;
}

void buf_clear(struct buf *b, size_t keep_bytes)
{
	if (b->space > keep_bytes)
		buf_done(b);
	b->bytes = 0;
}

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}
