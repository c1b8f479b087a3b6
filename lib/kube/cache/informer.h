/* SPDX-License-Identifier: Apache-2.0 */
/*
 * informer - a cache of one resource type, fed by list and watch
 *
 * Lists with pagination, watches with bookmarks from the list's resourceVersion, lists again on
 * 410 Gone, reconnects with jittered exponential back-off (0.1 s to 10 s), and asks for the
 * server to end watches after some minutes. The cache is never wrong for longer than the
 * connection is lost; informer_lost_ms() says for how long it may be. Objects are kept packed
 * (pack.h), and of each no more than the program reads (skim.h).
 */
#pragma once

#include "lib/kube/client/client.h"
#include "lib/text/skim.h"

struct informer;

struct informer_opts {
	struct kube_ref ref; /* type, and ns or NULL */
	const char *label_selector;
	const char *field_selector;
	/*
	 * What of each object is kept (NULL: SKIM_COMMON), and what of that @on_change and
	 * @index_key are shown (NULL: all; at least what names it). Static.
	 */
	const struct skim *keep, *show;
	/*
	 * @old NULL: new object; @new NULL: it is gone. Both borrowed. Also runs for what a
	 * re-list finds changed or vanished; not for equal resourceVersions.
	 */
	void (*on_change)(void *arg, const json_t *old_object, const json_t *new_object);
	void (*on_synced)(void *arg); /* the first list is in the cache; may be NULL */
	/* Index: returns a borrowed key for an object ("" for none); NULL: no index. */
	const char *(*index_key)(const json_t *object);
	void *arg;
};

int informer_new(struct event_base *base, struct kube_client *client,
                 const struct informer_opts *opts, struct informer **ret_informer, struct err *err);
void informer_free(struct informer *inf);
bool informer_is_synced(const struct informer *inf);
/** informer_lost_ms() - 0 while a watch is open; else how long it has not been */
uint64_t informer_lost_ms(const struct informer *inf, uint64_t now_ms);

/** informer_take() - Return: new reference, NULL for none */
json_t *informer_take(const struct informer *inf, const char *ns, const char *name);
bool informer_has(const struct informer *inf, const char *ns, const char *name);
size_t informer_count(const struct informer *inf);
/*
 * Do not change the cache from inside; @visit returns false to stop. An object is made for its
 * visit and gone afterwards, unless it is referenced.
 */
void informer_foreach(const struct informer *inf, bool (*visit)(void *arg, const json_t *object),
                      void *arg);
void informer_foreach_indexed(const struct informer *inf, const char *key,
                              bool (*visit)(void *arg, const json_t *object), void *arg);

/** informer_foreach_name() - of all, without reading them */
void informer_foreach_name(const struct informer *inf,
                           void (*visit)(void *arg, const char *ns, const char *name), void *arg);

/**
 * informer_learn() - put an object that an API call answered into the cache now
 * Ignored when the cache holds a newer resourceVersion, or has seen the object deleted. Lets a
 * program act on its own write without waiting for the watch.
 */
void informer_learn(struct informer *inf, const json_t *object);
