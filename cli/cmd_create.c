/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create - a StoppableContainer from flags
 */
#include <string.h>

#include "cli/commands.h"
#include "cli/core/manifest.h"
#include "cli/io/print.h"
#include "lib/api/kinds.h"
#include "lib/api/names.h"
#include "lib/kube/client/object.h"

DEFINE_CLEANUP(json_t *, json_decref);

int cmd_create(struct session *s, struct err *err)
{
	const struct args *args = session_args(s);
	const char *format = args->output != NULL ? args->output : "";
	bool dry = args->dry_run != NULL && strcmp(args->dry_run, "client") == 0;
	CLEANUP(json_decref_var) json_t *object = NULL;
	CLEANUP(json_decref_var) json_t *made = NULL;

	if (manifest_of(args, session_namespace(s), &object, err) < 0)
		return -1;
	if (!dry && session_create(s, &KUBE_STOPPABLECONTAINERS, object, &made, err) < 0)
		return err_wrap(err, "%s", args->operands[0]);
	sc_tidy(made);
	if (strcmp(format, "name") == 0)
		return print_text(err, "stoppablecontainer.%s/%s", SC_GROUP, kube_name(object));
	if (*format != '\0')
		return print_object(dry ? object : made, format, err);
	return print_text(err, "%s created%s", kube_name(object),
	                  dry ? " (dry run: nothing was sent)" : "");
}
