/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_cells - columns of Kubernetes' own types that a path can't say
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

struct table_column {
	const char *name;
	const char *type;   /* "string", "integer", "date" */
	const char *format; /* "name" or "" */
	int priority;       /* 1: only -o wide */
	const char *path;   /* JSONPath, or NULL: @cell */
	json_t *(*cell)(const json_t *object, uint64_t now_wall_ms); /* new reference */
};

/** table_columns_of() - Return: columns ended by a NULL name; name and age for others */
const struct table_column *table_columns_of(const char *plural);

/** table_age_cell() - how long ago @time (RFC 3339) was; new reference */
json_t *table_age_cell(const char *time, uint64_t now_wall_ms);
