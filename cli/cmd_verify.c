/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify - compare the kept files with the list of them that the last stop left
 *
 * The order is an annotation on the instance; the node agent, which alone reads the files, answers
 * in its status (docs/protocols.md).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/core/verify.h"
#include "cli/io/print.h"
#include "lib/api/kinds.h"
#include "lib/api/names.h"
#include "lib/base/clk.h"
#include "lib/kube/client/object.h"

DEFINE_CLEANUP(json_t *, json_decref);

struct verifying {
	char order[32];
	json_t *instance;
};

static int verifying_look(struct verifying *v, json_t *instance, struct err *err)
{
	if (instance == NULL)
		return err_set(err, ERR_NOT_FOUND, 0, "it was deleted meanwhile");
	if (!verify_is_done(instance, v->order))
		return 0;
	v->instance = json_incref(instance);
	return 1;
}

static int on_list(void *arg, const json_t *items, struct err *err)
{
	return verifying_look(arg, json_array_get(items, 0), err);
}

static int on_event(void *arg, enum kube_watch_event event, json_t *object, struct err *err)
{
	return verifying_look(arg, event != KUBE_WATCH_DELETED ? object : NULL, err);
}

static int await_answer(struct session *s, const json_t *instance, struct verifying *v,
                        struct err *err)
{
	char field[300];
	const struct session_follow follow = {
	        .type = &KUBE_STOPPABLECONTAINERINSTANCES,
	        .ns = session_namespace(s),
	        .field_selector = field,
	        .deadline_ms = session_args(s)->timeout_ms > 0
	                               ? clk_now_ms() + session_args(s)->timeout_ms
	                               : 0,
	        .on_list = on_list,
	        .on_event = on_event,
	        .arg = v,
	};
	int r;

	(void)snprintf(field, sizeof field, "metadata.name=%.253s", kube_name(instance));
	r = session_follow(s, &follow, err);
	if (r < 0 && err->code == ERR_TIMEOUT && session_interrupted(s) == 0)
		(void)err_set(err, ERR_TIMEOUT, 0,
		              "the agent of node %s has not answered; is it running?",
		              json_str_at(instance, "?", "status", "rootfs", "nodeName", NULL));
	return r;
}

int cmd_verify(struct session *s, struct err *err)
{
	struct kube_ref ref;
	const char *name = session_args(s)->operands[0];
	CLEANUP(json_decref_var) json_t *instance = NULL;
	CLEANUP(json_decref_var) json_t *patch = NULL;
	struct verifying v = {0};
	bool is_same;
	int r;

	if (sc_get_instance(s, name, &instance, err) < 0)
		return -1;
	(void)snprintf(v.order, sizeof v.order, "%" PRIu64, clk_wall_ms());
	patch = json_pack("{s{s{ss}}}", "metadata", "annotations", SC_ANNOTATION_VERIFY, v.order);
	ref = session_ref(s, &KUBE_STOPPABLECONTAINERINSTANCES, kube_name(instance));
	if (session_patch(s, &ref, patch, NULL, err) < 0 || await_answer(s, instance, &v, err) < 0)
		return err_wrap(err, "%s", name);
	r = print_lines(verify_lines(v.instance, name, &is_same), err);
	json_decref(v.instance);
	if (r < 0 || is_same)
		return r;
	return err_set(err, ERR_INVALID, 0, "%s: not proven the same", name);
}
