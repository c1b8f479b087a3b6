/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delete - the container with its files
 */
#include <string.h>

#include "cli/commands.h"
#include "cli/io/await.h"
#include "cli/io/print.h"
#include "lib/api/kinds.h"
#include "lib/api/names.h"
#include "lib/kube/client/object.h"

DEFINE_CLEANUP(json_t *, json_decref);

/* The consumer Pod without its grace period. One that is not there is fine. */
static int end_process(struct session *s, const json_t *object, struct err *err)
{
	const char *pod = json_str_at(object, "", "status", "consumerPodName", NULL);
	const struct kube_delete_opts at_once = {.grace_period_s = 0};

	if (*pod == '\0')
		return 0;
	if (session_delete(s, &KUBE_PODS, pod, &at_once, err) < 0 && err->code != ERR_NOT_FOUND)
		return err_wrap(err, "Pod %s", pod);
	return 0;
}

/* Tell the controller that the node with the files does not come back. */
static int abandon(struct session *s, const json_t *object, struct err *err)
{
	CLEANUP(json_decref_var)
	json_t *patch = json_pack("{s{s{ss}}}", "metadata", "annotations",
	                          SC_GROUP "/abandon-rootfs", "true");
	const char *instance =
	        json_str_at(object, kube_name(object), "status", "instanceName", NULL);
	const struct kube_ref ref = session_ref(s, &KUBE_STOPPABLECONTAINERINSTANCES, instance);

	if (session_patch(s, &ref, patch, NULL, err) < 0 && err->code != ERR_NOT_FOUND)
		return err_wrap(err, "%s", instance);
	return 0;
}

static int delete_one(struct session *s, const char *name, struct err *err)
{
	static const struct goal gone = {GOAL_DELETED, "deleted", ""};
	const struct args *args = session_args(s);
	CLEANUP(json_decref_var) json_t *object = NULL;
	struct kube_delete_opts opts = {.grace_period_s = -1};
	struct await what = {.name = name, .timeout_ms = args->timeout_ms, .goal = &gone};

	if (sc_get(s, name, &object, err) < 0)
		return -1;
	opts.uid = kube_uid(object);
	what.uid = opts.uid;
	if (session_delete(s, &KUBE_STOPPABLECONTAINERS, name, &opts, err) < 0)
		return err_wrap(err, "%s", name);
	if (args->abandon && abandon(s, object, err) < 0)
		return -1;
	if (args->force && end_process(s, object, err) < 0)
		return -1;
	if (!args->wait)
		return print_text(err, "%s is being deleted", name);
	if (await_goal(s, &what, NULL, err) < 0)
		return -1;
	return print_text(err, "%s deleted", name);
}

int cmd_delete(struct session *s, struct err *err)
{
	return sc_each(s, delete_one, err);
}
