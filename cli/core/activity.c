/* SPDX-License-Identifier: Apache-2.0 */
/*
 * activity - when a container was last used, as its status says
 */
#include "cli/core/activity.h"

#include <string.h>

#include "lib/base/num.h"
#include "lib/kube/client/object.h"

/* Conditions are written in whole seconds, and by another program's clock. */
enum { ACTIVITY_SLACK_MS = 2000 };

static uint64_t time_at(const json_t *from, const char *key)
{
	uint64_t ms = 0;

	if (num_parse_rfc3339(json_str_at(from, "", key, NULL), &ms, NULL) < 0)
		return 0;
	return ms;
}

/* When it became Ready, of one that is. */
static uint64_t start_time(const json_t *object)
{
	const json_t *ready = kube_condition(object, "Ready");

	if (!json_bool_at(object, false, "spec", "running", NULL) ||
	    strcmp(json_str_at(ready, "", "status", NULL), "True") != 0)
		return 0;
	return time_at(ready, "lastTransitionTime");
}

bool activity_last(const json_t *object, struct activity *ret_activity)
{
	const json_t *idle = json_at(object, "status", "idle", NULL);
	uint64_t noted_ms = time_at(idle, "lastActivityTime");
	uint64_t wake_ms = time_at(json_at(object, "status", "activation", NULL), "lastWakeTime");
	uint64_t start_ms = start_time(object);
	struct activity a = {noted_ms, json_str_at(idle, "", "lastActivitySource", NULL), true};

	if (start_ms > a.wall_ms + ACTIVITY_SLACK_MS)
		a = (struct activity){start_ms, "start", false};
	if (wake_ms > a.wall_ms + ACTIVITY_SLACK_MS)
		a = (struct activity){wake_ms, "the request that woke it", false};
	*ret_activity = a;
	return a.wall_ms != 0;
}
