/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idle - may this container be stopped, and if not, why and until when
 */
#include "idle-monitor/core/idle.h"

#include <assert.h>

static const struct {
	const char *name;
	const char *text;
} idle_reasons[] = {
#define IDLE_REASON_ROW(name, label, text) [IDLE_##name] = {label, text},
        IDLE_REASONS(IDLE_REASON_ROW)
#undef IDLE_REASON_ROW
};

const char *idle_reason_name(enum idle_reason reason)
{
	assert(reason != IDLE_UNSET && reason < IDLE_REASONS_COUNT);
	return idle_reasons[reason].name;
}

const char *idle_reason_text(enum idle_reason reason)
{
	assert(reason != IDLE_UNSET && reason < IDLE_REASONS_COUNT);
	return idle_reasons[reason].text;
}

static uint64_t idle_add(uint64_t a_ms, uint64_t b_ms)
{
	return a_ms > UINT64_MAX - b_ms ? UINT64_MAX : a_ms + b_ms;
}

/* Move the end of the waking time, and say why, when @at_ms + @ms is later than what it is. */
static bool idle_extend(struct idle_decision *d, enum idle_reason reason, uint64_t at_ms,
                        uint64_t ms)
{
	uint64_t until_ms = idle_add(at_ms, ms);

	if (until_ms <= d->until_ms)
		return false;
	d->until_ms = until_ms;
	d->reason = reason;
	return true;
}

/* What forbids a stop whatever the ages are. Return: false when nothing does. */
static bool idle_forbidden(const struct idle_config *config, const struct idle_state *state,
                           enum idle_reason *ret_reason)
{
	const struct {
		bool holds;
		enum idle_reason reason;
	} rules[] = {
	        {!state->running, IDLE_NOT_RUNNING},
	        {!state->spec_valid, IDLE_INVALID_SPEC},
	        {config->timeout_ms == 0, IDLE_NO_TIMEOUT},
	        {!config->signal_http, IDLE_SIGNAL_OFF},
	        {!state->ready, IDLE_NOT_READY},
	        {state->watch_lost, IDLE_WATCH_LOST},
	        {state->views_count == 0 || state->views_missing, IDLE_ACTIVATOR_UNREACHABLE},
	};

	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		if (rules[i].holds) {
			*ret_reason = rules[i].reason;
			return true;
		}
	}
	return false;
}

/* Sum up what the activators say. Return: true when one of them forbids a stop by itself. */
static bool idle_views_forbid(const struct idle_state *state, enum idle_reason *ret_reason)
{
	bool busy = false;
	bool upgraded = false;
	bool silent = false;

	for (size_t i = 0; i < state->views_count; i++) {
		const struct idle_view *v = &state->views[i];

		silent |= !v->answered;
		busy |= v->answered && v->busy;
		upgraded |= v->answered && v->upgraded_open;
	}
	if (busy)
		*ret_reason = IDLE_REQUESTS_IN_FLIGHT;
	else if (upgraded)
		*ret_reason = IDLE_UPGRADED_OPEN;
	else if (silent)
		*ret_reason = IDLE_ACTIVATOR_UNREACHABLE;
	return busy || upgraded || silent;
}

static void idle_find_last_activity(const struct idle_state *state, struct idle_decision *d)
{
	for (size_t i = 0; i < state->views_count; i++) {
		const struct idle_view *v = &state->views[i];

		if (!v->has_request || v->last_request_ms < d->last_activity_ms)
			continue;
		d->last_activity_ms = v->last_request_ms;
		d->last_view = i;
	}
}

struct idle_decision idle_decide(const struct idle_config *config, const struct idle_state *state,
                                 uint64_t now_ms)
{
	struct idle_decision d = {.verdict = IDLE_KEEP, .last_view = state->views_count};
	uint64_t asked_ms = UINT64_MAX;

	assert(state->views_count == 0 || state->views != NULL);
	d.last_activity_ms = state->running ? state->started_ms : 0;
	idle_find_last_activity(state, &d);
	if (idle_forbidden(config, state, &d.reason))
		return d;
	if (idle_views_forbid(state, &d.reason)) {
		if (d.reason != IDLE_ACTIVATOR_UNREACHABLE)
			d.last_activity_ms = now_ms;
		return d;
	}
	(void)idle_extend(&d, IDLE_RECENT_START, state->started_ms, config->timeout_ms);
	(void)idle_extend(&d, IDLE_STARTUP_GRACE, state->started_ms, config->startup_grace_ms);
	if (state->view_lost_ms != 0) /* it may have had a request in its last moment */
		(void)idle_extend(&d, IDLE_ACTIVATOR_RESTARTED, state->view_lost_ms,
		                  config->timeout_ms);
	for (size_t i = 0; i < state->views_count; i++) {
		const struct idle_view *v = &state->views[i];

		if (v->has_request)
			(void)idle_extend(&d, IDLE_RECENT_REQUEST, v->last_request_ms,
			                  config->timeout_ms);
		else
			(void)idle_extend(&d, IDLE_ACTIVATOR_RESTARTED, v->knows_since_ms,
			                  config->timeout_ms);
		if (v->asked_ms < asked_ms)
			asked_ms = v->asked_ms;
	}
	if (now_ms < d.until_ms)
		return d;
	/* A request may have come since an answer: only one from after the end of the time counts.
	 */
	/* all that forbids a stop has been ruled out */
	assert(state->running && state->ready && state->views_count > 0);
	d.verdict = asked_ms >= d.until_ms ? IDLE_STOP : IDLE_ASK;
	d.reason = IDLE_NO_REQUEST;
	return d;
}

uint64_t idle_start_assumed(uint64_t now_ms, uint64_t now_wall_ms, uint64_t active_wall_ms,
                            uint64_t started_wall_ms)
{
	uint64_t later_ms = active_wall_ms > started_wall_ms ? active_wall_ms : started_wall_ms;
	uint64_t age_ms;

	if (active_wall_ms == 0 || started_wall_ms == 0 || later_ms > now_wall_ms)
		return now_ms;
	age_ms = now_wall_ms - later_ms;
	return age_ms < now_ms ? now_ms - age_ms : 0;
}
