/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry - the objects of the embedded engine: rules of the Kubernetes API over SQLite
 *
 * Synchronous and in-process. The HTTP server maps requests onto it; the Pod runner and the
 * garbage collector call it directly. Every write goes through validation and defaulting, gets
 * the next resourceVersion, is committed, and then goes to the watches, in order.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/kube/client/client.h"

struct event_base;
struct registry;

struct registry_opts {
	const char *database_file;
	const char *crds_dir;    /* folder of the CRD YAML files */
	uint32_t change_log_max; /* rows that watches can replay; past it 410 Gone */
	const char *node_name;   /* Pods are bound to it; NULL: without a runner they are not */
};

/** registry_open() - a file that is not a sound database is an error that names it and what to do
 */
int registry_open(struct event_base *base, const struct registry_opts *opts,
                  struct registry **ret_registry, struct err *err);
void registry_close(struct registry *r);

/* Which object, or with @name NULL which kind of objects. */
struct registry_ref {
	const struct kube_type *type; /* found by group and plural */
	const char *ns;               /* NULL: cluster scoped, or all namespaces */
	const char *name;
	const char *subresource; /* NULL or "status" */
};

/*
 * Objects out are new references. Errors carry the code that HTTP maps: ERR_NOT_FOUND, ERR_EXISTS,
 * ERR_CONFLICT, ERR_INVALID …
 */
int registry_get(struct registry *r, const struct registry_ref *ref, json_t **ret_object,
                 struct err *err);
int registry_create(struct registry *r, const struct registry_ref *ref, const json_t *object,
                    json_t **ret_object, struct err *err);
int registry_merge_patch(struct registry *r, const struct registry_ref *ref, const json_t *patch,
                         json_t **ret_object, struct err *err);
/**
 * registry_delete() - with finalizers or, for Pods, a grace period, the object is only marked
 * A Pod bound to the node is removed by registry_remove_pod() once its containers have ended.
 */
int registry_delete(struct registry *r, const struct registry_ref *ref,
                    const struct kube_delete_opts *opts, json_t **ret_object, struct err *err);
int registry_remove_pod(struct registry *r, const char *ns, const char *name, const char *uid,
                        struct err *err);
/** registry_foreach() - Return: 0, or negative before the first was visited */
int registry_foreach(struct registry *r, const struct registry_ref *ref,
                     bool (*visit)(void *arg, const json_t *object), void *arg, struct err *err);

/* In-process watch: first ADDED for all there is, then changes; from the event loop, never from
 * inside another registry call. @old is NULL for ADDED, @new is NULL when the object is gone. */
struct registry_watch;
struct registry_watch *registry_watch_start(struct registry *r, const struct kube_type *type,
                                            void (*on_change)(void *arg, const json_t *old_object,
                                                              const json_t *new_object),
                                            void *arg);
void registry_watch_stop(struct registry_watch *w);
