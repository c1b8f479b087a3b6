/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note - what the idle-monitor writes to status.idle, and when that is worth a write
 *
 * Coarse on purpose: a container in steady use costs one write in NOTE_STEP_MS, not one a request.
 * Times are of our wall clock; they are for people, and for idle_start_assumed() after a restart.
 */
#pragma once

#include <jansson.h>

#include "idle-monitor/core/idle.h"

enum { NOTE_STEP_MS = 10000, NOTE_TEXT_BYTES = 160 };

#define NOTE_STATES(X)                                                                             \
	X(NONE, "")                                                                                \
	X(ACTIVE, "Active")                                                                        \
	X(IDLE, "Idle")                                                                            \
	X(STOPPING, "Stopping")                                                                    \
	X(ASLEEP, "Asleep")

enum note_state {
#define NOTE_STATE_ENUM(name, text) NOTE_##name,
	NOTE_STATES(NOTE_STATE_ENUM)
#undef NOTE_STATE_ENUM
	        NOTE_STATES_COUNT
};

struct note {
	enum note_state state;
	uint64_t active_wall_ms;  /* 0: none */
	uint64_t stop_at_wall_ms; /* 0: none */
	char source[NOTE_TEXT_BYTES];
};

struct note_facts {
	struct idle_decision decision;
	uint64_t timeout_ms;
	bool running;       /* spec.running */
	bool consumer_left; /* the instance still names a consumer */
	const char *source; /* what the decision's last activity was */
	uint64_t now_ms;
	uint64_t now_wall_ms;
};

const char *note_state_name(enum note_state state);
/** note_state_parse() - NOTE_NONE for an unknown word */
enum note_state note_state_parse(const char *text);

/** note_read() - status.idle as it is written in a StoppableContainer */
void note_read(const json_t *object, struct note *ret_note);

/** note_make() - @kept: what is written; of a sleeping container its last activity stays */
void note_make(const struct note_facts *facts, const struct note *kept, struct note *ret_note);

/** note_is_worth_it() - whether @want differs enough from what is written */
bool note_is_worth_it(const struct note *kept, const struct note *want);
