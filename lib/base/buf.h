/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf - bytes in memory that grows as they come
 *
 * A zeroed struct buf is an empty one. There is always a '\0' behind the bytes, which is not
 * counted, so that what holds text can be read as a string once something was put.
 */
#pragma once

#include <stddef.h>

struct buf {
	char *data; /* owned; NULL before the first put */
	size_t bytes;
	size_t space;
};

/** buf_put() - appends. Return: 0; -1 without memory, and nothing is changed */
int buf_put(struct buf *b, const void *data, size_t bytes);

/** buf_clear() - forgets the bytes; memory of more than @keep_bytes is given back */
void buf_clear(struct buf *b, size_t keep_bytes);

/** buf_done() - gives all back, and it can be used anew */
void buf_done(struct buf *b);
