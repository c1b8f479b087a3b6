/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version - ours, and which versions of our API the server has
 */
#include <string.h>

#include "cli/commands.h"
#include "cli/io/print.h"
#include "lib/api/names.h"
#include "lib/kube/client/object.h"

DEFINE_CLEANUP(json_t *, json_decref);

int cmd_version(struct session *s, struct err *err)
{
	const struct args *args = session_args(s);
	CLEANUP(json_decref_var) json_t *server = NULL;
	CLEANUP(json_decref_var) json_t *group = NULL;
	CLEANUP(json_decref_var) json_t *all = NULL;
	const char *api;

	if (args->output == NULL &&
	    print_text(err, "kubectl-sc %s (API %s)", SC_VERSION, SC_VERSION_V1ALPHA1) < 0)
		return -1;
	if (session_get_path(s, "/version", &server, err) < 0)
		return err_wrap(err, "server");
	if (session_get_path(s, "/apis/" SC_GROUP, &group, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		return err_set(err, ERR_NOT_FOUND, 0,
		               "the server %s has no %s; install the CRDs, or see --context",
		               json_str_at(server, "", "gitVersion", NULL), SC_GROUP);
	}
	api = json_str_at(group, "", "preferredVersion", "version", NULL);
	if (args->output == NULL)
		return print_text(err, "server %s (API %s)",
		                  json_str_at(server, "", "gitVersion", NULL), api);
	all = json_pack("{s{ss ss} s{ss ss}}", "client", "version", SC_VERSION, "api",
	                SC_VERSION_V1ALPHA1, "server", "version",
	                json_str_at(server, "", "gitVersion", NULL), "api", api);
	return print_object(all, args->output, err);
}
