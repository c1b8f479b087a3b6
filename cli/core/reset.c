/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reset - whether a container's kept files may be dropped, and for which image
 */
#include "cli/core/reset.h"

#include <stdio.h>
#include <string.h>

#include "lib/kube/client/object.h"

/* The agent's message ends in the command that would do it: "…/reset-rootfs=DIGEST". */
static const char *digest_in(const char *message)
{
	static const char mark[] = "/reset-rootfs=";
	const char *at = strstr(message, mark);

	return at != NULL ? at + sizeof mark - 1 : "";
}

int reset_check(const json_t *instance, char digest[RESET_DIGEST_BYTES], struct err *err)
{
	const json_t *rootfs = json_at(instance, "status", "rootfs", NULL);
	const char *reason = json_str_at(rootfs, "", "reason", NULL);
	const char *name = kube_name(instance);
	const char *found = digest_in(json_str_at(rootfs, "", "message", NULL));
	size_t bytes = strcspn(found, " ;,\n");

	if (strcmp(json_str_at(rootfs, "", "state", NULL), "Failed") != 0 ||
	    (strcmp(reason, "DigestChanged") != 0 && strcmp(reason, "RecordCorrupt") != 0))
		return err_set(
		        err, ERR_INVALID, 0,
		        "%s needs no reset: its files are %s, and only DigestChanged and "
		        "RecordCorrupt are mended by one; to begin anew all the same, delete "
		        "and create it",
		        name, *reason != '\0' ? reason : "not in trouble");
	if (strncmp(found, "sha256:", 7) != 0 || bytes >= RESET_DIGEST_BYTES)
		return err_set(err, ERR_INVALID, 0,
		               "%s: the node agent does not say yet which image it would begin "
		               "anew from; wait until its provider Pod runs: kubectl sc events %s",
		               name, name);
	(void)snprintf(digest, RESET_DIGEST_BYTES, "%.*s", (int)bytes, found);
	return 0;
}
