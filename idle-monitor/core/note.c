/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note - what the idle-monitor writes to status.idle, and when that is worth a write
 */
#include "idle-monitor/core/note.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/num.h"
#include "lib/kube/client/object.h"

static const char *const note_state_names[] = {
#define NOTE_STATE_NAME(name, text) [NOTE_##name] = text,
        NOTE_STATES(NOTE_STATE_NAME)
#undef NOTE_STATE_NAME
};

const char *note_state_name(enum note_state state)
{
	assert(state < NOTE_STATES_COUNT);
	return note_state_names[state];
}

enum note_state note_state_parse(const char *text)
{
	for (unsigned i = 0; i < NOTE_STATES_COUNT; i++) {
		if (strcmp(text, note_state_names[i]) == 0)
			return (enum note_state)i;
	}
	return NOTE_NONE;
}

static uint64_t note_time(const json_t *idle, const char *key)
{
	const char *text = json_string_value(json_object_get(idle, key));
	uint64_t wall_ms = 0;

	if (text != NULL)
		(void)num_parse_rfc3339(text, &wall_ms, NULL);
	return wall_ms;
}

void note_read(const json_t *object, struct note *ret_note)
{
	const json_t *idle = json_at(object, "status", "idle", NULL);

	*ret_note = (struct note){
	        .state = note_state_parse(json_str_at(idle, "", "state", NULL)),
	        .active_wall_ms = note_time(idle, "lastActivityTime"),
	        .stop_at_wall_ms = note_time(idle, "stopAt"),
	};
	(void)snprintf(ret_note->source, sizeof ret_note->source, "%s",
	               json_str_at(idle, "", "lastActivitySource", NULL));
}

/* Idle is what has been unused for a while, so that single requests do not toggle it. */
static bool note_is_idle(const struct note_facts *f)
{
	uint64_t while_ms = f->timeout_ms / 2 < NOTE_STEP_MS ? f->timeout_ms / 2 : NOTE_STEP_MS;

	return f->decision.until_ms != 0 && f->now_ms >= f->decision.last_activity_ms &&
	       f->now_ms - f->decision.last_activity_ms >= while_ms;
}

static uint64_t note_wall(const struct note_facts *f, uint64_t at_ms)
{
	if (at_ms >= f->now_ms)
		return f->now_wall_ms + (at_ms - f->now_ms);
	return f->now_wall_ms - (f->now_ms - at_ms);
}

void note_make(const struct note_facts *facts, const struct note *kept, struct note *ret_note)
{
	*ret_note = *kept;
	ret_note->stop_at_wall_ms = 0;
	if (!facts->running) {
		ret_note->state = facts->consumer_left ? NOTE_STOPPING : NOTE_ASLEEP;
		return;
	}
	ret_note->state = note_is_idle(facts) ? NOTE_IDLE : NOTE_ACTIVE;
	if (facts->decision.last_activity_ms != 0) {
		ret_note->active_wall_ms = note_wall(facts, facts->decision.last_activity_ms);
		(void)snprintf(ret_note->source, sizeof ret_note->source, "%s", facts->source);
	}
	if (facts->decision.until_ms != 0 && facts->decision.until_ms != UINT64_MAX)
		ret_note->stop_at_wall_ms = note_wall(facts, facts->decision.until_ms);
}

static bool note_differs(uint64_t a_ms, uint64_t b_ms)
{
	if ((a_ms == 0) != (b_ms == 0))
		return true;
	return (a_ms > b_ms ? a_ms - b_ms : b_ms - a_ms) > NOTE_STEP_MS;
}

bool note_is_worth_it(const struct note *kept, const struct note *want)
{
	return kept->state != want->state ||
	       note_differs(kept->active_wall_ms, want->active_wall_ms) ||
	       note_differs(kept->stop_at_wall_ms, want->stop_at_wall_ms);
}
