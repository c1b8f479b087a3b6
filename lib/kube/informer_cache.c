/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/informer_cache.h"

#include <string.h>

#include "lib/base/num.h"
#include "lib/kube/cache_table.h"
#include "lib/kube/object.h"

enum {
	CACHE_KEY_BYTES = 640,
	CACHE_VERSION_BYTES = 32,
	/* objects at which a dictionary is made anew, of more of them; each the first times so many
	 */
	CACHE_LEARN_FIRST = 64,
	CACHE_LEARN_TIMES = 8,
	CACHE_SAMPLES = 64,
};

struct informer_cache {
	const char *(*index_key)(const json_t *object);
	bool (*on_change)(void *arg, const json_t *old_object, const json_t *new_object);
	void *arg;
	struct cache_table table;
	struct pack *pack;
	size_t learn_at;
	uint32_t round;
	bool is_reset; /* the list that comes counts, whatever the versions here say */
	char version[CACHE_VERSION_BYTES];
};

DEFINE_CLEANUP(json_t *, json_decref);

struct informer_cache *informer_cache_new(const char *(*index_key)(const json_t *object),
                                          bool (*on_change)(void *arg, const json_t *old_object,
                                                            const json_t *new_object),
                                          void *arg)
{
	struct informer_cache *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->index_key = index_key;
	c->on_change = on_change;
	c->arg = arg;
	c->learn_at = CACHE_LEARN_FIRST;
	c->pack = pack_new();
	if (c->pack == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

void informer_cache_free(struct informer_cache *c)
{
	if (c == NULL)
		return;
	cache_table_done(&c->table);
	pack_free(c->pack);
	free(c);
}

/* A server whose versions are no numbers has them count as 0: nothing is newer than anything. */
static uint64_t cache_number(const char *version)
{
	uint64_t n = 0;

	(void)num_parse_u64(version, 0, UINT64_MAX, &n, NULL);
	return n;
}

static uint64_t cache_object_number(const json_t *object)
{
	return cache_number(kube_resource_version(object));
}

static void cache_key(const json_t *object, char key[CACHE_KEY_BYTES])
{
	(void)snprintf(key, CACHE_KEY_BYTES, "%s/%s", kube_namespace(object), kube_name(object));
}

static const char *cache_index_key(const struct informer_cache *c, const json_t *object)
{
	const char *key = c->index_key != NULL ? c->index_key(object) : NULL;

	return key != NULL ? key : "";
}

/* What was packed here opens, unless memory ran out: better a new start than a lost object. */
static json_t *cache_open(const struct informer_cache *c, const struct cache_entry *e)
{
	const struct packed packed = cache_entry_packed(e);
	json_t *object = pack_open(c->pack, &packed);

	if (object == NULL)
		abort();
	return object;
}

/* ---- dictionaries ---- */

static json_t *cache_samples(const struct informer_cache *c)
{
	size_t step = c->table.count / CACHE_SAMPLES, seen = 0;
	json_t *samples = json_array();

	for (size_t i = 0; i < c->table.buckets_count; i++) {
		for (const struct cache_entry *e = c->table.buckets[i]; e != NULL; e = e->chain) {
			if (seen++ % step == 0)
				(void)json_array_append_new(samples, cache_open(c, e));
		}
	}
	return samples;
}

/* Everything was packed by the old dictionary. */
static void cache_pack_anew(struct informer_cache *c)
{
	struct cache_table old = c->table;

	c->table = (struct cache_table){0};
	for (size_t i = 0; i < old.buckets_count; i++) {
		for (const struct cache_entry *e = old.buckets[i]; e != NULL; e = e->chain) {
			struct packed packed = cache_entry_packed(e);
			json_t *object = pack_open_old(c->pack, &packed);

			if (object == NULL || pack_value(c->pack, object, &packed) < 0)
				abort(); /* as in cache_open() */
			cache_table_put(&c->table, e->key, &packed, e);
			json_decref(object);
		}
	}
	cache_table_done(&old);
	pack_forget(c->pack);
}

static void cache_learn_kind(struct informer_cache *c)
{
	json_t *samples;

	if (c->table.count < c->learn_at)
		return;
	c->learn_at *= CACHE_LEARN_TIMES;
	samples = cache_samples(c);
	if (pack_learn(c->pack, samples))
		cache_pack_anew(c);
	json_decref(samples);
}

/* ---- changes ---- */

/* Return: false when the cache is gone. */
static bool cache_remove(struct informer_cache *c, struct cache_entry *e)
{
	CLEANUP(json_decref_var) json_t *old = cache_open(c, e);

	cache_table_remove(&c->table, e);
	return c->on_change(c->arg, old, NULL);
}

/* What nobody here reads, and what is often longer than all the rest. */
static void cache_strip(json_t *object)
{
	json_t *metadata = json_object_get(object, "metadata");

	(void)json_object_del(metadata, "managedFields");
	(void)json_object_del(json_object_get(metadata, "annotations"),
	                      "kubectl.kubernetes.io/last-applied-configuration");
}

static void cache_store(struct informer_cache *c, const char *key, const json_t *object)
{
	const struct cache_entry like = {
	        .version = cache_object_number(object),
	        .index_hash = cache_hash(cache_index_key(c, object)),
	        .uid_hash = cache_hash(kube_uid(object)),
	        .round = c->round,
	};
	struct packed packed;

	if (pack_value(c->pack, object, &packed) < 0)
		abort(); /* as in cache_open() */
	cache_table_put(&c->table, key, &packed, &like);
	cache_learn_kind(c);
}

/* One and the same version of one and the same object. */
static bool cache_is_same(const struct informer_cache *c, const struct cache_entry *e,
                          const json_t *object)
{
	CLEANUP(json_decref_var) json_t *known = NULL;

	if (e->version != cache_object_number(object) ||
	    e->uid_hash != cache_hash(kube_uid(object)))
		return false;
	if (e->version != 0)
		return true;
	known = cache_open(c, e);
	return strcmp(kube_resource_version(known), kube_resource_version(object)) == 0;
}

static bool cache_put(struct informer_cache *c, const char *key, json_t *object)
{
	CLEANUP(json_decref_var) json_t *old = NULL;
	CLEANUP(json_decref_var) json_t *held = json_incref(object);
	struct cache_entry *known = cache_table_find(&c->table, key);

	if (known != NULL)
		known->round = c->round;
	/* the same name again is another object: its predecessor is gone */
	if (known != NULL && known->uid_hash != cache_hash(kube_uid(object))) {
		if (!cache_remove(c, known))
			return false;
		known = NULL;
	}
	if (known != NULL && cache_is_same(c, known, object))
		return true;
	if (known != NULL) {
		old = cache_open(c, known);
		cache_table_remove(&c->table, known);
	}
	cache_strip(held);
	cache_store(c, key, held);
	return c->on_change(c->arg, old, held);
}

static void cache_version_set(struct informer_cache *c, const char *version)
{
	if (*version != '\0')
		(void)snprintf(c->version, sizeof c->version, "%s", version);
}

/* ---- lists ---- */

void informer_cache_list_begin(struct informer_cache *c)
{
	c->round++;
}

bool informer_cache_list_item(struct informer_cache *c, json_t *object)
{
	char key[CACHE_KEY_BYTES];
	struct cache_entry *known;

	cache_key(object, key);
	known = cache_table_find(&c->table, key);
	if (!c->is_reset && known != NULL && known->version > cache_object_number(object)) {
		known->round = c->round;
		return true;
	}
	return cache_put(c, key, object);
}

/* What the cache has and the list has not. @all: also what is newer than the list. */
static bool cache_remove_absent(struct informer_cache *c, uint64_t at, bool all)
{
	CLEANUP(json_decref_var) json_t *gone = json_array();
	json_t *v;
	size_t i;

	for (i = 0; i < c->table.buckets_count; i++) {
		for (const struct cache_entry *e = c->table.buckets[i]; e != NULL; e = e->chain) {
			if (e->round != c->round && (all || e->version <= at))
				(void)json_array_append_new(gone, json_string(e->key));
		}
	}
	json_array_foreach(gone, i, v) {
		struct cache_entry *e = cache_table_find(&c->table, json_string_value(v));

		if (e != NULL && !cache_remove(c, e))
			return false;
	}
	return true;
}

int informer_cache_list_end(struct informer_cache *c, const json_t *list)
{
	const char *version = json_str_at(list, "", "metadata", "resourceVersion", NULL);
	uint64_t at = cache_number(version);
	bool all = c->is_reset;

	if (!json_is_array(json_object_get(list, "items")))
		return -1;
	/* a server whose versions went back lost its state: only the list counts */
	c->is_reset = !all && at < cache_number(c->version);
	if (c->is_reset)
		return 1;
	cache_version_set(c, version);
	(void)cache_remove_absent(c, at, all);
	return 0;
}

/* ---- events ---- */

void informer_cache_event(struct informer_cache *c, enum kube_watch_event event, json_t *object)
{
	char key[CACHE_KEY_BYTES];
	struct cache_entry *known;

	cache_version_set(c, kube_resource_version(object));
	if (event == KUBE_WATCH_BOOKMARK)
		return;
	cache_key(object, key);
	known = cache_table_find(&c->table, key);
	if (known != NULL && known->version > cache_object_number(object))
		return;
	if (event != KUBE_WATCH_DELETED)
		(void)cache_put(c, key, object);
	else if (known != NULL)
		(void)cache_remove(c, known);
}

void informer_cache_learn(struct informer_cache *c, const json_t *object)
{
	CLEANUP(json_decref_var) json_t *copy = NULL;
	char key[CACHE_KEY_BYTES];
	const struct cache_entry *known;
	uint64_t number = cache_object_number(object);

	cache_key(object, key);
	known = cache_table_find(&c->table, key);
	if (number <= (known != NULL ? known->version : cache_number(c->version)))
		return;
	copy = json_deep_copy(object);
	if (copy != NULL)
		(void)cache_put(c, key, copy);
}

/* ---- reading ---- */

const char *informer_cache_version(const struct informer_cache *c)
{
	return c->version;
}

static const struct cache_entry *cache_find(const struct informer_cache *c, const char *ns,
                                            const char *name)
{
	char key[CACHE_KEY_BYTES];

	(void)snprintf(key, sizeof key, "%s/%s", ns != NULL ? ns : "", name);
	return cache_table_find(&c->table, key);
}

json_t *informer_cache_take(const struct informer_cache *c, const char *ns, const char *name)
{
	const struct cache_entry *e = cache_find(c, ns, name);

	return e != NULL ? cache_open(c, e) : NULL;
}

bool informer_cache_has(const struct informer_cache *c, const char *ns, const char *name)
{
	return cache_find(c, ns, name) != NULL;
}

size_t informer_cache_count(const struct informer_cache *c)
{
	return c->table.count;
}

static void cache_foreach_indexed(const struct informer_cache *c, const char *key,
                                  bool (*visit)(void *arg, const json_t *object), void *arg)
{
	uint32_t hash = cache_hash(key);
	const struct cache_entry *e;

	if (c->table.buckets_count == 0 || hash == 0)
		return;
	for (e = c->table.index[hash & (c->table.buckets_count - 1)]; e != NULL;
	     e = e->index_chain) {
		CLEANUP(json_decref_var)
		json_t *object = e->index_hash == hash ? cache_open(c, e) : NULL;

		/* the hash may be another key's too */
		if (object != NULL && strcmp(cache_index_key(c, object), key) == 0 &&
		    !visit(arg, object))
			return;
	}
}

void informer_cache_foreach(const struct informer_cache *c, const char *key,
                            bool (*visit)(void *arg, const json_t *object), void *arg)
{
	if (key != NULL) {
		cache_foreach_indexed(c, key, visit, arg);
		return;
	}
	for (size_t i = 0; i < c->table.buckets_count; i++) {
		for (const struct cache_entry *e = c->table.buckets[i]; e != NULL; e = e->chain) {
			CLEANUP(json_decref_var) json_t *object = cache_open(c, e);

			if (!visit(arg, object))
				return;
		}
	}
}

void informer_cache_foreach_name(const struct informer_cache *c,
                                 void (*visit)(void *arg, const char *ns, const char *name),
                                 void *arg)
{
	char key[CACHE_KEY_BYTES];

	for (size_t i = 0; i < c->table.buckets_count; i++) {
		for (const struct cache_entry *e = c->table.buckets[i]; e != NULL; e = e->chain) {
			char *slash;

			(void)snprintf(key, sizeof key, "%s", e->key);
			slash = strchr(key, '/');
			*slash = '\0';
			visit(arg, key, slash + 1);
		}
	}
}
