/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_table - an informer's entries, by key and by index key
 *
 * A hash table that grows with what is in it. An entry is one block of memory: its key, then the
 * packed object.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/kube/cache/pack.h"

struct cache_entry {
	struct cache_entry *chain;       /* of its bucket by key */
	struct cache_entry *index_chain; /* of its bucket by index key */
	uint64_t version;                /* resourceVersion; 0: no number */
	uint32_t key_hash;
	uint32_t index_hash; /* 0: not in the index */
	uint32_t uid_hash;
	uint32_t round; /* the list that it was last seen in, or came after */
	uint32_t text_bytes;
	uint32_t packed_bytes;
	uint16_t key_bytes; /* with its NUL */
	char key[];         /* "namespace/name", and behind it what is packed */
};

struct cache_table {
	struct cache_entry **buckets, **index;
	size_t buckets_count; /* a power of two; of both */
	size_t count;
};

/** cache_hash() - never 0 but for "" */
uint32_t cache_hash(const char *text);

void cache_table_done(struct cache_table *t);
struct cache_entry *cache_table_find(const struct cache_table *t, const char *key);
/**
 * cache_table_put() - a new entry, not in the table
 * @like: what else it has besides key and packed object
 */
void cache_table_put(struct cache_table *t, const char *key, const struct packed *packed,
                     const struct cache_entry *like);
/** cache_table_remove() - and free it */
void cache_table_remove(struct cache_table *t, struct cache_entry *e);

struct packed cache_entry_packed(const struct cache_entry *e);
