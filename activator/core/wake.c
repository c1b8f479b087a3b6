/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wake - the table of a container's states (cold, waking, ready, …): what each event leads to, and
 * what is to be done then
 */
#include "activator/core/wake.h"

#include <assert.h>

struct wake_rule {
	enum wake_state next;
	unsigned actions;
};

#define STAY(state)                                                                                \
	{                                                                                          \
		WAKE_##state, 0                                                                    \
	}

/* clang-format off */
static const struct wake_rule wake_rules[WAKE_STATES_COUNT][WAKE_EVENTS_COUNT] = {
	[WAKE_COLD] = {
		[WAKE_EV_REQUEST]        = { WAKE_WAKING, WAKE_DO_WAKE | WAKE_DO_HOLD },
		[WAKE_EV_UP]             = { WAKE_READY, 0 },
		[WAKE_EV_STARTING]       = { WAKE_WAKING, 0 },
		[WAKE_EV_STOPPED]        = STAY(COLD),
		[WAKE_EV_STOPPED_HELD]   = { WAKE_WAKING, WAKE_DO_WAKE },
		[WAKE_EV_FAIL]           = { WAKE_FAILED, 0 },
		[WAKE_EV_QUIESCE]        = { WAKE_DRAINING, WAKE_DO_ARM_LEASE },
		[WAKE_EV_LEASE_END]      = STAY(COLD),
		[WAKE_EV_LEASE_END_HELD] = { WAKE_WAKING, WAKE_DO_WAKE },
		[WAKE_EV_GIVEN_UP]       = STAY(COLD),
	},
	[WAKE_WAKING] = {
		[WAKE_EV_REQUEST]        = { WAKE_WAKING, WAKE_DO_HOLD },
		[WAKE_EV_UP]             = { WAKE_READY, WAKE_DO_RELEASE },
		[WAKE_EV_STARTING]       = STAY(WAKING),
		[WAKE_EV_STOPPED]        = { WAKE_COLD, 0 },
		[WAKE_EV_STOPPED_HELD]   = { WAKE_WAKING, WAKE_DO_WAKE },
		[WAKE_EV_FAIL]           = { WAKE_FAILED, WAKE_DO_FAIL_HELD },
		[WAKE_EV_QUIESCE]        = { WAKE_DRAINING, WAKE_DO_ARM_LEASE },
		[WAKE_EV_LEASE_END]      = STAY(WAKING),
		[WAKE_EV_LEASE_END_HELD] = STAY(WAKING),
		[WAKE_EV_GIVEN_UP]       = { WAKE_COLD, 0 },
	},
	[WAKE_READY] = {
		[WAKE_EV_REQUEST]        = { WAKE_READY, WAKE_DO_PASS },
		[WAKE_EV_UP]             = STAY(READY),
		[WAKE_EV_STARTING]       = { WAKE_WAKING, 0 },
		[WAKE_EV_STOPPED]        = { WAKE_COLD, 0 },
		[WAKE_EV_STOPPED_HELD]   = { WAKE_WAKING, WAKE_DO_WAKE },
		[WAKE_EV_FAIL]           = { WAKE_FAILED, WAKE_DO_FAIL_HELD },
		[WAKE_EV_QUIESCE]        = { WAKE_DRAINING, WAKE_DO_ARM_LEASE },
		[WAKE_EV_LEASE_END]      = STAY(READY),
		[WAKE_EV_LEASE_END_HELD] = STAY(READY),
		[WAKE_EV_GIVEN_UP]       = STAY(READY),
	},
	[WAKE_DRAINING] = {
		[WAKE_EV_REQUEST]        = { WAKE_DRAINING, WAKE_DO_HOLD },
		[WAKE_EV_UP]             = STAY(DRAINING),
		[WAKE_EV_STARTING]       = STAY(DRAINING),
		[WAKE_EV_STOPPED]        = { WAKE_COLD, WAKE_DO_DISARM },
		[WAKE_EV_STOPPED_HELD]   = { WAKE_WAKING, WAKE_DO_WAKE | WAKE_DO_DISARM },
		[WAKE_EV_FAIL]           = STAY(DRAINING),
		[WAKE_EV_QUIESCE]        = { WAKE_DRAINING, WAKE_DO_ARM_LEASE },
		[WAKE_EV_LEASE_END]      = { WAKE_COLD, WAKE_DO_DISARM },
		[WAKE_EV_LEASE_END_HELD] = { WAKE_WAKING, WAKE_DO_WAKE | WAKE_DO_DISARM },
		[WAKE_EV_GIVEN_UP]       = STAY(DRAINING),
	},
	[WAKE_FAILED] = {
		[WAKE_EV_REQUEST]        = { WAKE_FAILED, WAKE_DO_REFUSE | WAKE_DO_NUDGE },
		[WAKE_EV_UP]             = { WAKE_READY, 0 },
		[WAKE_EV_STARTING]       = { WAKE_WAKING, 0 },
		[WAKE_EV_STOPPED]        = { WAKE_COLD, 0 },
		[WAKE_EV_STOPPED_HELD]   = { WAKE_WAKING, WAKE_DO_WAKE },
		[WAKE_EV_FAIL]           = STAY(FAILED),
		[WAKE_EV_QUIESCE]        = { WAKE_DRAINING, WAKE_DO_ARM_LEASE },
		[WAKE_EV_LEASE_END]      = STAY(FAILED),
		[WAKE_EV_LEASE_END_HELD] = STAY(FAILED),
		[WAKE_EV_GIVEN_UP]       = STAY(FAILED),
	},
};
/* clang-format on */

void wake_init(struct wake *w)
{
	*w = (struct wake){.state = WAKE_COLD};
}

unsigned wake_step(struct wake *w, enum wake_event ev, uint64_t now_ms)
{
	const struct wake_rule *rule = &wake_rules[w->state][ev];

	assert(w->state != WAKE_UNSET);
	assert(rule->next != WAKE_UNSET);

	if (w->state == WAKE_DRAINING && (ev == WAKE_EV_LEASE_END || ev == WAKE_EV_LEASE_END_HELD))
		w->wake_due = true;
	if (rule->next == WAKE_FAILED && w->state != WAKE_FAILED)
		w->nudge_after_ms = now_ms + WAKE_BACKOFF_MS;
	w->state = rule->next;
	return rule->actions;
}

unsigned wake_quiesce(struct wake *w, uint64_t lease_ms, uint64_t now_ms)
{
	w->lease_until_ms = now_ms + lease_ms;
	return wake_step(w, WAKE_EV_QUIESCE, now_ms);
}

/*
 * A container that was stopped and started again has two generations more. So only a first sight,
 * a start, or a jump of more than one can hide a stop that the instance's status does not know of.
 */
static void wake_fence(struct wake *w, const struct wake_view *view)
{
	bool started = view->running && !w->seen_running;
	bool jumped = view->generation - w->seen_generation > 1;

	if ((started || jumped) && view->generation > w->fence_generation)
		w->fence_generation = view->generation;
	w->seen_running = view->running;
	w->seen_generation = view->generation;
}

bool wake_is_ready(const struct wake *w, const struct wake_view *view)
{
	return view->running && !view->failed && !view->stopping && view->consumer_listening &&
	       view->consumer_generation >= w->fence_generation;
}

enum wake_event wake_observe(struct wake *w, const struct wake_view *view, bool held)
{
	wake_fence(w, view);
	if (!view->running)
		w->wake_due = false;
	if (view->failed)
		return WAKE_EV_FAIL;
	if (!view->running)
		return held ? WAKE_EV_STOPPED_HELD : WAKE_EV_STOPPED;
	if (w->wake_due)
		return WAKE_EV_UNSET;
	return wake_is_ready(w, view) ? WAKE_EV_UP : WAKE_EV_STARTING;
}

void wake_confirmed(struct wake *w, int64_t generation)
{
	w->wake_due = false;
	if (generation > w->fence_generation)
		w->fence_generation = generation;
}

bool wake_nudge_due(struct wake *w, uint64_t now_ms)
{
	if (w->seen_running && now_ms < w->nudge_after_ms)
		return false;
	w->nudge_after_ms = now_ms + WAKE_BACKOFF_MS;
	return true;
}

const char *wake_state_name(enum wake_state state)
{
	static const char *const names[WAKE_STATES_COUNT] = {
#define X(name, text) [WAKE_##name] = text,
	        WAKE_STATES(X)
#undef X
	};

	return names[state];
}

const char *wake_event_name(enum wake_event ev)
{
	static const char *const names[WAKE_EVENTS_COUNT] = {
#define X(name, text) [WAKE_EV_##name] = text,
	        WAKE_EVENTS(X)
#undef X
	};

	return names[ev];
}

const char *wake_action_name(enum wake_action_bit bit)
{
	static const char *const names[WAKE_ACTIONS_COUNT] = {
#define X(name, text) [WAKE_BIT_##name] = text,
	        WAKE_ACTIONS(X)
#undef X
	};

	return names[bit];
}
