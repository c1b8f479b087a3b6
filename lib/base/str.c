/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str - whether a text is one of some, and where a cut text ends whole
 */
#include "lib/base/str.h"

#include <string.h>

bool str_is_one_of(const char *text, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (strcmp(text, *words) == 0)
			return true;
	}
	return false;
}

int str_copy(char **ret_copy, const char *text)
{
	char *copy;

	if (text == NULL)
		return 0;
	copy = strdup(text);
	if (copy == NULL)
		return -1;
	*ret_copy = copy;
	return 0;
}

/* Bytes of the sequence that begins with @first. */
static size_t sequence_bytes(unsigned char first)
{
	if (first >= 0xf0)
		return 4;
	if (first >= 0xe0)
		return 3;
	return first >= 0xc0 ? 2 : 1;
}

size_t str_whole_bytes(const char *text)
{
	size_t bytes = strlen(text);
	size_t at = bytes;

	while (at > 0 && bytes - at < 3 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
		at--;
	if (at == 0 || (unsigned char)text[at - 1] < 0xc0)
		return bytes; /* not what a cut leaves */
	at--;
	return bytes - at < sequence_bytes((unsigned char)text[at]) ? at : bytes;
}
