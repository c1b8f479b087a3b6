/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema - structural OpenAPI v3 schemas: prune, default, validate
 *
 * What apiextensions.k8s.io/v1 does with a custom resource, in its order: unknown fields are
 * reported and removed, defaults are put in, the rest is validated. Messages are the API server's.
 * Difference: rules in CEL (x-kubernetes-validations) are not evaluated.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "local/registry/core/schema_patterns.h"

enum { SCHEMA_PATH_BYTES = 512, SCHEMA_DEPTH_MAX = 64 };

/** schema_prune() - remove what @schema does not know; @unknown: array, gets the fields' paths */
void schema_prune(const json_t *schema, json_t *object, json_t *unknown);

/** schema_default() - put defaults where nothing (or a null that is not allowed) is */
void schema_default(const json_t *schema, json_t *value);

/**
 * schema_validate() - @patterns: those of @schema among others
 * @causes: array for status_invalid(), left as it is when all is well
 */
void schema_validate(const json_t *schema, const struct schema_patterns *patterns,
                     const json_t *object, json_t *causes);

/** schema_format_is_valid() - a format that is not known is not checked */
bool schema_format_is_valid(const char *format, const char *text);
