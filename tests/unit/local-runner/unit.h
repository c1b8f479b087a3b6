/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit - what these tests include, in cmocka's order
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* JSON with ' for ", so that it can be read. */
static inline json_t *js(const char *text)
{
	char *copy = strdup(text);
	json_error_t error;
	json_t *value;

	assert_non_null(copy);
	for (char *c = copy; *c != '\0'; c++)
		*c = *c == '\'' ? '"' : *c;
	value = json_loads(copy, JSON_DECODE_ANY, &error);
	if (value == NULL)
		fail_msg("%s: %s", error.text, copy);
	free(copy);
	return value;
}

/* Takes both. */
static inline void assert_json(json_t *got, json_t *want)
{
	char *got_text = got ? json_dumps(got, JSON_SORT_KEYS | JSON_ENCODE_ANY) : strdup("null");
	char *want_text = json_dumps(want, JSON_SORT_KEYS | JSON_ENCODE_ANY);

	assert_string_equal(got_text, want_text);
	free(got_text);
	free(want_text);
	json_decref(got);
	json_decref(want);
}
