/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify - the result of comparing the kept files, which the node agent wrote, as text
 */
#include "cli/core/verify.h"

#include <string.h>

#include "cli/core/lines.h"
#include "lib/kube/client/object.h"

bool verify_is_done(const json_t *instance, const char *order)
{
	return strcmp(json_str_at(instance, "", "status", "rootfs", "verified", "order", NULL),
	              order) == 0;
}

/* What stands in the way of a start, whatever the comparison says. */
static void add_refusal(json_t *lines, const json_t *rootfs)
{
	const char *reason = json_str_at(rootfs, "", "reason", NULL);

	if (strcmp(json_str_at(rootfs, "", "state", NULL), "Failed") == 0)
		lines_add(lines, "A start is refused: %s: %s", reason,
		          json_str_at(rootfs, "", "message", NULL));
}

static void add_differences(json_t *lines, const json_t *verified)
{
	const char *text = json_str_at(verified, "", "message", NULL);
	int64_t count = json_int_at(verified, 0, "differences", NULL);
	int64_t shown = 0;

	while (*text != '\0') {
		int bytes = (int)strcspn(text, "\n");

		lines_add(lines, "  %.*s", bytes, text);
		text += bytes + (text[bytes] == '\n');
		shown++;
	}
	if (count > shown)
		lines_add(lines, "  and %lld more", (long long)(count - shown));
}

json_t *verify_lines(const json_t *instance, const char *name, bool *ret_is_same)
{
	const json_t *rootfs = json_at(instance, "status", "rootfs", NULL);
	const json_t *v = json_at(rootfs, "verified", NULL);
	const char *result = json_str_at(v, "", "result", NULL);
	const char *generation = json_str_at(v, "", "generation", NULL);
	long long files = (long long)json_int_at(v, 0, "files", NULL);
	json_t *lines = json_array();

	*ret_is_same = strcmp(result, "Same") == 0;
	if (*ret_is_same) {
		lines_add(lines, "%s: %lld files and folders are as generation %s was left", name,
		          files, generation);
	} else if (strcmp(result, "Differs") == 0) {
		lines_add(lines, "%s: %lld of its files are not as generation %s was left:", name,
		          (long long)json_int_at(v, 0, "differences", NULL), generation);
		add_differences(lines, v);
	} else if (strcmp(result, "InUse") == 0) {
		lines_add(lines,
		          "%s runs, and so its files change; stop it first: kubectl sc stop %s",
		          name, name);
	} else {
		lines_add(lines, "%s: %s: %s", name, result,
		          json_str_at(v, "no word of why", "message", NULL));
	}
	if (strcmp(generation, "") != 0 &&
	    strcmp(generation, json_str_at(rootfs, "", "filesGeneration", NULL)) != 0)
		lines_add(lines, "The list is of generation %s; the last that was left is %s.",
		          generation, json_str_at(rootfs, "none", "filesGeneration", NULL));
	add_refusal(lines, rootfs);
	return lines;
}
