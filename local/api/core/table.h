/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table - meta.k8s.io/v1 Table: what kubectl prints is made here, as by the API server
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "local/registry/core/api_types.h"

struct table_opts {
	bool wanted;
	bool whole_objects; /* includeObject=Object; else only metadata, or nothing */
	bool no_objects;
	const struct api_type *type;
	uint64_t now_wall_ms; /* for ages */
};

/** table_opts_parse() - from the Accept header and the includeObject parameter (or NULL) */
void table_opts_parse(struct table_opts *opts, const struct api_type *type, const char *accept,
                      const char *include_object);

/* New references. */
json_t *table_of_object(const struct table_opts *opts, json_t *object);
json_t *table_of_list(const struct table_opts *opts, json_t *items, json_t *metadata);
