/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_read - a reader for JSON without escapes, and jansson for the rest
 */
#include "lib/text/json_read.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/cleanup.h"

enum {
	JSON_READ_DEPTH_MAX = 2048, /* as jansson's */
	JSON_READ_DIGITS_MAX = 18,  /* fit into 63 bits whatever they are */
};

DEFINE_CLEANUP(json_t *, json_decref);

struct reading {
	const char *at, *end;
	unsigned depth;
};

static json_t *read_value(struct reading *r);

static void read_space(struct reading *r)
{
	while (r->at < r->end &&
	       (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
		r->at++;
}

static bool read_is(struct reading *r, char c)
{
	read_space(r);
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

/* ASCII that is what it looks like. RFC 8259 section 7: control characters must be escaped */
static const bool read_plain[UCHAR_MAX + 1] = {
        [' ' ... '!'] = true,
        ['#' ... '['] = true,
        [']' ... 0x7f] = true,
};

/* From quote to quote. @ret_plain: ASCII without an escape. Return: false when it does not end */
static bool read_quoted(struct reading *r, bool *ret_plain)
{
	const char *at = r->at + 1;

	while (at < r->end && read_plain[(unsigned char)*at])
		at++;
	*ret_plain = at < r->end && *at == '"';
	while (at < r->end && *at != '"')
		at += *at == '\\' ? 2 : 1;
	if (at >= r->end)
		return false;
	r->at = at + 1;
	return true;
}

static json_t *read_by_jansson(const struct reading *r, const char *from)
{
	return json_loadb(from, (size_t)(r->at - from), JSON_DECODE_ANY, NULL);
}

static json_t *read_string(struct reading *r)
{
	const char *from = r->at;
	bool is_plain;

	if (!read_quoted(r, &is_plain))
		return NULL;
	/* which sees to it that it is UTF-8 */
	return is_plain ? json_stringn_nocheck(from + 1, (size_t)(r->at - from) - 2)
	                : read_by_jansson(r, from);
}

/* A number of few digits. Return: NULL when it is anything else. */
static json_t *read_small(const char *text, size_t bytes)
{
	bool is_negative = *text == '-';
	size_t i = is_negative ? 1 : 0;
	json_int_t n = 0;

	/* none begins with a zero but zero itself */
	if (bytes == i || bytes > JSON_READ_DIGITS_MAX || (text[i] == '0' && bytes > 1))
		return NULL;
	for (; i < bytes; i++) {
		if (text[i] < '0' || text[i] > '9')
			return NULL;
		n = n * 10 + (text[i] - '0');
	}
	return json_integer(is_negative ? -n : n);
}

/* A number, true, false or null. */
static json_t *read_word(struct reading *r)
{
	const char *from = r->at;
	json_t *small;

	while (r->at < r->end && strchr(",]} \n\r\t", *r->at) == NULL)
		r->at++;
	if (r->at == from)
		return NULL;
	small = read_small(from, (size_t)(r->at - from));
	return small != NULL ? small : read_by_jansson(r, from);
}

static bool read_member(struct reading *r, json_t *object)
{
	CLEANUP(json_decref_var) json_t *name = NULL;
	const char *key;
	size_t bytes;
	bool is_plain;

	read_space(r);
	key = r->at;
	if (r->at == r->end || *r->at != '"' || !read_quoted(r, &is_plain))
		return false;
	bytes = (size_t)(r->at - key) - 2;
	key++;
	if (!is_plain) {
		name = read_by_jansson(r, key - 1);
		key = json_string_value(name);
		bytes = json_string_length(name);
	}
	return key != NULL && read_is(r, ':') &&
	       json_object_setn_new_nocheck(object, key, bytes, read_value(r)) == 0;
}

static bool read_members(struct reading *r, json_t *object)
{
	if (read_is(r, '}'))
		return true;
	do {
		if (!read_member(r, object))
			return false;
	} while (read_is(r, ','));
	return read_is(r, '}');
}

static bool read_elements(struct reading *r, json_t *array)
{
	if (read_is(r, ']'))
		return true;
	do {
		if (json_array_append_new(array, read_value(r)) < 0)
			return false;
	} while (read_is(r, ','));
	return read_is(r, ']');
}

static json_t *read_nest(struct reading *r)
{
	bool is_object = *r->at == '{';
	json_t *nest = is_object ? json_object() : json_array();

	r->at++;
	if (nest != NULL && (is_object ? read_members(r, nest) : read_elements(r, nest)))
		return nest;
	json_decref(nest);
	return NULL;
}

static json_t *read_value(struct reading *r)
{
	json_t *value = NULL;

	read_space(r);
	if (r->at == r->end || r->depth == JSON_READ_DEPTH_MAX)
		return NULL;
	r->depth++;
	if (*r->at == '{' || *r->at == '[')
		value = read_nest(r);
	else
		value = *r->at == '"' ? read_string(r) : read_word(r);
	r->depth--;
	return value;
}

json_t *json_read(const char *text, size_t bytes)
{
	struct reading r = {.at = text, .end = text + bytes};
	json_t *value;

	read_space(&r);
	if (r.at == r.end || (*r.at != '{' && *r.at != '['))
		return NULL;
	value = read_value(&r);
	read_space(&r);
	if (value != NULL && r.at == r.end)
		return value;
	json_decref(value);
	return NULL;
}
