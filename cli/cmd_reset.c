/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reset - drop the kept files, when they cannot be used any more
 *
 * The order is an annotation on the instance that names the image to begin anew with
 * (docs/protocols.md); its agent takes it away when that is done.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/core/reset.h"
#include "cli/io/print.h"
#include "lib/api/kinds.h"
#include "lib/api/names.h"
#include "lib/kube/client/object.h"

DEFINE_CLEANUP(json_t *, json_decref);

enum { ANSWER_BYTES = 300 };

/* Ask, by the name: a mistaken "y" must not cost files. Return: 0 yes; negative with err set. */
static int ask(const char *name, const char *path, struct err *err)
{
	char answer[ANSWER_BYTES] = "";

	if (isatty(STDIN_FILENO) != 1)
		return err_set(err, ERR_INVALID, 0,
		               "reset drops files for good, and there is no terminal to ask at; "
		               "give --yes if that is meant");
	fprintf(stderr,
	        "This drops all that %s has written (%s), for good.\nType its name to go on: ",
	        name, path);
	if (fgets(answer, sizeof answer, stdin) != NULL)
		answer[strcspn(answer, "\n")] = '\0';
	if (strcmp(answer, name) == 0)
		return 0;
	return err_set(err, ERR_INVALID, 0, "nothing was done");
}

int cmd_reset(struct session *s, struct err *err)
{
	struct kube_ref ref;
	const struct args *args = session_args(s);
	const char *name = args->operands[0];
	CLEANUP(json_decref_var) json_t *instance = NULL;
	CLEANUP(json_decref_var) json_t *patch = NULL;
	char digest[RESET_DIGEST_BYTES];

	if (sc_get_instance(s, name, &instance, err) < 0)
		return -1;
	if (reset_check(instance, digest, err) < 0)
		return -1;
	if (!args->yes &&
	    ask(name, json_str_at(instance, "its files", "status", "rootfs", "hostPath", NULL),
	        err) < 0)
		return -1;
	/* of this very object, as it was read: not of one that changed meanwhile */
	patch = json_pack("{s{ss s{ss}}}", "metadata", "resourceVersion",
	                  kube_resource_version(instance), "annotations", SC_GROUP "/reset-rootfs",
	                  digest);
	ref = session_ref(s, &KUBE_STOPPABLECONTAINERINSTANCES, kube_name(instance));
	if (session_patch(s, &ref, patch, NULL, err) < 0)
		return err_wrap(err, "%s", name);
	return print_text(err, "%s begins anew from image %s", name, digest);
}
