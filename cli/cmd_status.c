/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status, why, url - what is known of one container
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/core/why.h"
#include "cli/io/print.h"
#include "lib/base/clk.h"
#include "lib/kube/client/object.h"

DEFINE_CLEANUP(json_t *, json_decref);

enum { WHERE_BYTES = 300 };

int cmd_status(struct session *s, struct err *err)
{
	const struct args *args = session_args(s);
	CLEANUP(json_decref_var) json_t *object = NULL;

	if (sc_get(s, args->operands[0], &object, err) < 0)
		return -1;
	if (args->output != NULL)
		return print_object(object, args->output, err);
	return print_lines(status_lines(object, clk_wall_ms()), err);
}

int cmd_why(struct session *s, struct err *err)
{
	const struct args *args = session_args(s);
	CLEANUP(json_decref_var) json_t *object = NULL;
	char where[WHERE_BYTES] = "";

	if (sc_get(s, args->operands[0], &object, err) < 0)
		return -1;
	if (args->ns != NULL)
		(void)snprintf(where, sizeof where, " -n %s", args->ns);
	return print_lines(why_lines(object, where, clk_wall_ms()), err);
}

int cmd_url(struct session *s, struct err *err)
{
	const char *name = session_args(s)->operands[0];
	CLEANUP(json_decref_var) json_t *object = NULL;
	const json_t *condition;
	const char *url;

	if (sc_get(s, name, &object, err) < 0)
		return -1;
	url = json_str_at(object, "", "status", "activation", "url", NULL);
	if (*url != '\0')
		return print_text(err, "%s", url);
	condition = kube_condition(object, "Activatable");
	return err_set(err, ERR_INVALID, 0, "%s has no URL%s%s; \"kubectl sc why %s\" says more",
	               name, condition != NULL ? ": " : " yet",
	               json_str_at(condition, "", "reason", NULL), name);
}
