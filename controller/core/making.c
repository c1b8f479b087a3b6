/* SPDX-License-Identifier: Apache-2.0 */
/*
 * making - one plan while it is made: what its steps read, and the actions that they add
 */
#include "controller/core/making.h"

#include <assert.h>
#include <stdio.h>

#include "lib/kube/client/object.h"

struct plan_action *making_add(struct making *m, enum plan_verb verb, enum plan_on on,
                               const char *name, json_t *body)
{
	struct plan_action *a;

	assert(m->plan->actions_count < PLAN_ACTIONS_MAX);
	a = &m->plan->actions[m->plan->actions_count++];
	a->verb = verb;
	a->on = on;
	a->body = body;
	(void)snprintf(a->name, sizeof a->name, "%s", name);
	return a;
}

void making_patch(struct making *m, enum plan_verb verb, enum plan_on on, const json_t *object,
                  json_t *body)
{
	json_t *metadata = json_object_get(body, "metadata");

	if (body == NULL)
		return;
	assert(object != NULL);
	if (metadata == NULL) {
		metadata = json_object();
		(void)json_object_set_new(body, "metadata", metadata);
	}
	(void)json_object_set_new(metadata, "uid", json_string(kube_uid(object)));
	(void)making_add(m, verb, on, kube_name(object), body);
}

void making_delete(struct making *m, enum plan_on on, const json_t *object)
{
	struct plan_action *a;

	if (kube_is_deleting(object))
		return;
	if (on == PLAN_ON_POD && !memory_doom(m->memory, kube_uid(object)))
		return;
	a = making_add(m, PLAN_DELETE, on, kube_name(object), NULL);
	(void)snprintf(a->uid, sizeof a->uid, "%s", kube_uid(object));
}

void making_look_again_at(struct making *m, uint64_t at_ms)
{
	uint64_t wait_ms = at_ms > m->now->now_ms ? at_ms - m->now->now_ms : 1;

	if (m->plan->again_ms == 0 || wait_ms < m->plan->again_ms)
		m->plan->again_ms = wait_ms;
}

bool making_is_held(struct making *m, enum held what)
{
	if (!memory_is_held(m->memory, what, m->f->generation, m->now->now_ms))
		return false;
	making_look_again_at(m, m->memory->held[what].until_ms);
	return true;
}
