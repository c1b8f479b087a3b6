/* SPDX-License-Identifier: Apache-2.0 */
/*
 * await - waits until an object of the API server is in a wanted state
 */
#include "cli/io/await.h"

#include <stdio.h>
#include <string.h>

#include "lib/api/kinds.h"
#include "lib/base/clk.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"
#include "lib/text/json_ref.h"

struct awaiting {
	const struct await *what;
	json_t *object;
	bool seen;
	char why[GOAL_WHY_BYTES];
};

static int awaiting_look(struct awaiting *a, const json_t *object, struct err *err)
{
	const struct await *w = a->what;

	if (object != NULL && w->uid != NULL && strcmp(kube_uid(object), w->uid) != 0)
		object = NULL;
	a->seen |= object != NULL;
	json_decref(a->object);
	a->object = json_incref(json_ref(object));
	switch (goal_check(w->goal, object, a->why)) {
	case GOAL_MET:
		return 1;
	case GOAL_NOT_YET:
		return 0;
	case GOAL_NEVER:
		break;
	}
	if (object == NULL)
		return err_set(err, ERR_NOT_FOUND, 0, "%s: %s", w->name,
		               a->seen ? "it was deleted meanwhile"
		                       : "there is none of that name here; \"kubectl sc list -A\" "
		                         "shows all");
	return err_set(err, ERR_INVALID, 0, "%s: %s; \"kubectl sc why %s\" says what to do",
	               w->name, a->why, w->name);
}

static int on_list(void *arg, const json_t *items, struct err *err)
{
	return awaiting_look(arg, json_array_get(items, 0), err);
}

static int on_event(void *arg, enum kube_watch_event event, json_t *object, struct err *err)
{
	return awaiting_look(arg, event != KUBE_WATCH_DELETED ? object : NULL, err);
}

int await_goal(struct session *s, const struct await *what, json_t **ret_object, struct err *err)
{
	struct awaiting a = {.what = what};
	char field[300], limit[32];
	const struct session_follow follow = {
	        .type = &KUBE_STOPPABLECONTAINERS,
	        .ns = session_namespace(s),
	        .field_selector = field,
	        .deadline_ms = what->timeout_ms > 0 ? clk_now_ms() + what->timeout_ms : 0,
	        .on_list = on_list,
	        .on_event = on_event,
	        .arg = &a,
	};
	int r;

	(void)snprintf(field, sizeof field, "metadata.name=%.253s", what->name);
	r = session_follow(s, &follow, err);
	if (r < 0 && err->code == ERR_TIMEOUT && session_interrupted(s) == 0 && a.seen)
		(void)err_set(err, ERR_TIMEOUT, 0,
		              "%s: not %s after %s (%s); \"kubectl sc why %s\" says what it waits "
		              "for",
		              what->name, what->goal->word,
		              num_format_duration(what->timeout_ms, limit, sizeof limit), a.why,
		              what->name);
	if (r == 0 && ret_object != NULL)
		*ret_object = TAKE_PTR(a.object);
	json_decref(a.object);
	return r;
}
