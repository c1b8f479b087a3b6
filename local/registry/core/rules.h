/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules - what the API server does to an object between its arrival and the store
 *
 * Pure: time and random text come as arguments. Each check returns NULL, or a Status (new
 * reference) that refuses the object.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "local/registry/core/api_types.h"

enum rules_unknown { RULES_UNKNOWN_WARN, RULES_UNKNOWN_STRICT, RULES_UNKNOWN_IGNORE };

struct rules_create_opts {
	const char *ns;     /* of the request, "" for cluster scoped */
	const char *uid;    /* fresh */
	const char *suffix; /* fresh, for generateName */
	uint64_t now_wall_ms;
};

/** rules_identity() - kind, namespace and name agree with the URL; absent ones are filled in */
json_t *rules_identity(const struct api_type *type, const char *ns, const char *name,
                       json_t *object);

/** rules_create() - metadata of a new object */
json_t *rules_create(const struct api_type *type, const struct rules_create_opts *how,
                     json_t *object);

/**
 * rules_update() - @object becomes what may be stored over @old
 * @subresource: NULL: all but the status; "status": only the status
 */
json_t *rules_update(const struct api_type *type, const char *subresource, const json_t *old,
                     json_t *object);

/**
 * rules_admit() - prune, default and validate
 * @warnings: array, gets texts for Warning headers
 */
json_t *rules_admit(const struct api_type *type, enum rules_unknown unknown, json_t *object,
                    json_t *warnings);

/** rules_count_generation() - last: metadata.generation, if the spec differs from @old's */
void rules_count_generation(const struct api_type *type, const json_t *old, json_t *object);

/** rules_same() - is there nothing to write? The resourceVersion does not count. */
bool rules_same(const json_t *a, const json_t *b);

/** rules_is_removable() - marked for deletion, and nobody holds it back any more */
bool rules_is_removable(const struct api_type *type, const json_t *object);

/** rules_mark_deleted() - set deletionTimestamp, @grace_s from now. Return: changed anything */
bool rules_mark_deleted(json_t *object, int64_t grace_s, uint64_t now_wall_ms);

/**
 * rules_is_durable() - is this change to be on the disk before it is answered?
 *
 * What people and their tools write is: objects that come or go, their content, labels and spec.
 * What the programs make anew by themselves is not: status, Pods, Events and the like. Nor is a
 * wake, which the next request asks for again and which is not to wait for a disk.
 * @old: NULL for a new object; @object: NULL for one that goes
 */
bool rules_is_durable(const struct api_type *type, const json_t *old, const json_t *object);
