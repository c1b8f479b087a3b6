/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start, stop, wait - change whether it runs, and wait for what was asked for
 */
#include <string.h>

#include "cli/commands.h"
#include "cli/io/await.h"
#include "cli/io/print.h"
#include "lib/kube/client/object.h"

DEFINE_CLEANUP(json_t *, json_decref);

static int power_wait(struct session *s, const json_t *object, const struct goal *goal,
                      struct err *err)
{
	const struct await what = {kube_name(object), kube_uid(object), session_args(s)->timeout_ms,
	                           goal};

	if (await_goal(s, &what, NULL, err) < 0)
		return -1;
	return print_text(err, "%s is %s", what.name, goal->word);
}

static int start_one(struct session *s, const char *name, struct err *err)
{
	static const struct goal ready = {GOAL_CONDITION, "Ready", "True"};
	CLEANUP(json_decref_var) json_t *object = NULL;
	int r = sc_set_running(s, name, true, &object, err);

	if (r < 0 || print_text(err, "%s %s", name, r == 1 ? "was started already" : "starts") < 0)
		return -1;
	return session_args(s)->wait ? power_wait(s, object, &ready, err) : 0;
}

static int stop_one(struct session *s, const char *name, struct err *err)
{
	static const struct goal stopped = {GOAL_PHASE, "Stopped", ""};
	CLEANUP(json_decref_var) json_t *object = NULL;
	int r = sc_set_running(s, name, false, &object, err);

	if (r < 0 || print_text(err, "%s %s", name, r == 1 ? "was stopped already" : "stops") < 0)
		return -1;
	return session_args(s)->wait ? power_wait(s, object, &stopped, err) : 0;
}

static int wait_one(struct session *s, const char *name, struct err *err)
{
	const struct args *args = session_args(s);
	struct goal goal;
	const struct await what = {name, NULL, args->timeout_ms, &goal};

	if (goal_parse(args->goal, &goal, err) < 0 || await_goal(s, &what, NULL, err) < 0)
		return -1;
	if (goal.kind == GOAL_CONDITION && strcmp(goal.status, "True") != 0)
		return print_text(err, "%s: %s is %s", name, goal.word, goal.status);
	return print_text(err, "%s is %s", name, goal.kind == GOAL_DELETED ? "gone" : goal.word);
}

int cmd_start(struct session *s, struct err *err)
{
	return sc_each(s, start_one, err);
}

int cmd_stop(struct session *s, struct err *err)
{
	return sc_each(s, stop_one, err);
}

int cmd_wait(struct session *s, struct err *err)
{
	return sc_each(s, wait_one, err);
}
