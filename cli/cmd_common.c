/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_common - what several verbs of the plugin do
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/core/lines.h"
#include "lib/api/kinds.h"
#include "lib/kube/client/object.h"

DEFINE_CLEANUP(json_t *, json_decref);

/* An object that is not there: say where else it may be. */
static int explain(const struct session *s, const char *name, struct err *err)
{
	char text[sizeof err->text];

	if (err->code != ERR_NOT_FOUND)
		return err_wrap(err, "%s", name);
	(void)snprintf(text, sizeof text, "%.300s", err->text);
	return err_set(err, ERR_NOT_FOUND, 0,
	               "%s: not in namespace %s (%.200s); \"kubectl sc list -A\" shows all", name,
	               session_namespace(s), text);
}

void sc_tidy(json_t *object)
{
	(void)json_object_del(json_object_get(object, "metadata"), "managedFields");
}

int sc_get(struct session *s, const char *name, json_t **ret_object, struct err *err)
{
	if (session_get(s, &KUBE_STOPPABLECONTAINERS, name, ret_object, err) < 0)
		return explain(s, name, err);
	sc_tidy(*ret_object);
	return 0;
}

int sc_get_instance(struct session *s, const char *name, json_t **ret_instance, struct err *err)
{
	CLEANUP(json_decref_var) json_t *object = NULL;

	if (sc_get(s, name, &object, err) < 0)
		return -1;
	if (session_get(s, &KUBE_STOPPABLECONTAINERINSTANCES,
	                json_str_at(object, name, "status", "instanceName", NULL), ret_instance,
	                err) < 0)
		return err_wrap(err, "%s has no instance, hence no kept files", name);
	return 0;
}

int sc_set_running(struct session *s, const char *name, bool running, json_t **ret_object,
                   struct err *err)
{
	json_t *before = NULL, *after = NULL;
	const struct kube_ref ref = session_ref(s, &KUBE_STOPPABLECONTAINERS, name);
	json_t *patch = json_pack("{s{sb}}", "spec", "running", running);
	bool was;
	int r = sc_get(s, name, &before, err);

	was = r == 0 && json_bool_at(before, false, "spec", "running", NULL) == running;
	if (r == 0 && !was)
		r = session_patch(s, &ref, patch, &after, err);
	json_decref(patch);
	if (r == 0 && ret_object != NULL)
		*ret_object = json_incref(after != NULL ? after : before);
	json_decref(before);
	json_decref(after);
	return r < 0 ? -1 : was;
}

int sc_each(struct session *s, int (*one)(struct session *s, const char *name, struct err *err),
            struct err *err)
{
	const struct args *args = session_args(s);
	struct err first = {0};

	for (size_t i = 0; i < args->operands_count && session_interrupted(s) == 0; i++) {
		struct err why = {0};

		if (one(s, args->operands[i], &why) == 0)
			continue;
		/* the last one's words are main()'s to print */
		if (first.code != ERR_NONE) {
			line_clean(first.text);
			fprintf(stderr, "error: %s\n", first.text);
			first = (struct err){.code = first.code};
			(void)snprintf(first.text, sizeof first.text, "%s", why.text);
		} else {
			first = why;
		}
	}
	if (first.code == ERR_NONE)
		return 0;
	return err_set(err, first.code, 0, "%s", first.text);
}
