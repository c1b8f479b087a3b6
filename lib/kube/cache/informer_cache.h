/* SPDX-License-Identifier: Apache-2.0 */
/*
 * informer_cache - an informer's objects, and which of two versions counts; no clock, no sockets
 *
 * resourceVersions of one type are numbers that grow (API concepts, "Resource versions"). The
 * cache's own version is the one that the list or the watch has come to: an object that is not
 * here and not newer than that has been deleted. Objects are kept packed (pack.h): what is read is
 * made anew each time.
 */
#pragma once

#include "lib/kube/client/client.h"
#include "lib/text/skim.h"

struct informer_cache;

struct informer_cache_opts {
	const struct skim *keep; /* what is kept of each object; NULL: SKIM_COMMON */
	const struct skim *show; /* what of that @on_change and @index_key see; NULL: all */
	const char *(*index_key)(const json_t *object);
	/* as informer_opts.on_change; returns false when the cache must not be used further */
	bool (*on_change)(void *arg, const json_t *old_object, const json_t *new_object);
	void *arg;
};

struct informer_cache *informer_cache_new(const struct informer_cache_opts *opts);
void informer_cache_free(struct informer_cache *c);

/*
 * A list, item by item, each as the text that came. A list that is asked for anew begins anew.
 * informer_cache_list_item() - Return: 0; 1 the cache must not be used further; -1 it is no object
 * informer_cache_list_end(): @list is what is left of it. Return: 0; 1 it must be asked for once
 * more, since the server's versions went back: what is here was not taken for old then; -1 it is
 * no list
 */
void informer_cache_list_begin(struct informer_cache *c);
int informer_cache_list_item(struct informer_cache *c, const char *text, size_t bytes);
int informer_cache_list_end(struct informer_cache *c, const json_t *list);
void informer_cache_event(struct informer_cache *c, enum kube_watch_event event,
                          const json_t *object);
void informer_cache_learn(struct informer_cache *c, const json_t *object);

/** informer_cache_keep() - what is kept of each object; borrowed */
const struct skim *informer_cache_keep(const struct informer_cache *c);
/** informer_cache_version() - where a watch goes on from; borrowed */
const char *informer_cache_version(const struct informer_cache *c);
/** informer_cache_take() - Return: new reference, NULL for none */
json_t *informer_cache_take(const struct informer_cache *c, const char *ns, const char *name);
bool informer_cache_has(const struct informer_cache *c, const char *ns, const char *name);
size_t informer_cache_count(const struct informer_cache *c);
/* @key: in the index, or NULL: all. What is visited is gone afterwards unless it is referenced. */
void informer_cache_foreach(const struct informer_cache *c, const char *key,
                            bool (*visit)(void *arg, const json_t *object), void *arg);
/** informer_cache_foreach_name() - of all, without reading them */
void informer_cache_foreach_name(const struct informer_cache *c,
                                 void (*visit)(void *arg, const char *ns, const char *name),
                                 void *arg);
