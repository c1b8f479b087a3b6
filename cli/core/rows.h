/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows - tables as kubectl prints them: rows of cells, and lines made of them
 *
 * A row is a JSON list of strings. Columns are as wide as their widest cell and three spaces.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ROWS_COLUMNS_MAX = 16 };

struct rows_widths {
	size_t chars[ROWS_COLUMNS_MAX];
};

struct list_style {
	bool wide;
	bool with_namespace;
};

/* The table of StoppableContainers. New references. */
json_t *list_header(const struct list_style *style);
json_t *list_row(const struct list_style *style, const json_t *object, uint64_t now_wall_ms);

/* The table of Events. */
json_t *event_header(void);
json_t *event_row(const json_t *event, uint64_t now_wall_ms);
/** event_time() - when it was last seen, RFC 3339; "" when it does not say */
const char *event_time(const json_t *event);
/** event_is_about() - is it about this container, its instance or one of its Pods? */
bool event_is_about(const json_t *event, const json_t *container);

/** rows_widen() - the widths that this row needs too */
void rows_widen(struct rows_widths *widths, const json_t *row);
/** rows_line() - appended to the list @lines */
void rows_line(const struct rows_widths *widths, const json_t *row, json_t *lines);

/** age_of() - of an RFC 3339 time, as a cell; "<none>" without one. New reference */
json_t *age_of(const char *time, uint64_t now_wall_ms);
