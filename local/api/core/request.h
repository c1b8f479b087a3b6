/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request - what a request's target means: resource path and query
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

enum { REQUEST_PARTS_MAX = 12, REQUEST_QUERY_MAX = 32 };

/* All text points into the target that was parsed, which is changed for it. */
struct request {
	char *parts[REQUEST_PARTS_MAX + 1]; /* decoded, NULL-terminated */
	unsigned part_count;
	struct {
		char *key;
		char *value;
	} query[REQUEST_QUERY_MAX];
	unsigned query_count;
	/* Of a resource path; is_resource is false for all others. */
	bool is_resource;
	const char *group, *version, *ns, *plural, *name, *subresource; /* NULL when absent */
};

/** request_parse() - Return: 0; negative with ERR_PARSE */
int request_parse(char *target, struct request *ret_request, struct err *err);

/** request_query() - Return: the value, or NULL */
const char *request_query(const struct request *r, const char *key);
bool request_flag(const struct request *r, const char *key); /* "true" or "1" */
