/* SPDX-License-Identifier: Apache-2.0 */
/*
 * activity - when a container was last used, as far as its status tells
 *
 * The idle-monitor writes status.idle up to five seconds after a start, so that many starts do not
 * wait for such writes. Until then the wake and the start themselves are the later activity.
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

/** activity_last() - Return: false when the status tells of none */
bool activity_last(const json_t *object, struct activity *ret_activity);
