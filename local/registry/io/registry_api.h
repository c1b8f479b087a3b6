/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_api - the registry as the HTTP server calls it: options in, Status objects out
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "local/registry.h"
#include "local/registry/core/rules.h"
#include "local/registry/io/store.h"

enum registry_patch { REGISTRY_PATCH_MERGE, REGISTRY_PATCH_JSON, REGISTRY_PATCH_STRATEGIC };

struct registry_request {
	const struct api_type *type;
	const char *ns;          /* "" for cluster scoped, and for all namespaces */
	const char *name;        /* NULL for create */
	const char *subresource; /* NULL or "status" */
	bool dry_run;
	enum rules_unknown unknown;
};

/* Owned by the caller: registry_answer_done(). */
struct registry_answer {
	json_t *body;     /* the object, or the Status that refuses */
	json_t *warnings; /* array of texts */
	bool accepted;    /* delete: the object stays for now (HTTP 202 is not used: 200 as kube) */
};

enum registry_propagation { REGISTRY_BACKGROUND, REGISTRY_FOREGROUND, REGISTRY_ORPHAN };

struct registry_delete_opts {
	const char *uid;
	const char *resource_version;
	int64_t grace_period_s; /* -1: the object's own */
	enum registry_propagation propagation;
};

/* Each: 0; negative when body is a Status. */
int registry_do_get(struct registry *r, const struct registry_request *req,
                    struct registry_answer *ans);
int registry_do_create(struct registry *r, const struct registry_request *req, const json_t *object,
                       struct registry_answer *ans);
int registry_do_replace(struct registry *r, const struct registry_request *req,
                        const json_t *object, struct registry_answer *ans);
int registry_do_patch(struct registry *r, const struct registry_request *req,
                      enum registry_patch how, const json_t *patch, struct registry_answer *ans);
int registry_do_delete(struct registry *r, const struct registry_request *req,
                       const struct registry_delete_opts *opts, struct registry_answer *ans);
void registry_answer_init(struct registry_answer *ans);
void registry_answer_done(struct registry_answer *ans);

const struct api_types *registry_types(const struct registry *r);
struct store *registry_store(struct registry *r);

/** registry_read_defaults() - what a stored object lacks that its schema has by now */
void registry_read_defaults(const struct api_type *type, json_t *object);

/* One committed change, as watches get it: in order, from the event loop. */
struct registry_change {
	const struct api_type *type;
	enum store_event event;
	uint64_t revision;
	json_t *old_object; /* NULL when added */
	json_t *object;     /* for STORE_DELETED: its last state */
};

struct registry_listener;
typedef void (*registry_change_fn)(void *arg, const struct registry_change *change);
struct registry_listener *registry_listen(struct registry *r, registry_change_fn on_change,
                                          void *arg);
void registry_listener_stop(struct registry_listener *l);
