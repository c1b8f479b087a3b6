/* SPDX-License-Identifier: Apache-2.0 */
/*
 * out - bytes that wait for a peer to take them, in one piece of memory with a limit
 *
 * The memory exists only while bytes are in it. Whoever fills it waits until it is empty before the
 * next piece is read from the other side, so the limit is met only by a bug or by heads without
 * end: then the connection ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { OUT_BYTES_MAX = 512 * 1024 };

struct out {
	char *data;
	size_t at;
	size_t end;
	size_t capacity;
	bool failed; /* no memory, or over the limit: bytes are missing, the connection must end */
};

void out_put(struct out *o, const char *data, size_t bytes);
size_t out_bytes(const struct out *o);
/** out_shrink() - give back what is allocated beyond the bytes that are left */
void out_shrink(struct out *o);
void out_done(struct out *o);
