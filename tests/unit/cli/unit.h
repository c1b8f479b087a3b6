/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit - what the plugin's unit tests share
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"

/* 2026-01-02T03:04:05Z */
#define NOW_MS 1767323045000ULL

/* JSON with single quotes. */
static inline json_t *json_q(const char *text)
{
	char *copy = strdup(text);
	json_error_t where;
	json_t *value;

	for (char *c = copy; *c != '\0'; c++)
		*c = *c == '\'' ? '"' : *c;
	value = json_loads(copy, JSON_DECODE_ANY, &where);
	if (value == NULL)
		fail_msg("%s: %s", where.text, text);
	free(copy);
	return value;
}

/* Lines as one text; takes the reference. Return: to be freed */
static inline char *text_of(json_t *lines)
{
	char *text = strdup("");
	json_t *line;
	size_t i;

	json_array_foreach(lines, i, line) {
		char *more;

		if (asprintf(&more, "%s%s\n", text, json_string_value(line)) < 0)
			abort();
		free(text);
		text = more;
	}
	json_decref(lines);
	if (text == NULL)
		abort();
	return text;
}

static inline void expect_text(json_t *lines, const char *want)
{
	char *text = text_of(lines);

	assert_string_equal(text, want);
	free(text);
}

static inline void expect_contains(const char *text, const char *want)
{
	if (strstr(text, want) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", want, text);
}
