/* SPDX-License-Identifier: Apache-2.0 */
/*
 * goal - the states that "wait --for" can wait for, and whether an object is in one
 */
#pragma once

#include <jansson.h>

#include "lib/base/err.h"

enum goal_kind { GOAL_UNSET, GOAL_CONDITION, GOAL_PHASE, GOAL_DELETED };

struct goal {
	enum goal_kind kind;
	char word[64];   /* the condition's type, or the phase */
	char status[16]; /* of the condition */
};

enum goal_answer {
	GOAL_NOT_YET,
	GOAL_MET,
	GOAL_NEVER, /* it will not come by itself: it failed, or it is gone */
};

/** goal_parse() - "Ready", "Stopped", "Deleted", "condition=T[=S]", "phase=P" */
int goal_parse(const char *text, struct goal *ret_goal, struct err *err);

enum { GOAL_WHY_BYTES = 500 };

/**
 * goal_check() - @object: NULL when there is none
 * Only a status of the object's newest generation counts. @why: how it stands, for people.
 */
enum goal_answer goal_check(const struct goal *goal, const json_t *object,
                            char why[GOAL_WHY_BYTES]);
