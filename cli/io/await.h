/* SPDX-License-Identifier: Apache-2.0 */
/*
 * await - waits until an object of the API server is in a wanted state
 */
#pragma once

#include "cli/core/goal.h"
#include "cli/io/session.h"

struct await {
	const char *name;
	const char *uid;     /* only this one; another of that name counts as none; NULL: any */
	uint64_t timeout_ms; /* 0: without end */
	const struct goal *goal;
};

/**
 * await_goal() - @ret_object: the object as it then was, new reference; NULL when it is gone;
 *                may be NULL
 * Return: 0 met; negative: ERR_TIMEOUT, ERR_NOT_FOUND, ERR_INVALID (it failed), …
 */
int await_goal(struct session *s, const struct await *what, json_t **ret_object, struct err *err);
