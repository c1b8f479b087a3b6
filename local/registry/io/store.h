/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store - objects and their change log in SQLite
 *
 * WAL with synchronous=NORMAL: a commit costs no fsync, so a write takes microseconds; the end of
 * the process, however sudden, loses nothing. A power cut may lose the last commits but never
 * leaves half of one. What was answered to people is not to be lost so: store_sync() after such a
 * write brings it, and all before it, to the disk. It costs an fsync, some milliseconds (3.4 at
 * the median on a virtual disk, where a commit without takes 0.07), so a wake does without:
 * rules_is_durable() says which writes.
 *
 * One row a change: the resourceVersion is its key. The log is bounded; what it no longer has
 * answers 410 Gone.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct store;

struct store_key {
	const char *type; /* api_type_resource() */
	const char *ns;   /* "" for cluster scoped */
	const char *name;
};

enum store_event { STORE_ADDED, STORE_MODIFIED, STORE_DELETED };

int store_open(const char *path, uint32_t change_log_max, struct store **ret_store,
               struct err *err);
void store_close(struct store *s);

/** store_revision() - the latest resourceVersion */
uint64_t store_revision(const struct store *s);
/** store_floor() - the oldest resourceVersion that changes can be replayed from */
uint64_t store_floor(const struct store *s);

/** store_get() - Return: 0; 1 when there is none; negative on failure */
int store_get(struct store *s, const struct store_key *key, json_t **ret_object, struct err *err);

/**
 * store_put() - write one object and its change, both or none
 * @object: its metadata.resourceVersion must be store_revision() + 1
 * Errors: ERR_SYS with ENOSPC when the disk is full, EIO for other failures.
 */
int store_put(struct store *s, const struct store_key *key, enum store_event event,
              const json_t *object, struct err *err);

/** store_sync() - what was written so far outlives a power cut */
int store_sync(struct store *s, struct err *err);

/* Objects of a type, in (namespace, name) order. */
struct store_range {
	const char *type;
	const char *ns;                    /* NULL or "": all */
	const char *after_ns, *after_name; /* begin behind this one; NULL: at the first */
	uint32_t max_count;                /* 0: all */
};

/* @object is borrowed. Return false to stop. */
typedef bool (*store_visit)(void *arg, const json_t *object);
/**
 * store_list() - all of them are read before the first is visited: a visitor may write
 * One that cannot be read fails the list: a list without it would say that it is deleted.
 */
int store_list(struct store *s, const struct store_range *range, store_visit visit, void *arg,
               struct err *err);
uint64_t store_count(struct store *s, const char *type, const char *ns);

/* The changes of a type after a resourceVersion. */
struct store_since {
	const char *type;
	uint64_t revision;
};

/* In order. @old is NULL when it is not known any more. */
typedef bool (*store_visit_change)(void *arg, enum store_event event, uint64_t revision,
                                   const json_t *old_object, const json_t *object);
int store_replay(struct store *s, const struct store_since *since, store_visit_change visit,
                 void *arg, struct err *err);

/** store_first_dependent() - an object that names @owner_uid as an owner. Return as store_get() */
int store_first_dependent(struct store *s, const char *owner_uid, const char *after_uid,
                          json_t **ret_object, struct err *err);
/** store_has_uid() - is an object of that UID there? Return: 1 or 0; negative: it is not known */
int store_has_uid(struct store *s, const char *uid, struct err *err);
int store_get_uid(struct store *s, const char *uid, json_t **ret_object, struct err *err);
/** store_foreach_gc() - UIDs of owners, and of objects marked for deletion. Return false: stop */
int store_foreach_gc(struct store *s, bool (*visit)(void *arg, const char *uid), void *arg,
                     struct err *err);
/** store_first_in_namespace() - any object in @ns. Return as store_get() */
int store_first_in_namespace(struct store *s, const char *ns, const char *after_uid,
                             json_t **ret_object, struct err *err);
