/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check - finds wrong values on the command line before the API server is asked
 */
#include "cli/core/check.h"

#include <string.h>

#include "cli/core/goal.h"
#include "cli/core/kubectl.h"
#include "cli/core/manifest.h"

static int check_create(const struct args *args, struct err *err)
{
	json_t *object = NULL;

	if (manifest_of(args, "default", &object, err) < 0)
		return -1;
	json_decref(object);
	return 0;
}

int args_check(const struct args *args, struct err *err)
{
	const struct kubectl_pod nowhere = {"", "", ""};
	struct kubectl_cp cp;
	struct goal goal;
	struct kubectl k;

	if (args->verb == VERB_CREATE)
		return check_create(args, err);
	if (args->verb == VERB_WAIT)
		return goal_parse(args->goal, &goal, err);
	if (args->verb == VERB_LOGS)
		return kubectl_logs(args, &nowhere, &k, err);
	if (args->verb == VERB_CP)
		return kubectl_cp_parse(args->operands[0], args->operands[1], &cp, err);
	return 0;
}
