/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack - compresses the JSON texts of objects of one kind
 *
 * A tree in memory is about ten times its text, and objects of one kind differ in little but
 * names, UIDs and times. So what is kept is the text, compressed (zstd) against a dictionary made
 * of others of its kind: a Pod of 4 KiB of text is some 300 bytes then. It costs some ten
 * microseconds each way, the most of it for writing and reading JSON.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct pack;

enum { PACK_SAMPLES_MAX = 128 };

struct packed {
	const void *data;
	uint32_t bytes;
	uint32_t text_bytes; /* of the JSON */
};

struct pack *pack_new(void);
void pack_free(struct pack *p);

/**
 * pack_text() - @ret_packed: borrowed until the next call of any pack
 * Return: 0, or -1 when memory ran out or the text is larger than an API server allows
 */
int pack_text(struct pack *p, const char *text, size_t bytes, struct packed *ret_packed);

/** pack_read() - Return: its text, borrowed until the next call of any pack; NULL out of memory */
const char *pack_read(const struct pack *p, const struct packed *packed);
/** pack_open() - Return: new reference; NULL out of memory */
json_t *pack_open(const struct pack *p, const struct packed *packed);

/* Texts, one after the other. */
struct pack_samples {
	char *text; /* owned by whoever filled it */
	size_t bytes;
	size_t sizes[PACK_SAMPLES_MAX];
	unsigned count;
};

/**
 * pack_learn() - a new dictionary for what is packed from now on, made of @samples
 * Until pack_forget() there are two: pack_read_old() reads what was packed by the former one.
 * Return: false when nothing was learnt; then there is nothing to forget
 */
bool pack_learn(struct pack *p, const struct pack_samples *samples);
const char *pack_read_old(const struct pack *p, const struct packed *packed);
void pack_forget(struct pack *p);
