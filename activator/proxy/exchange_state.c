/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_state - the table of the states of a request, and which may follow which
 */
#include "activator/proxy/exchange_state.h"

#define TO(state) (1u << EXCHANGE_##state)

static const unsigned moves[EXCHANGE_STATES_COUNT] = {
        [EXCHANGE_NEW] = TO(HELD) | TO(DIALLING) | TO(ENDED),
        [EXCHANGE_HELD] = TO(DIALLING) | TO(ENDED),
        [EXCHANGE_DIALLING] = TO(HELD) | TO(SENDING) | TO(ENDED),
        [EXCHANGE_SENDING] = TO(HELD) | TO(ANSWERING) | TO(TUNNEL) | TO(ENDED),
        [EXCHANGE_ANSWERING] = TO(ENDED),
        [EXCHANGE_TUNNEL] = TO(ENDED),
};

bool exchange_state_may(enum exchange_state from, enum exchange_state to)
{
	return (moves[from] & 1u << to) != 0;
}

const char *exchange_state_name(enum exchange_state state)
{
	static const char *const names[EXCHANGE_STATES_COUNT] = {
#define X(name, text) [EXCHANGE_##name] = text,
	        EXCHANGE_STATES(X)
#undef X
	};

	return names[state] ? names[state] : "";
}
