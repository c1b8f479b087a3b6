/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease_rules - the table of leader election: state and event to next state and action
 */
#include "lib/kube/control/lease_rules.h"

#include <assert.h>

struct lease_rule {
	enum lease_state next;
	enum lease_action action;
};

/* clang-format off */
static const struct lease_rule lease_rules[LEASE_STATE_COUNT][LEASE_EVENT_COUNT] = {
	[LEASE_WATCHING] = {
		[LEASE_EV_TICK]    = { LEASE_WATCHING, LEASE_DO_READ },
		[LEASE_EV_FREE]    = { LEASE_TAKING,   LEASE_DO_WRITE },
		[LEASE_EV_OURS]    = { LEASE_TAKING,   LEASE_DO_WRITE },
		[LEASE_EV_OTHERS]  = { LEASE_WATCHING, LEASE_DO_NOTHING },
		[LEASE_EV_WRITTEN] = { LEASE_WATCHING, LEASE_DO_READ },
		[LEASE_EV_FAILED]  = { LEASE_WATCHING, LEASE_DO_NOTHING },
		[LEASE_EV_EXPIRED] = { LEASE_WATCHING, LEASE_DO_READ },
	},
	[LEASE_TAKING] = {
		[LEASE_EV_TICK]    = { LEASE_WATCHING, LEASE_DO_READ },
		[LEASE_EV_FREE]    = { LEASE_TAKING,   LEASE_DO_WRITE },
		[LEASE_EV_OURS]    = { LEASE_TAKING,   LEASE_DO_WRITE },
		[LEASE_EV_OTHERS]  = { LEASE_WATCHING, LEASE_DO_NOTHING },
		[LEASE_EV_WRITTEN] = { LEASE_LEADING,  LEASE_DO_NOTHING },
		[LEASE_EV_FAILED]  = { LEASE_WATCHING, LEASE_DO_NOTHING },
		[LEASE_EV_EXPIRED] = { LEASE_WATCHING, LEASE_DO_READ },
	},
	[LEASE_LEADING] = {
		[LEASE_EV_TICK]    = { LEASE_RENEWING, LEASE_DO_WRITE },
		[LEASE_EV_FREE]    = { LEASE_RENEWING, LEASE_DO_WRITE },
		[LEASE_EV_OURS]    = { LEASE_RENEWING, LEASE_DO_WRITE },
		[LEASE_EV_OTHERS]  = { LEASE_WATCHING, LEASE_DO_NOTHING },
		[LEASE_EV_WRITTEN] = { LEASE_LEADING,  LEASE_DO_NOTHING },
		[LEASE_EV_FAILED]  = { LEASE_DOUBTING, LEASE_DO_NOTHING },
		[LEASE_EV_EXPIRED] = { LEASE_WATCHING, LEASE_DO_READ },
	},
	[LEASE_RENEWING] = {
		[LEASE_EV_TICK]    = { LEASE_DOUBTING, LEASE_DO_READ },
		[LEASE_EV_FREE]    = { LEASE_RENEWING, LEASE_DO_WRITE },
		[LEASE_EV_OURS]    = { LEASE_RENEWING, LEASE_DO_WRITE },
		[LEASE_EV_OTHERS]  = { LEASE_WATCHING, LEASE_DO_NOTHING },
		[LEASE_EV_WRITTEN] = { LEASE_LEADING,  LEASE_DO_NOTHING },
		[LEASE_EV_FAILED]  = { LEASE_DOUBTING, LEASE_DO_NOTHING },
		[LEASE_EV_EXPIRED] = { LEASE_WATCHING, LEASE_DO_READ },
	},
	[LEASE_DOUBTING] = {
		[LEASE_EV_TICK]    = { LEASE_DOUBTING, LEASE_DO_READ },
		[LEASE_EV_FREE]    = { LEASE_RENEWING, LEASE_DO_WRITE },
		[LEASE_EV_OURS]    = { LEASE_RENEWING, LEASE_DO_WRITE },
		[LEASE_EV_OTHERS]  = { LEASE_WATCHING, LEASE_DO_NOTHING },
		[LEASE_EV_WRITTEN] = { LEASE_LEADING,  LEASE_DO_NOTHING },
		[LEASE_EV_FAILED]  = { LEASE_DOUBTING, LEASE_DO_NOTHING },
		[LEASE_EV_EXPIRED] = { LEASE_WATCHING, LEASE_DO_READ },
	},
};
/* clang-format on */

void lease_init(struct lease *l, const struct lease_limits *limits, uint64_t now_ms)
{
	*l = (struct lease){
	        .limits = *limits,
	        .state = LEASE_WATCHING,
	        .next_ms = now_ms,
	        .observed_ms = now_ms,
	};
}

enum lease_event lease_observe(struct lease *l, bool held, bool ours, bool changed, uint64_t now_ms)
{
	if (changed)
		l->observed_ms = now_ms;
	if (held && ours)
		return LEASE_EV_OURS;
	if (!held || now_ms - l->observed_ms >= l->limits.lease_ms)
		return LEASE_EV_FREE;
	return LEASE_EV_OTHERS;
}

static bool lease_state_leads(enum lease_state state)
{
	return state == LEASE_LEADING || state == LEASE_RENEWING || state == LEASE_DOUBTING;
}

static uint64_t lease_next_ms(const struct lease *l, enum lease_action action, uint64_t now_ms)
{
	uint64_t next_ms;

	if (action != LEASE_DO_NOTHING)
		next_ms = now_ms + l->limits.renew_ms / 2;
	else if (l->state == LEASE_LEADING)
		next_ms = l->attempt_ms + l->limits.renew_ms;
	else
		next_ms = now_ms + l->limits.retry_ms;
	if (lease_state_leads(l->state) && next_ms > l->leads_until_ms)
		next_ms = l->leads_until_ms;
	return next_ms;
}

enum lease_action lease_step(struct lease *l, enum lease_event ev, uint64_t now_ms)
{
	const struct lease_rule *rule;

	/* a write that is answered late still counts from when it was begun */
	if (ev == LEASE_EV_WRITTEN)
		l->leads_until_ms = l->attempt_ms + l->limits.lease_ms / 3 * 2;
	if ((lease_state_leads(l->state) || ev == LEASE_EV_WRITTEN) && now_ms >= l->leads_until_ms)
		ev = LEASE_EV_EXPIRED;
	rule = &lease_rules[l->state][ev];
	assert(rule->next != LEASE_UNSET);
	l->state = rule->next;
	if (rule->action == LEASE_DO_WRITE)
		l->attempt_ms = now_ms;
	l->next_ms = lease_next_ms(l, rule->action, now_ms);
	return rule->action;
}

bool lease_is_leading(const struct lease *l, uint64_t now_ms)
{
	return lease_state_leads(l->state) && now_ms < l->leads_until_ms;
}

const char *lease_state_name(enum lease_state state)
{
	static const char *const names[] = {[LEASE_UNSET] = "unset",
#define X(name, text) [LEASE_##name] = text,
	                                    LEASE_STATES(X)
#undef X
	};

	assert(state < LEASE_STATE_COUNT);
	return names[state];
}
