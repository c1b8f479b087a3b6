/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_table - a growing hash table of entries with a second index
 */
#include "lib/kube/cache/cache_table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"

enum { CACHE_BUCKETS_FIRST = 64 };

uint32_t cache_hash(const char *text)
{
	uint32_t hash = *text != '\0' ? hash_secret(text) : 0;

	return hash != 0 || *text == '\0' ? hash : 1;
}

void cache_table_done(struct cache_table *t)
{
	for (size_t i = 0; i < t->buckets_count; i++) {
		while (t->buckets[i] != NULL) {
			struct cache_entry *e = t->buckets[i];

			t->buckets[i] = e->chain;
			free(e);
		}
	}
	free(t->buckets);
	free(t->index);
	*t = (struct cache_table){0};
}

static void cache_table_link(struct cache_table *t, struct cache_entry *e)
{
	struct cache_entry **at = &t->buckets[e->key_hash & (t->buckets_count - 1)];

	e->chain = *at;
	*at = e;
	e->index_chain = NULL;
	if (e->index_hash == 0)
		return;
	at = &t->index[e->index_hash & (t->buckets_count - 1)];
	e->index_chain = *at;
	*at = e;
}

/* A lost object would be a lost change: better a new start. */
static struct cache_entry **cache_buckets_new(size_t count)
{
	struct cache_entry **buckets = calloc(count, sizeof(struct cache_entry *));

	if (buckets == NULL)
		abort();
	return buckets;
}

static void cache_table_grow(struct cache_table *t)
{
	struct cache_table old = *t;

	if (t->count < t->buckets_count)
		return;
	t->buckets_count = t->buckets_count > 0 ? 2 * t->buckets_count : CACHE_BUCKETS_FIRST;
	t->buckets = cache_buckets_new(t->buckets_count);
	t->index = cache_buckets_new(t->buckets_count);
	for (size_t i = 0; i < old.buckets_count; i++) {
		while (old.buckets[i] != NULL) {
			struct cache_entry *e = old.buckets[i];

			old.buckets[i] = e->chain;
			cache_table_link(t, e);
		}
	}
	free(old.buckets);
	free(old.index);
}

struct cache_entry *cache_table_find(const struct cache_table *t, const char *key)
{
	uint32_t hash = cache_hash(key);
	struct cache_entry *e =
	        t->buckets_count > 0 ? t->buckets[hash & (t->buckets_count - 1)] : NULL;

	while (e != NULL && (e->key_hash != hash || strcmp(e->key, key) != 0))
		e = e->chain;
	return e;
}

void cache_table_put(struct cache_table *t, const char *key, const struct packed *packed,
                     const struct cache_entry *like)
{
	size_t key_bytes = strlen(key) + 1;
	struct cache_entry *e = malloc(sizeof *e + key_bytes + packed->bytes);

	if (e == NULL)
		abort(); /* as in cache_buckets_new() */
	cache_table_grow(t);
	*e = *like;
	e->key_hash = cache_hash(key);
	e->key_bytes = (uint16_t)key_bytes;
	e->text_bytes = packed->text_bytes;
	e->packed_bytes = packed->bytes;
	memcpy(e->key, key, key_bytes);
	memcpy(e->key + key_bytes, packed->data, packed->bytes);
	cache_table_link(t, e);
	t->count++;
}

void cache_table_remove(struct cache_table *t, struct cache_entry *e)
{
	struct cache_entry **at = &t->buckets[e->key_hash & (t->buckets_count - 1)];

	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	if (e->index_hash != 0) {
		at = &t->index[e->index_hash & (t->buckets_count - 1)];
		while (*at != e)
			at = &(*at)->index_chain;
		*at = e->index_chain;
	}
	t->count--;
	free(e);
}

struct packed cache_entry_packed(const struct cache_entry *e)
{
	return (struct packed){e->key + e->key_bytes, e->packed_bytes, e->text_bytes};
}
