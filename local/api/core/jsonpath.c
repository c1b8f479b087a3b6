/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonpath - the part of JSONPath that the columns of CustomResourceDefinitions use
 */
#include "local/api/core/jsonpath.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/num.h"

enum { WORD_BYTES = 256 };

/* Copies up to @end. Return: what follows the text, NULL when it does not fit. */
static const char *take_until(const char *at, const char *ends, char word[WORD_BYTES])
{
	size_t n = strcspn(at, ends);

	if (n >= WORD_BYTES)
		return NULL;
	memcpy(word, at, n);
	word[n] = 0;
	return at + n;
}

/* ?(@.key=="value")] */
static const char *step_filter(const char *at, const json_t **value)
{
	char key[WORD_BYTES], wanted[WORD_BYTES];
	json_t *item;
	size_t i;

	at = take_until(at + 4, "=", key); /* after "?(@." */
	if (at == NULL || strncmp(at, "==", 2) != 0 || (at[2] != '"' && at[2] != '\''))
		return NULL;
	at = take_until(at + 3, "\"'", wanted);
	if (at == NULL || strncmp(at + 1, ")]", 2) != 0)
		return NULL;
	json_array_foreach(*value, i, item) {
		const char *text = json_string_value(json_object_get(item, key));

		if (text && strcmp(text, wanted) == 0) {
			*value = item;
			return at + 3;
		}
	}
	*value = NULL;
	return at + 3;
}

static const char *step_bracket(const char *at, const json_t **value)
{
	char word[WORD_BYTES];
	uint64_t index;

	if (strncmp(at, "?(@.", 4) == 0)
		return step_filter(at, value);
	if (*at == '\'' || *at == '"') {
		at = take_until(at + 1, "'\"", word);
		if (at == NULL || at[0] == 0 || at[1] != ']')
			return NULL;
		*value = json_object_get(*value, word);
		return at + 2;
	}
	at = take_until(at, "]", word);
	if (at == NULL || *at == 0)
		return NULL;
	if (strcmp(word, "*") == 0)
		index = 0;
	else if (num_parse_u64(word, 0, UINT32_MAX, &index, NULL) < 0)
		return NULL;
	*value = json_array_get(*value, (size_t)index);
	return at + 1;
}

/* A key; a backslash takes the next character as it is: ".metadata.annotations.a\.b". */
static const char *step_key(const char *at, const json_t **value)
{
	char word[WORD_BYTES];
	size_t n = 0;

	for (; *at && *at != '.' && *at != '['; at++) {
		if (*at == '\\' && at[1])
			at++;
		if (n + 1 == WORD_BYTES)
			return NULL;
		word[n++] = *at;
	}
	word[n] = 0;
	*value = json_object_get(*value, word);
	return at;
}

const json_t *jsonpath_get(const json_t *from, const char *path)
{
	const json_t *value = from;

	while (path && *path && value) {
		if (*path == '[')
			path = step_bracket(path + 1, &value);
		else if (*path == '.')
			path = step_key(path + 1, &value);
		else
			path = NULL;
	}
	return path ? value : NULL;
}
