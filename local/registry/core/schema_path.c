/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_path - writes the path of a field as messages print it
 */
#include "local/registry/core/schema_path.h"

#include <stdio.h>

static size_t path_grow(struct schema_path *path, int printed)
{
	size_t before = path->bytes;

	if (printed > 0)
		path->bytes += (size_t)printed;
	if (path->bytes >= sizeof path->text)
		path->bytes = sizeof path->text - 1;
	path->depth++;
	return before;
}

size_t schema_path_push(struct schema_path *path, const char *property)
{
	return path_grow(path, snprintf(path->text + path->bytes, sizeof path->text - path->bytes,
	                                "%s%s", path->bytes ? "." : "", property));
}

size_t schema_path_push_key(struct schema_path *path, const char *key)
{
	return path_grow(path, snprintf(path->text + path->bytes, sizeof path->text - path->bytes,
	                                "[%s]", key));
}

size_t schema_path_push_index(struct schema_path *path, size_t index)
{
	return path_grow(path, snprintf(path->text + path->bytes, sizeof path->text - path->bytes,
	                                "[%zu]", index));
}

void schema_path_pop(struct schema_path *path, size_t before)
{
	path->bytes = before;
	path->text[before] = 0;
	path->depth--;
}
