/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consumer_state - the table of a consumer container's states
 */
#include "agent/core/consumer_state.h"

#include <assert.h>

/* clang-format off */
/* Slot 0 stays: an unset entry means that the event changes nothing in that state. */
static const enum consumer_state
	consumer_moves[CONSUMER_STATES_COUNT][CONSUMER_EVENTS_COUNT] = {
	[CONSUMER_ABSENT] = {
		[CONSUMER_EV_HELLO_WAITING] = CONSUMER_WAITING,
		[CONSUMER_EV_HELLO_RUNNING] = CONSUMER_STARTED,
		[CONSUMER_EV_GONE]          = CONSUMER_EXITED,
	},
	[CONSUMER_WAITING] = {
		[CONSUMER_EV_HELLO_RUNNING] = CONSUMER_STARTED,
		[CONSUMER_EV_HANDED]        = CONSUMER_HANDED_OVER,
		[CONSUMER_EV_FAILED]        = CONSUMER_FAILED,
		[CONSUMER_EV_GONE]          = CONSUMER_EXITED,
	},
	[CONSUMER_HANDED_OVER] = {
		[CONSUMER_EV_HELLO_WAITING] = CONSUMER_WAITING,
		[CONSUMER_EV_HELLO_RUNNING] = CONSUMER_STARTED,
		[CONSUMER_EV_STARTED]       = CONSUMER_STARTED,
		[CONSUMER_EV_FAILED]        = CONSUMER_FAILED,
		[CONSUMER_EV_GONE]          = CONSUMER_EXITED,
	},
	[CONSUMER_STARTED] = {
		[CONSUMER_EV_HELLO_WAITING] = CONSUMER_WAITING,
		[CONSUMER_EV_PORT]          = CONSUMER_LISTENING,
		[CONSUMER_EV_FAILED]        = CONSUMER_FAILED,
		[CONSUMER_EV_GONE]          = CONSUMER_EXITED,
	},
	[CONSUMER_LISTENING] = {
		[CONSUMER_EV_HELLO_WAITING] = CONSUMER_WAITING,
		[CONSUMER_EV_ASTRAY]        = CONSUMER_STARTED,
		[CONSUMER_EV_GONE]          = CONSUMER_EXITED,
	},
	[CONSUMER_EXITED] = {
		[CONSUMER_EV_HELLO_WAITING] = CONSUMER_WAITING,
		[CONSUMER_EV_HELLO_RUNNING] = CONSUMER_STARTED,
	},
	[CONSUMER_FAILED] = {
		[CONSUMER_EV_HELLO_WAITING] = CONSUMER_WAITING,
		[CONSUMER_EV_HELLO_RUNNING] = CONSUMER_STARTED,
	},
};
/* clang-format on */

enum consumer_state consumer_state_next(enum consumer_state state, enum consumer_event event)
{
	enum consumer_state next;

	assert(state > CONSUMER_UNSET && state < CONSUMER_STATES_COUNT);
	assert(event < CONSUMER_EVENTS_COUNT);
	next = consumer_moves[state][event];
	return next != CONSUMER_UNSET ? next : state;
}

bool consumer_state_is_brief(enum consumer_state from, enum consumer_state to, bool has_port)
{
	if (from == CONSUMER_LISTENING)
		return false;
	return to == CONSUMER_WAITING || to == CONSUMER_HANDED_OVER ||
	       (to == CONSUMER_STARTED && has_port);
}

const char *consumer_state_text(enum consumer_state state)
{
	static const char *const texts[] = {
#define X(name, text) [CONSUMER_##name] = text,
	        CONSUMER_STATES(X)
#undef X
	};

	assert(state > CONSUMER_UNSET && state < CONSUMER_STATES_COUNT);
	return texts[state];
}
