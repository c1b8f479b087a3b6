/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_path - where we are in an object, as messages print it: spec.list[0].map[key]
 */
#pragma once

#include <stddef.h>

#include "local/registry/core/schema.h"

struct schema_path {
	char text[SCHEMA_PATH_BYTES];
	size_t bytes;
	unsigned depth;
};

/* Each returns what schema_path_pop() wants. A path that does not fit is cut. */
size_t schema_path_push(struct schema_path *path, const char *property);
size_t schema_path_push_key(struct schema_path *path, const char *key);
size_t schema_path_push_index(struct schema_path *path, size_t index);
void schema_path_pop(struct schema_path *path, size_t before);
