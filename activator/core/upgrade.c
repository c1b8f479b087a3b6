/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upgrade - which protocols a request may ask to switch to with the Upgrade field
 */
#include "activator/core/upgrade.h"

#include <string.h>
#include <strings.h>

static bool name_is(const char *text, size_t bytes, const char *name, size_t name_bytes)
{
	return bytes == name_bytes && strncasecmp(text, name, bytes) == 0;
}

bool upgrade_is_allowed(const char *list, const char *text, size_t bytes)
{
	const char *slash = memchr(text, '/', bytes);
	size_t name_bytes = slash ? (size_t)(slash - text) : bytes;

	while (*list) {
		size_t n = strcspn(list, ",");

		/* a version in the list is that one; none is any */
		if (name_is(text, name_bytes, list, n) || name_is(text, bytes, list, n))
			return true;
		list += n;
		list += *list == ',';
	}
	return false;
}

bool upgrade_next(const struct head *h, const char *list, struct head_list *at)
{
	while (head_list_next(h, FIELD_UPGRADE, at))
		if (upgrade_is_allowed(list, at->text, at->bytes))
			return true;
	return false;
}
