/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request - takes the path and the query of a request apart
 */
#include "local/api/core/request.h"

#include <jansson.h>
#include <string.h>

/* All that is stored, matched or answered is JSON, hence UTF-8. */
static bool is_utf8(const char *text)
{
	json_t *value = json_string(text);

	json_decref(value);
	return value != NULL;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986 percent-decoding in place; @plus: "+" is a space. Return: false when malformed. */
static bool decode(char *text, bool plus)
{
	const char *start = text;
	char *out = text;

	for (; *text; text++, out++) {
		if (*text == '%') {
			int high = hex(text[1]), low = high < 0 ? -1 : hex(text[2]);

			if (low < 0 || (high == 0 && low == 0))
				return false;
			*out = (char)(high * 16 + low);
			text += 2;
		} else {
			*out = plus && *text == '+' ? ' ' : *text;
		}
	}
	*out = 0;
	return is_utf8(start);
}

static int split_path(char *path, struct request *r, struct err *err)
{
	char *rest = path, *part;

	while ((part = strsep(&rest, "/")) != NULL) {
		if (*part == 0)
			continue;
		if (r->part_count == REQUEST_PARTS_MAX || !decode(part, false))
			return err_set(err, ERR_PARSE, 0, "the path of the request is not valid");
		r->parts[r->part_count++] = part;
	}
	return 0;
}

static int split_query(char *query, struct request *r, struct err *err)
{
	char *rest = query, *pair;

	while ((pair = strsep(&rest, "&")) != NULL) {
		char *value = pair, *key;

		if (*pair == 0)
			continue;
		key = strsep(&value, "=");
		if (value == NULL)
			value = key + strlen(key);
		if (r->query_count == REQUEST_QUERY_MAX || !decode(key, true) ||
		    !decode(value, true))
			return err_set(err, ERR_PARSE, 0, "the query of the request is not valid");
		r->query[r->query_count].key = key;
		r->query[r->query_count++].value = value;
	}
	return 0;
}

/* /api/VERSION/… and /apis/GROUP/VERSION/…, with or without namespaces/NS. */
static void find_resource(struct request *r)
{
	bool core = r->part_count > 2 && strcmp(r->parts[0], "api") == 0;
	unsigned at = core ? 2 : 3;

	if (!core && (r->part_count < 4 || strcmp(r->parts[0], "apis") != 0))
		return;
	r->group = core ? "" : r->parts[1];
	r->version = r->parts[at - 1];
	if (r->part_count > at + 2 && strcmp(r->parts[at], "namespaces") == 0 &&
	    strcmp(r->parts[at + 2], "status") != 0 && strcmp(r->parts[at + 2], "finalize") != 0) {
		r->ns = r->parts[at + 1];
		at += 2;
	}
	r->plural = r->parts[at];
	r->name = r->parts[at + 1];
	r->subresource = r->name ? r->parts[at + 2] : NULL;
	r->is_resource = r->part_count <= at + 3;
}

int request_parse(char *target, struct request *ret_request, struct err *err)
{
	struct request r = {0};
	char *query = strchr(target, '?');

	if (query)
		*query++ = 0;
	if (*target != '/')
		return err_set(err, ERR_PARSE, 0, "the path of the request is not valid");
	if (split_path(target, &r, err) < 0 || (query && split_query(query, &r, err) < 0))
		return -1;
	find_resource(&r);
	*ret_request = r;
	return 0;
}

const char *request_query(const struct request *r, const char *key)
{
	for (unsigned i = 0; i < r->query_count; i++) {
		if (strcmp(r->query[i].key, key) == 0)
			return r->query[i].value;
	}
	return NULL;
}

bool request_flag(const struct request *r, const char *key)
{
	const char *value = request_query(r, key);

	return value && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}
