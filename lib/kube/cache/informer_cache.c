/* SPDX-License-Identifier: Apache-2.0 */
/*
 * informer_cache - takes objects in, by version, and tells who listens what changed
 */
#include "lib/kube/cache/informer_cache.h"

#include <string.h>

#include "lib/base/num.h"
#include "lib/kube/cache/cache_table.h"
#include "lib/kube/client/object.h"
#include "lib/text/json_read.h"

enum {
	CACHE_KEY_BYTES = 640,
	CACHE_VERSION_BYTES = 32,
	/* objects at which a dictionary is made anew, of more of them; each the first times so many
	 */
	CACHE_LEARN_FIRST = 64,
	CACHE_LEARN_TIMES = 16,
	CACHE_SAMPLES = 64,
};

struct informer_cache {
	struct informer_cache_opts opts;
	struct cache_table table;
	struct pack *pack;
	size_t learn_at;
	uint32_t round;
	bool is_reset; /* the list that comes counts, whatever the versions here say */
	char version[CACHE_VERSION_BYTES];
};

DEFINE_CLEANUP(json_t *, json_decref);

/* What tells whether an object has changed. */
static const struct skim_member identity_metadata_members[] = {
        {"name", SKIM_KEEP},
        {"namespace", SKIM_KEEP},
        {"uid", SKIM_KEEP},
        {"resourceVersion", SKIM_KEEP},
        {NULL},
};
static const struct skim identity_metadata = {SKIM_DROP, identity_metadata_members};
static const struct skim_member identity_members[] = {
        {"metadata", SKIM_INSIDE, &identity_metadata},
        {NULL},
};
static const struct skim skim_identity = {SKIM_DROP, identity_members};

struct informer_cache *informer_cache_new(const struct informer_cache_opts *opts)
{
	struct informer_cache *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->opts = *opts;
	if (c->opts.keep == NULL)
		c->opts.keep = &SKIM_COMMON;
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
	const char *key = c->opts.index_key != NULL ? c->opts.index_key(object) : NULL;

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

/* Return: of @text what @of says, as a tree; NULL when it is no object, or out of memory */
static json_t *cache_read(const struct skim *of, const char *text, size_t bytes)
{
	CLEANUP(free_var) char *part = of != NULL ? malloc(bytes) : NULL;

	if (of == NULL)
		return json_read(text, bytes);
	if (part == NULL)
		return NULL;
	bytes = skim_object(of, text, bytes, part);
	return bytes > 0 ? json_read(part, bytes) : NULL;
}

/* Of what is kept the part that on_change sees. */
static json_t *cache_show(const struct informer_cache *c, const struct cache_entry *e)
{
	const struct packed packed = cache_entry_packed(e);
	const char *text = pack_read(c->pack, &packed);
	json_t *shown = text != NULL ? cache_read(c->opts.show, text, packed.text_bytes) : NULL;

	if (shown == NULL)
		abort(); /* as in cache_open() */
	return shown;
}

/* ---- dictionaries ---- */

static void cache_sample(const struct informer_cache *c, const struct cache_entry *e,
                         struct pack_samples *s)
{
	const struct packed packed = cache_entry_packed(e);
	const char *text = s->count < PACK_SAMPLES_MAX ? pack_read(c->pack, &packed) : NULL;
	char *more = text != NULL ? realloc(s->text, s->bytes + packed.text_bytes) : NULL;

	if (more == NULL)
		return;
	memcpy(more + s->bytes, text, packed.text_bytes);
	s->text = more;
	s->bytes += packed.text_bytes;
	s->sizes[s->count++] = packed.text_bytes;
}

static void cache_samples(const struct informer_cache *c, struct pack_samples *ret_samples)
{
	size_t step = c->table.count / CACHE_SAMPLES, seen = 0;

	*ret_samples = (struct pack_samples){0};
	for (size_t i = 0; i < c->table.buckets_count; i++) {
		for (const struct cache_entry *e = c->table.buckets[i]; e != NULL; e = e->chain) {
			if (seen++ % step == 0)
				cache_sample(c, e, ret_samples);
		}
	}
}

/* Everything was packed by the old dictionary. */
static void cache_pack_anew(struct informer_cache *c)
{
	struct cache_table old = c->table;

	c->table = (struct cache_table){0};
	for (size_t i = 0; i < old.buckets_count; i++) {
		for (const struct cache_entry *e = old.buckets[i]; e != NULL; e = e->chain) {
			struct packed packed = cache_entry_packed(e);
			const char *text = pack_read_old(c->pack, &packed);

			if (text == NULL ||
			    pack_text(c->pack, text, packed.text_bytes, &packed) < 0)
				abort(); /* as in cache_open() */
			cache_table_put(&c->table, e->key, &packed, e);
		}
	}
	cache_table_done(&old);
	pack_forget(c->pack);
}

static void cache_learn_kind(struct informer_cache *c)
{
	struct pack_samples samples;

	if (c->table.count < c->learn_at)
		return;
	c->learn_at *= CACHE_LEARN_TIMES;
	cache_samples(c, &samples);
	if (pack_learn(c->pack, &samples))
		cache_pack_anew(c);
	free(samples.text);
}

/* ---- changes ---- */

/* Return: false when the cache is gone. */
static bool cache_remove(struct informer_cache *c, struct cache_entry *e)
{
	CLEANUP(json_decref_var) json_t *old = cache_show(c, e);

	cache_table_remove(&c->table, e);
	return c->opts.on_change(c->opts.arg, old, NULL);
}

/* What is kept of an object, and what is shown of that. */
struct cache_kept {
	char *text;
	size_t bytes;
	json_t *shown;
};

static void kept_done(struct cache_kept *k)
{
	free(k->text);
	json_decref(k->shown);
}

/* Return: false when @text is no object, or out of memory */
static bool cache_keep(const struct informer_cache *c, const char *text, size_t bytes,
                       struct cache_kept *ret_kept)
{
	struct cache_kept k = {.text = malloc(bytes)};

	if (k.text != NULL)
		k.bytes = skim_object(c->opts.keep, text, bytes, k.text);
	if (k.bytes > 0)
		k.shown = cache_read(c->opts.show, k.text, k.bytes);
	if (k.shown == NULL) {
		free(k.text);
		return false;
	}
	*ret_kept = k;
	return true;
}

static void cache_store(struct informer_cache *c, const char *key, const struct cache_kept *k)
{
	const struct cache_entry like = {
	        .version = cache_object_number(k->shown),
	        .index_hash = cache_hash(cache_index_key(c, k->shown)),
	        .uid_hash = cache_hash(kube_uid(k->shown)),
	        .round = c->round,
	};
	struct packed packed;

	if (pack_text(c->pack, k->text, k->bytes, &packed) < 0)
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

/* Return: false when the cache is gone. */
static bool cache_put(struct informer_cache *c, const char *key, const struct cache_kept *k)
{
	CLEANUP(json_decref_var) json_t *old = NULL;
	struct cache_entry *known = cache_table_find(&c->table, key);

	if (known != NULL)
		known->round = c->round;
	/* the same name again is another object: its predecessor is gone */
	if (known != NULL && known->uid_hash != cache_hash(kube_uid(k->shown))) {
		if (!cache_remove(c, known))
			return false;
		known = NULL;
	}
	if (known != NULL && cache_is_same(c, known, k->shown))
		return true;
	if (known != NULL) {
		old = cache_show(c, known);
		cache_table_remove(&c->table, known);
	}
	cache_store(c, key, k);
	return c->opts.on_change(c->opts.arg, old, k->shown);
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

/* Return: the list says of @object what the cache knows, or less. */
static bool cache_knows(struct informer_cache *c, const json_t *object)
{
	char key[CACHE_KEY_BYTES];
	struct cache_entry *known;

	cache_key(object, key);
	known = cache_table_find(&c->table, key);
	if (known == NULL || (!cache_is_same(c, known, object) &&
	                      (c->is_reset || known->version <= cache_object_number(object))))
		return false;
	known->round = c->round;
	return true;
}

int informer_cache_list_item(struct informer_cache *c, const char *text, size_t bytes)
{
	struct cache_kept k;
	char key[CACHE_KEY_BYTES];
	bool is_known = false, goes_on;

	/* most of what is listed again has not changed, and need not be read */
	if (*c->version != '\0') {
		CLEANUP(json_decref_var) json_t *head = cache_read(&skim_identity, text, bytes);

		is_known = head != NULL && cache_knows(c, head);
	}
	if (is_known)
		return 0;
	if (!cache_keep(c, text, bytes, &k))
		return -1;
	cache_key(k.shown, key);
	goes_on = cache_knows(c, k.shown) || cache_put(c, key, &k);
	kept_done(&k);
	return goes_on ? 0 : 1;
}

/* What the cache has and the list has not. @all: also what is newer than the list. */
static bool cache_remove_absent(struct informer_cache *c, uint64_t at, bool all)
{
	CLEANUP(json_decref_var) json_t *gone = json_array();
	json_t *v;
	size_t i;

	for (i = 0; i < c->table.buckets_count; i++) {
		for (const struct cache_entry *e = c->table.buckets[i]; e != NULL; e = e->chain) {
			if (e->round != c->round && (all || e->version <= at) &&
			    json_array_append_new(gone, json_string(e->key)) < 0)
				abort(); /* as in cache_open(): it would never be told */
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

/* An object that came alone. A lost one would be a lost change: better a new start. */
static void cache_put_object(struct informer_cache *c, const char *key, const json_t *object)
{
	CLEANUP(free_var) char *text = json_dumps(object, JSON_COMPACT);
	struct cache_kept k;

	if (text == NULL || !cache_keep(c, text, strlen(text), &k))
		abort();
	(void)cache_put(c, key, &k);
	kept_done(&k);
}

void informer_cache_event(struct informer_cache *c, enum kube_watch_event event,
                          const json_t *object)
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
		cache_put_object(c, key, object);
	else if (known != NULL)
		(void)cache_remove(c, known);
}

void informer_cache_learn(struct informer_cache *c, const json_t *object)
{
	char key[CACHE_KEY_BYTES];
	const struct cache_entry *known;
	uint64_t number = cache_object_number(object);

	cache_key(object, key);
	known = cache_table_find(&c->table, key);
	if (number > (known != NULL ? known->version : cache_number(c->version)))
		cache_put_object(c, key, object);
}

/* ---- reading ---- */

const struct skim *informer_cache_keep(const struct informer_cache *c)
{
	return c->opts.keep;
}

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
