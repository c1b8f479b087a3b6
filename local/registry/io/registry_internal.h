/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_internal - shared by the files of the registry, by nobody else
 */
#pragma once

#include <sys/queue.h>

#include "local/registry/io/registry_api.h"

enum { STORE_RETRY_MS = 200 };

struct change_entry {
	struct registry_change change;
	STAILQ_ENTRY(change_entry) next;
};

struct registry_listener {
	struct registry *registry;
	registry_change_fn on_change;
	void *arg;
	bool dead; /* stopped while changes are delivered: freed after */
	TAILQ_ENTRY(registry_listener) next;
};

struct registry {
	struct event_base *base;
	struct api_types types;
	struct store *store;
	char *node_name; /* Pods are bound to it; NULL: no runner */
	struct event *tell_event;
	bool telling;
	STAILQ_HEAD(, change_entry) changes;
	TAILQ_HEAD(, registry_listener) listeners;
	struct event *gc_event;
	json_t *gc_owners; /* object: UIDs to look at, and after which object to go on (or true) */
	bool gc_all;       /* all that may be under way is still to be found */
	bool gc_failed;    /* logged once, until it goes on */
};

/* Refuse: sets the answer's body. Return: always -1 */
int registry_refuse(struct registry_answer *ans, json_t *status);
int registry_store_failed(struct registry_answer *ans, const struct err *err);

/** registry_load() - an object with its defaults, or a Status */
int registry_load(struct registry *r, const struct registry_request *req, const char *name,
                  struct registry_answer *ans);

struct registry_write {
	const struct api_type *type;
	enum store_event event;
	const json_t *old_object; /* NULL when added */
	json_t *object;           /* gets its resourceVersion */
};

/** registry_commit() - the next resourceVersion, the store, the watches */
int registry_commit(struct registry *r, const struct registry_write *w,
                    struct registry_answer *ans);

/* The queue of changes and those who listen. Return: 0; negative: no memory */
int registry_core_init(struct registry *r);
void registry_core_done(struct registry *r);

/* Listens to changes. Return: 0; negative: no memory */
int registry_gc_init(struct registry *r);
void registry_gc_done(struct registry *r);
/** registry_gc_look_at_all() - at start: all that may have been under way */
void registry_gc_look_at_all(struct registry *r);
