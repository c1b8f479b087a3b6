/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/informer_cache.h"

#include <string.h>

#include "lib/base/num.h"
#include "lib/kube/object.h"

enum { CACHE_KEY_BYTES = 640, CACHE_VERSION_BYTES = 32 };

struct informer_cache {
	const char *(*index_key)(const json_t *object);
	bool (*on_change)(void *arg, const json_t *old_object, const json_t *new_object);
	void *arg;
	json_t *objects; /* "namespace/name": object */
	json_t *index;   /* index key: {"namespace/name": object} */
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
	c->objects = json_object();
	c->index = json_object();
	if (c->objects == NULL || c->index == NULL) {
		informer_cache_free(c);
		return NULL;
	}
	return c;
}

void informer_cache_free(struct informer_cache *c)
{
	if (c == NULL)
		return;
	json_decref(c->objects);
	json_decref(c->index);
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

static void cache_index_remove(struct informer_cache *c, const char *key, const json_t *object)
{
	const char *index_key = cache_index_key(c, object);
	json_t *bucket = json_object_get(c->index, index_key);

	(void)json_object_del(bucket, key);
	if (bucket != NULL && json_object_size(bucket) == 0)
		(void)json_object_del(c->index, index_key);
}

static void cache_index_add(struct informer_cache *c, const char *key, json_t *object)
{
	const char *index_key = cache_index_key(c, object);
	json_t *bucket = json_object_get(c->index, index_key);

	if (*index_key == '\0')
		return;
	if (bucket == NULL) {
		if (json_object_set_new(c->index, index_key, json_object()) < 0)
			return;
		bucket = json_object_get(c->index, index_key);
	}
	(void)json_object_set(bucket, key, object);
}

/* Return: false when the cache is gone. */
static bool cache_remove(struct informer_cache *c, const char *key)
{
	CLEANUP(json_decref_var) json_t *old = json_incref(json_object_get(c->objects, key));

	if (old == NULL)
		return true;
	cache_index_remove(c, key, old);
	(void)json_object_del(c->objects, key);
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

static bool cache_put(struct informer_cache *c, const char *key, json_t *object)
{
	CLEANUP(json_decref_var) json_t *old = NULL;
	CLEANUP(json_decref_var) json_t *held = json_incref(object);
	json_t *known = json_object_get(c->objects, key);

	/* the same name again is another object: its predecessor is gone */
	if (known != NULL && strcmp(kube_uid(known), kube_uid(object)) != 0) {
		if (!cache_remove(c, key))
			return false;
		known = NULL;
	}
	if (known != NULL &&
	    strcmp(kube_resource_version(known), kube_resource_version(object)) == 0)
		return true;
	old = json_incref(known);
	if (old != NULL)
		cache_index_remove(c, key, old);
	cache_strip(held);
	(void)json_object_set(c->objects, key, held);
	cache_index_add(c, key, held);
	return c->on_change(c->arg, old, held);
}

static void cache_version_set(struct informer_cache *c, const char *version)
{
	if (*version != '\0')
		(void)snprintf(c->version, sizeof c->version, "%s", version);
}

/* What the cache has and the list has not. @all: also what is newer than the list. */
static bool cache_remove_absent(struct informer_cache *c, const json_t *listed, uint64_t at,
                                bool all)
{
	CLEANUP(json_decref_var) json_t *gone = json_array();
	const char *key;
	json_t *v;
	size_t i;

	json_object_foreach(c->objects, key, v)
	{
		if (json_object_get(listed, key) == NULL && (all || cache_object_number(v) <= at))
			(void)json_array_append_new(gone, json_string(key));
	}
	json_array_foreach(gone, i, v)
	{
		if (!cache_remove(c, json_string_value(v)))
			return false;
	}
	return true;
}

int informer_cache_replace(struct informer_cache *c, const json_t *list)
{
	CLEANUP(json_decref_var) json_t *listed = json_object();
	const json_t *items = json_object_get(list, "items");
	const char *version = json_str_at(list, "", "metadata", "resourceVersion", NULL);
	uint64_t at = cache_number(version);
	/* a server whose versions went back lost its state: only the list counts */
	bool reset = at < cache_number(c->version);
	char key[CACHE_KEY_BYTES];
	json_t *v;
	size_t i;

	if (!json_is_array(items) || listed == NULL)
		return -1;
	cache_version_set(c, version);
	json_array_foreach(items, i, v)
	{
		cache_key(v, key);
		(void)json_object_set_new(listed, key, json_null());
	}
	if (!cache_remove_absent(c, listed, at, reset))
		return 0;
	json_array_foreach(items, i, v)
	{
		const json_t *known;

		cache_key(v, key);
		known = json_object_get(c->objects, key);
		if (!reset && known != NULL && cache_object_number(known) > cache_object_number(v))
			continue;
		if (!cache_put(c, key, v))
			return 0;
	}
	return 0;
}

void informer_cache_event(struct informer_cache *c, enum kube_watch_event event, json_t *object)
{
	char key[CACHE_KEY_BYTES];
	const json_t *known;
	bool stale;

	cache_version_set(c, kube_resource_version(object));
	if (event == KUBE_WATCH_BOOKMARK)
		return;
	cache_key(object, key);
	known = json_object_get(c->objects, key);
	stale = known != NULL && cache_object_number(known) > cache_object_number(object);
	if (stale)
		return;
	if (event == KUBE_WATCH_DELETED)
		(void)cache_remove(c, key);
	else
		(void)cache_put(c, key, object);
}

void informer_cache_learn(struct informer_cache *c, const json_t *object)
{
	CLEANUP(json_decref_var) json_t *copy = NULL;
	char key[CACHE_KEY_BYTES];
	const json_t *known;
	uint64_t number = cache_object_number(object);

	cache_key(object, key);
	known = json_object_get(c->objects, key);
	if (number <= (known != NULL ? cache_object_number(known) : cache_number(c->version)))
		return;
	copy = json_deep_copy(object);
	if (copy != NULL)
		(void)cache_put(c, key, copy);
}

const char *informer_cache_version(const struct informer_cache *c)
{
	return c->version;
}

const json_t *informer_cache_get(const struct informer_cache *c, const char *ns, const char *name)
{
	char key[CACHE_KEY_BYTES];

	(void)snprintf(key, sizeof key, "%s/%s", ns != NULL ? ns : "", name);
	return json_object_get(c->objects, key);
}

size_t informer_cache_count(const struct informer_cache *c)
{
	return json_object_size(c->objects);
}

void informer_cache_foreach(const struct informer_cache *c, const char *key,
                            bool (*visit)(void *arg, const json_t *object), void *arg)
{
	json_t *from = key != NULL ? json_object_get(c->index, key) : c->objects;
	const char *name;
	json_t *v;

	json_object_foreach(from, name, v)
	{
		if (!visit(arg, v))
			return;
	}
}
