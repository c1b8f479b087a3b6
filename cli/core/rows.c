/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows - tables as kubectl prints them: rows of cells, and lines made of them
 */
#include "cli/core/rows.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "cli/core/activity.h"
#include "cli/core/lines.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"

#define NONE "<none>"

enum { ROWS_GAP = 3, ROWS_LINE_BYTES = 4096 };

json_t *age_of(const char *time, uint64_t now_wall_ms)
{
	char buf[NUM_AGE_BYTES];
	uint64_t then_ms;

	if (num_parse_rfc3339(time, &then_ms, NULL) < 0)
		return json_string(NONE);
	return json_string(num_format_age(now_wall_ms > then_ms ? now_wall_ms - then_ms : 0, buf));
}

static json_t *used_for(const json_t *object, uint64_t now_wall_ms)
{
	struct activity a;
	char buf[NUM_AGE_BYTES];

	if (!activity_last(object, &a))
		return json_string(NONE);
	return json_string(
	        num_format_age(now_wall_ms > a.wall_ms ? now_wall_ms - a.wall_ms : 0, buf));
}

static const char *or_none(const char *text)
{
	return *text != '\0' ? text : NONE;
}

static void row_add(json_t *row, const char *text)
{
	(void)json_array_append_new(row, json_string(or_none(text)));
}

static json_t *row_of(const char *const *words)
{
	json_t *row = json_array();

	for (; *words != NULL; words++)
		row_add(row, *words);
	return row;
}

json_t *list_header(const struct list_style *style)
{
	static const char *const words[] = {"NAMESPACE", "NAME", "RUNNING", "PHASE",
	                                    "IDLE-FOR",  "URL",  "AGE",     NULL};
	json_t *row = row_of(words + !style->with_namespace);

	if (style->wide) {
		row_add(row, "NODE");
		row_add(row, "IMAGE");
		row_add(row, "REASON");
	}
	return row;
}

/* The main container is template.container, or the first of the long shape. */
static const json_t *main_container(const json_t *object)
{
	const json_t *c = json_at(object, "spec", "template", "container", NULL);

	if (c != NULL)
		return c;
	return json_array_get(json_at(object, "spec", "template", "spec", "containers", NULL), 0);
}

json_t *list_row(const struct list_style *style, const json_t *object, uint64_t now_wall_ms)
{
	json_t *row = json_array();

	if (style->with_namespace)
		row_add(row, kube_namespace(object));
	row_add(row, kube_name(object));
	row_add(row, json_bool_at(object, false, "spec", "running", NULL) ? "true" : "false");
	row_add(row, kube_is_deleting(object) ? "Terminating"
	                                      : json_str_at(object, "", "status", "phase", NULL));
	(void)json_array_append_new(row, used_for(object, now_wall_ms));
	row_add(row, json_str_at(object, "", "status", "activation", "url", NULL));
	(void)json_array_append_new(
	        row, age_of(json_str_at(object, "", "metadata", "creationTimestamp", NULL),
	                    now_wall_ms));
	if (style->wide) {
		row_add(row, json_str_at(object, "", "status", "nodeName", NULL));
		row_add(row, json_str_at(main_container(object), "", "image", NULL));
		row_add(row, json_str_at(kube_condition(object, "Ready"), "", "reason", NULL));
	}
	return row;
}

json_t *event_header(void)
{
	static const char *const words[] = {"LAST SEEN", "TYPE",    "REASON",
	                                    "OBJECT",    "MESSAGE", NULL};

	return row_of(words);
}

const char *event_time(const json_t *event)
{
	const char *time = json_str_at(event, "", "series", "lastObservedTime", NULL);

	if (*time == '\0')
		time = json_str_at(event, "", "lastTimestamp", NULL);
	if (*time == '\0')
		time = json_str_at(event, "", "eventTime", NULL);
	return *time != '\0' ? time : json_str_at(event, "", "metadata", "creationTimestamp", NULL);
}

json_t *event_row(const json_t *event, uint64_t now_wall_ms)
{
	json_t *row = json_array();
	char object[400];

	(void)snprintf(object, sizeof object, "%.100s/%.253s",
	               json_str_at(event, "", "involvedObject", "kind", NULL),
	               json_str_at(event, "", "involvedObject", "name", NULL));
	for (char *c = object; *c != '\0' && *c != '/'; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	}
	(void)json_array_append_new(row, age_of(event_time(event), now_wall_ms));
	row_add(row, json_str_at(event, "", "type", NULL));
	row_add(row, json_str_at(event, "", "reason", NULL));
	row_add(row, object);
	row_add(row, json_str_at(event, "", "message", NULL));
	return row;
}

bool event_is_about(const json_t *event, const json_t *container)
{
	const char *kind = json_str_at(event, "", "involvedObject", "kind", NULL);
	const char *name = json_str_at(event, "", "involvedObject", "name", NULL);
	const char *own = kube_name(container);
	char provider[300];

	if (strcmp(kind, "StoppableContainer") == 0 ||
	    strcmp(kind, "StoppableContainerInstance") == 0)
		return strcmp(name, own) == 0;
	if (strcmp(kind, "Pod") != 0)
		return false;
	(void)snprintf(provider, sizeof provider, "%.253s-provider", own);
	return strcmp(name, own) == 0 || strcmp(name, provider) == 0 ||
	       strcmp(name, json_str_at(container, "", "status", "consumerPodName", NULL)) == 0;
}

/* Characters, not bytes: a continuation byte of UTF-8 takes no place. */
static size_t text_chars(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static const char *cell(const json_t *row, size_t i)
{
	const char *text = json_string_value(json_array_get(row, i));

	return text != NULL ? text : NONE;
}

void rows_widen(struct rows_widths *widths, const json_t *row)
{
	assert(json_array_size(row) <= ROWS_COLUMNS_MAX);
	for (size_t i = 0; i < json_array_size(row); i++) {
		size_t chars = text_chars(cell(row, i));

		if (chars > widths->chars[i])
			widths->chars[i] = chars;
	}
}

void rows_line(const struct rows_widths *widths, const json_t *row, json_t *lines)
{
	size_t columns = json_array_size(row);
	char line[ROWS_LINE_BYTES];
	size_t used = 0;

	for (size_t i = 0; i < columns && used < sizeof line; i++) {
		const char *text = cell(row, i);
		size_t chars = text_chars(text);
		size_t wide = widths->chars[i] > chars ? widths->chars[i] : chars;
		size_t gap = i + 1 < columns ? wide - chars + ROWS_GAP : 0;

		used += (size_t)snprintf(line + used, sizeof line - used, "%s%*s", text, (int)gap,
		                         "");
	}
	lines_add(lines, "%s", line);
}
