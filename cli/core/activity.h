/* SPDX-License-Identifier: Apache-2.0 */
/*
 * activity - when a container was last used, as its status says
 *
 * The idle-monitor writes status.idle up to five seconds after a start, so that many starts do not
 * wait for such writes. Until then the wake or the start counts as the last activity.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct activity {
	uint64_t wall_ms;
	const char *source; /* borrowed of the object, or static; "" when not known */
	bool is_noted;      /* status.idle is of this activity, and so is its stopAt */
};

/** activity_last() - Return: false when the status has none */
bool activity_last(const json_t *object, struct activity *ret_activity);
