/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discovery - which groups, versions and resources there are; OpenAPI documents
 *
 * All results are new references.
 */
#pragma once

#include <jansson.h>

#include "local/registry/core/api_types.h"

json_t *discovery_api_versions(void);                    /* /api */
json_t *discovery_groups(const struct api_types *types); /* /apis */
/** discovery_group() - /apis/GROUP. Return: NULL when there is no such group */
json_t *discovery_group(const struct api_types *types, const char *group);
/** discovery_resources() - /api/v1, /apis/GROUP/VERSION. Return: NULL when there is none */
json_t *discovery_resources(const struct api_types *types, const char *group, const char *version);

/**
 * openapi_v3() - the document of one group and version
 * @schema_of: the whole schema of a type with its descriptions, new reference, or NULL
 */
json_t *openapi_v3(const struct api_types *types, const char *group, const char *version,
                   json_t *(*schema_of)(void *arg, const struct api_type *type), void *arg);
