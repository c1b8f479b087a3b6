/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table - objects as the table that `kubectl get` prints
 */
#include "local/api/core/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/kube/client/object.h"
#include "local/api/core/jsonpath.h"
#include "local/api/core/table_cells.h"

/* The first alternative of Accept that we can make decides: a table, or plain JSON. */
void table_opts_parse(struct table_opts *opts, const struct api_type *type, const char *accept,
                      const char *include_object)
{
	const char *end = strchr(accept, ',');
	size_t bytes = end ? (size_t)(end - accept) : strlen(accept);

	opts->type = type;
	opts->wanted = strncmp(accept, "application/json", 16) == 0 &&
	               memmem(accept, bytes, "as=Table", 8) != NULL &&
	               memmem(accept, bytes, "g=meta.k8s.io", 13) != NULL;
	opts->whole_objects = include_object && strcmp(include_object, "Object") == 0;
	opts->no_objects = include_object && strcmp(include_object, "None") == 0;
}

static json_t *column_new(const char *name, const char *type, const char *format, int priority)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:i}", "name", name, "type", type, "format", format,
	                 "description", "", "priority", priority);
}

static json_t *columns(const struct table_opts *opts)
{
	const struct table_column *c = table_columns_of(opts->type->kube.plural);
	json_t *list = json_array(), *column;
	size_t i;

	if (!opts->type->custom) {
		for (; c->name; c++)
			(void)json_array_append_new(
			        list, column_new(c->name, c->type, c->format, c->priority));
		return list;
	}
	(void)json_array_append_new(list, column_new("Name", "string", "name", 0));
	json_array_foreach(opts->type->columns, i, column) {
		(void)json_array_append_new(
		        list, column_new(json_str_at(column, "", "name", NULL),
		                         json_str_at(column, "string", "type", NULL),
		                         json_str_at(column, "", "format", NULL),
		                         (int)json_int_at(column, 0, "priority", NULL)));
	}
	if (opts->type->columns == NULL)
		(void)json_array_append_new(list, column_new("Age", "date", "", 0));
	return list;
}

/* apiextensions' tableconvertor: what is absent is null, dates are ages. */
static json_t *custom_cell(const json_t *object, const json_t *column, uint64_t now_wall_ms)
{
	const json_t *value = jsonpath_get(object, json_str_at(column, "", "jsonPath", NULL));
	const char *type = json_str_at(column, "string", "type", NULL);
	json_t *text;
	char *dumped;

	if (value == NULL)
		return json_null();
	if (strcmp(type, "date") == 0)
		return json_is_string(value) ? table_age_cell(json_string_value(value), now_wall_ms)
		                             : json_null();
	if (strcmp(type, "string") != 0 || json_is_string(value))
		return json_incref((json_t *)value);
	dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	text = json_string(dumped ? dumped : "");
	free(dumped);
	return text;
}

static json_t *cells(const struct table_opts *opts, const json_t *object)
{
	const struct table_column *c = table_columns_of(opts->type->kube.plural);
	json_t *list = json_array(), *column;
	size_t i;

	for (; !opts->type->custom && c->name; c++) {
		const json_t *value = c->path ? jsonpath_get(object, c->path) : NULL;

		if (c->cell)
			(void)json_array_append_new(list, c->cell(object, opts->now_wall_ms));
		else if (value)
			(void)json_array_append(list, (json_t *)value);
		else
			(void)json_array_append_new(list, json_string("<none>"));
	}
	if (!opts->type->custom)
		return list;
	(void)json_array_append_new(list, json_string(kube_name(object)));
	json_array_foreach(opts->type->columns, i, column) {
		(void)json_array_append_new(list, custom_cell(object, column, opts->now_wall_ms));
	}
	if (opts->type->columns == NULL)
		(void)json_array_append_new(list,
		                            table_age_cell(json_str_at(object, "", "metadata",
		                                                       "creationTimestamp", NULL),
		                                           opts->now_wall_ms));
	return list;
}

static json_t *row(const struct table_opts *opts, json_t *object)
{
	json_t *shown = NULL;

	if (opts->whole_objects)
		shown = json_incref(object);
	else if (!opts->no_objects)
		shown = json_pack("{s:s, s:s, s:O}", "kind", "PartialObjectMetadata", "apiVersion",
		                  "meta.k8s.io/v1", "metadata",
		                  json_object_get(object, "metadata"));
	return json_pack("{s:o, s:o*}", "cells", cells(opts, object), "object", shown);
}

static json_t *table_new(const struct table_opts *opts, json_t *rows, json_t *metadata)
{
	return json_pack("{s:s, s:s, s:O, s:o, s:o}", "kind", "Table", "apiVersion",
	                 "meta.k8s.io/v1", "metadata", metadata, "columnDefinitions", columns(opts),
	                 "rows", rows);
}

json_t *table_of_object(const struct table_opts *opts, json_t *object)
{
	json_t *metadata = json_pack("{s:s}", "resourceVersion", kube_resource_version(object));
	json_t *table = table_new(opts, json_pack("[o]", row(opts, object)), metadata);

	json_decref(metadata);
	return table;
}

json_t *table_of_list(const struct table_opts *opts, json_t *items, json_t *metadata)
{
	json_t *rows = json_array(), *object;
	size_t i;

	json_array_foreach(items, i, object) {
		(void)json_array_append_new(rows, row(opts, object));
	}
	return table_new(opts, rows, metadata);
}
