/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child - when a program that ended is started again: the table
 */
#include "local/engine/core/child.h"

#include <assert.h>

struct child_rule {
	enum child_state next;
	unsigned actions;
};

/* clang-format off */
static const struct child_rule rules[CHILD_STATES_COUNT][CHILD_EVENTS_COUNT] = {
	[CHILD_DOWN] = {
		[CHILD_EV_START]    = { CHILD_STARTING, CHILD_DO_SPAWN },
		[CHILD_EV_ANSWERED] = { CHILD_DOWN, 0 },
		[CHILD_EV_ENDED]    = { CHILD_DOWN, 0 },
		[CHILD_EV_STOP]     = { CHILD_DOWN, 0 },
	},
	[CHILD_STARTING] = {
		[CHILD_EV_START]    = { CHILD_STARTING, 0 },
		[CHILD_EV_ANSWERED] = { CHILD_READY, 0 },
		[CHILD_EV_ENDED]    = { CHILD_BACKOFF, CHILD_DO_ARM },
		[CHILD_EV_STOP]     = { CHILD_STOPPING, CHILD_DO_TERM },
	},
	[CHILD_READY] = {
		[CHILD_EV_START]    = { CHILD_READY, 0 },
		[CHILD_EV_ANSWERED] = { CHILD_READY, 0 },
		[CHILD_EV_ENDED]    = { CHILD_BACKOFF, CHILD_DO_ARM },
		[CHILD_EV_STOP]     = { CHILD_STOPPING, CHILD_DO_TERM },
	},
	[CHILD_BACKOFF] = {
		[CHILD_EV_START]    = { CHILD_STARTING, CHILD_DO_SPAWN },
		[CHILD_EV_ANSWERED] = { CHILD_BACKOFF, 0 },
		[CHILD_EV_ENDED]    = { CHILD_BACKOFF, 0 },
		[CHILD_EV_STOP]     = { CHILD_DOWN, 0 },
	},
	[CHILD_STOPPING] = {
		[CHILD_EV_START]    = { CHILD_STOPPING, 0 },
		[CHILD_EV_ANSWERED] = { CHILD_STOPPING, 0 },
		[CHILD_EV_ENDED]    = { CHILD_DOWN, 0 },
		[CHILD_EV_STOP]     = { CHILD_STOPPING, 0 },
	},
};
/* clang-format on */

const char *child_state_name(enum child_state state)
{
	static const char *const names[CHILD_STATES_COUNT] = {[CHILD_UNSET] = "unset",
#define X(name, text) [CHILD_##name] = (text),
	                                                      CHILD_STATES(X)
#undef X
	};

	return names[state];
}

void child_init(struct child *c)
{
	*c = (struct child){.state = CHILD_DOWN};
}

unsigned child_step(struct child *c, enum child_event ev, uint64_t now_ms)
{
	const struct child_rule *rule = &rules[c->state][ev];

	assert(rule->next != CHILD_UNSET);
	if (rule->actions & CHILD_DO_ARM) {
		if (now_ms - c->started_ms >= CHILD_BACKOFF_FORGET_MS)
			c->backoff_ms = 0;
		c->backoff_ms = c->backoff_ms == 0 ? CHILD_BACKOFF_FIRST_MS : c->backoff_ms * 2;
		if (c->backoff_ms > CHILD_BACKOFF_MAX_MS)
			c->backoff_ms = CHILD_BACKOFF_MAX_MS;
	}
	if (rule->actions & CHILD_DO_SPAWN) {
		if (c->state == CHILD_BACKOFF)
			c->restarts++;
		c->started_ms = now_ms;
	}
	c->state = rule->next;
	return rule->actions;
}
