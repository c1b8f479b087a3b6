/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stop - the states of one attempt to stop a container, as a table
 */
#include "idle-monitor/core/stop.h"

#include <assert.h>

struct stop_rule {
	enum stop_state next;
	unsigned actions;
};

#define STAY(state)                                                                                \
	{                                                                                          \
		STOP_##state, 0                                                                    \
	}
#define ABORT                                                                                      \
	{                                                                                          \
		STOP_ABORTED, STOP_DO_RESUME | STOP_DO_ARM | STOP_DO_REPORT                        \
	}
#define BEGIN                                                                                      \
	{                                                                                          \
		STOP_QUIESCING, STOP_DO_QUIESCE | STOP_DO_ARM                                      \
	}

/* clang-format off */
static const struct stop_rule stop_rules[STOP_STATES_COUNT][STOP_EVENTS_COUNT] = {
	[STOP_IDLE] = {
		[STOP_EV_START]    = BEGIN,
		[STOP_EV_QUIESCED] = STAY(IDLE),
		[STOP_EV_BUSY]     = STAY(IDLE),
		[STOP_EV_FAILED]   = STAY(IDLE),
		[STOP_EV_PATCHED]  = STAY(IDLE),
		[STOP_EV_CONFLICT] = STAY(IDLE),
		[STOP_EV_DEADLINE] = STAY(IDLE),
		[STOP_EV_CANCEL]   = STAY(IDLE),
	},
	[STOP_QUIESCING] = {
		[STOP_EV_START]    = STAY(QUIESCING),
		[STOP_EV_QUIESCED] = { STOP_PATCHING, STOP_DO_PATCH | STOP_DO_ARM },
		[STOP_EV_BUSY]     = ABORT,
		[STOP_EV_FAILED]   = ABORT,
		[STOP_EV_PATCHED]  = STAY(QUIESCING),
		[STOP_EV_CONFLICT] = STAY(QUIESCING),
		[STOP_EV_DEADLINE] = ABORT,
		[STOP_EV_CANCEL]   = ABORT,
	},
	[STOP_PATCHING] = {
		[STOP_EV_START]    = STAY(PATCHING),
		[STOP_EV_QUIESCED] = STAY(PATCHING),
		[STOP_EV_BUSY]     = STAY(PATCHING),
		[STOP_EV_FAILED]   = ABORT,
		[STOP_EV_PATCHED]  = { STOP_STOPPED, STOP_DO_RECORD },
		[STOP_EV_CONFLICT] = ABORT,
		[STOP_EV_DEADLINE] = ABORT,
		[STOP_EV_CANCEL]   = ABORT,
	},
	[STOP_STOPPED] = {
		[STOP_EV_START]    = BEGIN,
		[STOP_EV_QUIESCED] = STAY(STOPPED),
		[STOP_EV_BUSY]     = STAY(STOPPED),
		[STOP_EV_FAILED]   = STAY(STOPPED),
		[STOP_EV_PATCHED]  = STAY(STOPPED),
		[STOP_EV_CONFLICT] = STAY(STOPPED),
		[STOP_EV_DEADLINE] = STAY(STOPPED),
		[STOP_EV_CANCEL]   = STAY(STOPPED),
	},
	[STOP_ABORTED] = {
		[STOP_EV_START]    = STAY(ABORTED),
		[STOP_EV_QUIESCED] = STAY(ABORTED),
		[STOP_EV_BUSY]     = STAY(ABORTED),
		[STOP_EV_FAILED]   = STAY(ABORTED),
		[STOP_EV_PATCHED]  = STAY(ABORTED),
		[STOP_EV_CONFLICT] = STAY(ABORTED),
		[STOP_EV_DEADLINE] = { STOP_IDLE, STOP_DO_DECIDE },
		[STOP_EV_CANCEL]   = STAY(ABORTED),
	},
};
/* clang-format on */

static const char *const stop_state_names[] = {[STOP_UNSET] = "unset",
#define STOP_STATE_NAME(name, text) [STOP_##name] = text,
                                               STOP_STATES(STOP_STATE_NAME)
#undef STOP_STATE_NAME
};

static const char *const stop_event_names[] = {
#define STOP_EVENT_NAME(name, text) [STOP_EV_##name] = text,
        STOP_EVENTS(STOP_EVENT_NAME)
#undef STOP_EVENT_NAME
};

const char *stop_state_name(enum stop_state state)
{
	assert(state < STOP_STATES_COUNT);
	return stop_state_names[state];
}

const char *stop_event_name(enum stop_event ev)
{
	assert(ev < STOP_EVENTS_COUNT);
	return stop_event_names[ev];
}

void stop_init(struct stop *s, const struct stop_limits *limits)
{
	assert(limits->margin_ms < limits->lease_ms);
	*s = (struct stop){.limits = *limits, .state = STOP_IDLE};
}

bool stop_is_under_way(const struct stop *s)
{
	return s->state == STOP_QUIESCING || s->state == STOP_PATCHING;
}

/* When the state just entered ends by itself. */
static uint64_t stop_deadline(const struct stop *s, uint64_t now_ms)
{
	switch (s->state) {
	case STOP_QUIESCING:
		return s->lease_end_ms - s->limits.margin_ms;
	case STOP_PATCHING:
		return s->lease_end_ms;
	case STOP_ABORTED:
		return now_ms + s->limits.backoff_ms;
	case STOP_IDLE:
	case STOP_STOPPED:
	case STOP_UNSET:
	case STOP_STATES_COUNT:
		break;
	}
	return 0;
}

unsigned stop_step(struct stop *s, enum stop_event ev, uint64_t now_ms)
{
	const struct stop_rule *rule = &stop_rules[s->state][ev];

	assert(s->state != STOP_UNSET);
	assert(rule->next != STOP_UNSET);
	if (rule->next == s->state)
		return rule->actions;
	if (rule->next == STOP_QUIESCING) {
		s->attempt++;
		s->lease_end_ms = now_ms + s->limits.lease_ms;
	}
	s->state = rule->next;
	s->deadline_ms = stop_deadline(s, now_ms);
	return rule->actions;
}

unsigned stop_start(struct stop *s, uint32_t activators_count, uint64_t now_ms)
{
	assert(activators_count > 0);
	if (!stop_is_under_way(s))
		s->unanswered = activators_count;
	return stop_step(s, STOP_EV_START, now_ms);
}

unsigned stop_answer(struct stop *s, uint32_t attempt, enum stop_event ev, uint64_t now_ms)
{
	if (attempt != s->attempt || !stop_is_under_way(s))
		return 0;
	/* the loop may have been late itself: a lease that is over is not to be relied on */
	if (s->state == STOP_QUIESCING && now_ms >= s->deadline_ms)
		ev = STOP_EV_DEADLINE;
	if (ev == STOP_EV_QUIESCED) {
		assert(s->unanswered > 0);
		if (--s->unanswered > 0)
			return 0;
	}
	return stop_step(s, ev, now_ms);
}
