/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_types - the table of resource types that the embedded engine serves
 *
 * Kubernetes' own types are a static table; each CustomResourceDefinition adds one more. A row
 * says everything that the generic rules need: nothing else in the engine knows a type by name,
 * but for Pods (graceful deletion), Namespaces (content) and the tables that kubectl prints.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/kube/client/client.h"
#include "local/registry/core/schema_patterns.h"

enum { API_TYPES_MAX = 32, API_SHORT_NAMES_MAX = 4 };

struct api_type {
	struct kube_type kube;
	const char *singular;
	const char *short_names[API_SHORT_NAMES_MAX + 1]; /* NULL-terminated */
	const char *categories[2];                        /* NULL-terminated */
	bool has_status;     /* a status subresource: main ignores status, it ignores the rest */
	bool has_generation; /* metadata.generation counts changes of the spec */
	bool read_only;
	bool custom;             /* from a CRD: pruned, validated, no strategic merge patch */
	const char *schema_text; /* built-in types: their schema as JSON text, or NULL */
	json_t *schema;          /* owned: OpenAPI v3 schema, or NULL */
	const struct schema_patterns *patterns; /* of the schema; the table's */
	json_t *columns;                        /* owned: additionalPrinterColumns, or NULL */
	json_t *names; /* owned: what the strings of a custom type point into */
};

struct api_types {
	struct api_type list[API_TYPES_MAX];
	size_t count;
	struct schema_patterns patterns;
	json_t *pool; /* parts of schemas, while they are loaded */
};

/** api_types_init() - the built-in rows; @types stays where it is. Return: 0; negative: no memory
 */
int api_types_init(struct api_types *types, struct err *err);
void api_types_done(struct api_types *types);

/**
 * api_types_add_crd() - the storage version of a CustomResourceDefinition becomes a row
 * Descriptions are left out, and equal parts of all schemas are one: else they would be most of
 * the process's memory.
 */
int api_types_add_crd(struct api_types *types, const json_t *crd, struct err *err);

/** api_types_seal() - no more CRDs come: frees what only loading needs */
void api_types_seal(struct api_types *types);

/** api_types_find() - by group and plural; @version NULL: any. Return: borrowed, or NULL */
const struct api_type *api_types_find(const struct api_types *types, const char *group,
                                      const char *version, const char *plural);
/** api_types_find_kind() - by an object's apiVersion and kind, the version does not count */
const struct api_type *api_types_find_kind(const struct api_types *types, const char *api_version,
                                           const char *kind);

/** api_type_version() - "v1" or "GROUP/VERSION", as apiVersion has it. Return: @buf */
const char *api_type_version(const struct api_type *type, char *buf, size_t size);

/** api_type_resource() - "pods" or "PLURAL.GROUP", as messages name it. Return: @buf */
const char *api_type_resource(const struct api_type *type, char *buf, size_t size);

enum { API_NAME_BYTES = 320 }; /* enough for both of the above */
