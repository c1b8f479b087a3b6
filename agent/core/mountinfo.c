/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountinfo - lines of /proc/PID/mountinfo taken apart
 */
#include "agent/core/mountinfo.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/num.h"

/* The next word of a line; its end becomes NUL. Return: NULL at the line's end. */
static char *mountinfo_word(char **cursor)
{
	char *word = *cursor;
	char *end;

	if (word == NULL || *word == '\0')
		return NULL;
	end = word + strcspn(word, " \n");
	*cursor = *end == ' ' ? end + 1 : NULL;
	*end = '\0';
	return word;
}

static bool mountinfo_is_octal(const char *c)
{
	return c[0] >= '0' && c[0] <= '3' && c[1] >= '0' && c[1] <= '7' && c[2] >= '0' &&
	       c[2] <= '7';
}

static char *mountinfo_unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; to++) {
		if (from[0] == '\\' && mountinfo_is_octal(from + 1)) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return text;
}

static bool mountinfo_id(const char *word, unsigned *ret_id)
{
	uint64_t id;

	if (word == NULL || num_parse_u64(word, 0, UINT32_MAX, &id, NULL) < 0)
		return false;
	*ret_id = (unsigned)id;
	return true;
}

bool mountinfo_parse(char *line, struct mountinfo *ret_info)
{
	struct mountinfo info = {0};
	char *cursor = line;
	char *mount_point = NULL;
	char *word;

	if (!mountinfo_id(mountinfo_word(&cursor), &info.id) ||
	    !mountinfo_id(mountinfo_word(&cursor), &info.parent_id))
		return false;
	/* device, root, mount point, options, optional fields, "-" */
	for (unsigned i = 0; (word = mountinfo_word(&cursor)) != NULL && strcmp(word, "-") != 0;
	     i++) {
		if (i == 2)
			mount_point = word;
	}
	info.fs_type = mountinfo_word(&cursor);
	(void)mountinfo_word(&cursor); /* source */
	info.super_options = mountinfo_word(&cursor);
	if (mount_point == NULL || info.super_options == NULL)
		return false;
	info.mount_point = mountinfo_unescape(mount_point);
	*ret_info = info;
	return true;
}

static bool mountinfo_names(const char *option, size_t len, const char *name)
{
	return name != NULL && strlen(name) == len && memcmp(option, name, len) == 0;
}

char *mountinfo_option(char **cursor, const char *name, const char *other)
{
	while (*cursor != NULL && **cursor != '\0') {
		char *option = *cursor;
		size_t len = strcspn(option, ",");
		size_t name_len = strcspn(option, "=,");

		*cursor = option[len] == ',' ? option + len + 1 : NULL;
		option[len] = '\0';
		if (name_len < len && (mountinfo_names(option, name_len, name) ||
		                       mountinfo_names(option, name_len, other)))
			return mountinfo_unescape(option + name_len + 1);
	}
	return NULL;
}

char *mountinfo_layer(char **cursor)
{
	char *layer = *cursor;
	char *to = layer;
	const char *from = layer;

	if (layer == NULL || *layer == '\0')
		return NULL;
	for (; *from != '\0' && *from != ':'; to++) {
		if (from[0] == '\\' && from[1] != '\0')
			from++;
		*to = *from++;
	}
	*cursor = *from == ':' ? layer + (from - layer) + 1 : NULL;
	*to = '\0';
	return layer;
}
