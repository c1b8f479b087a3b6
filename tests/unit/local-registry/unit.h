/* SPDX-License-Identifier: Apache-2.0 */
/* unit - what the unit tests of the API share: JSON in single quotes, and its comparison */
#pragma once

/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"

/* JSON with single quotes, which read better inside of C strings. */
static inline json_t *json_q(const char *text)
{
	char *copy = strdup(text);
	json_error_t where;
	json_t *value;

	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	value = json_loads(copy, JSON_DECODE_ANY, &where);
	if (value == NULL)
		fail_msg("%s: %s", text, where.text);
	free(copy);
	return value;
}

static inline void assert_json(const json_t *got, const char *want_text)
{
	json_t *want = json_q(want_text);
	char *shown = json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
	int same = json_equal(got, want);

	json_decref(want);
	if (!same)
		fail_msg("got %s, want %s", shown, want_text);
	free(shown);
}
