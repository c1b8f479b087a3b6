/* SPDX-License-Identifier: Apache-2.0 */
/*
 * making - one plan while it is made: what its steps read, and the actions that they add
 */
#pragma once

#include "controller/core/plan.h"

/* What the steps share; lives for one plan_make(). */
struct making {
	const struct observed *seen;
	const struct facts *f;
	struct memory *memory;
	const struct plan_config *config;
	const struct status_times *now;
	struct plan *plan;
	bool starting;
	bool patching; /* the instance is there, and its spec follows the container's */
};

/** making_add() - one more action, in this order. Takes @body. Return: the action, borrowed */
struct plan_action *making_add(struct making *m, enum plan_verb verb, enum plan_on on,
                               const char *name, json_t *body);

/**
 * making_patch() - takes @body; NULL: nothing to do
 * With the UID in it the patch is refused when the name is another object's by now (API concepts,
 * "Resource UID"): it is of the one that was seen, or of none.
 */
void making_patch(struct making *m, enum plan_verb verb, enum plan_on on, const json_t *object,
                  json_t *body);

/** making_delete() - unless it is being deleted; by its UID */
void making_delete(struct making *m, enum plan_on on, const json_t *object);

/** making_look_again_at() - plan anew at that time, if nothing changes earlier */
void making_look_again_at(struct making *m, uint64_t at_ms);

/** making_is_held() - it went wrong and is not to be tried now; looks again when it may be */
bool making_is_held(struct making *m, enum held what);
