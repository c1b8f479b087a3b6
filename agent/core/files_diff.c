/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_diff - two sorted lists of files compared, one entry at a time
 */
#include "agent/core/files_diff.h"

#include <stdio.h>
#include <string.h>

/* Ends sort first, then '/', then all other bytes. */
static int rank(char c)
{
	if (c == '\0')
		return 0;
	return c == '/' ? 1 : (unsigned char)c + 1;
}

int files_path_compare(const char *a, const char *b)
{
	while (*a == *b && *a != '\0') {
		a++;
		b++;
	}
	return rank(*a) - rank(*b);
}

static void note(struct files_diff *d, const char *what, const char *path)
{
	char line[FILES_DIFF_PATH_BYTES + 32];
	size_t bytes;

	d->differences++;
	(void)snprintf(line, sizeof line, "%s %.*s%s\n", what, FILES_DIFF_PATH_BYTES, path,
	               strlen(path) > FILES_DIFF_PATH_BYTES ? "…" : "");
	bytes = strlen(line);
	for (size_t i = 0; i + 1 < bytes; i++) {
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	}
	/* whole lines, from the first on, and no later one after one that found no room */
	if (d->text_bytes + bytes >= sizeof d->text) {
		d->text_bytes = sizeof d->text;
		return;
	}
	memcpy(d->text + d->text_bytes, line, bytes + 1);
	d->text_bytes += bytes;
}

static void advance(struct files_diff *d)
{
	d->has_listed = d->next(d->next_arg, &d->listed);
}

void files_diff_begin(struct files_diff *d, bool (*next)(void *, struct files_entry *), void *arg)
{
	*d = (struct files_diff){.next = next, .next_arg = arg};
	advance(d);
}

void files_diff_see(struct files_diff *d, const struct files_entry *there)
{
	while (d->has_listed && files_path_compare(d->listed.path, there->path) < 0) {
		note(d, "removed", d->listed.path);
		advance(d);
	}
	if (!d->has_listed || files_path_compare(d->listed.path, there->path) > 0) {
		note(d, "added", there->path);
		return;
	}
	if (d->listed.hash != there->hash)
		note(d, "changed", there->path);
	else
		d->same++;
	advance(d);
}

void files_diff_end(struct files_diff *d)
{
	for (; d->has_listed; advance(d))
		note(d, "removed", d->listed.path);
}
