/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_state - the states of a request on its way through, and which may follow which
 *
 *     NEW ──> HELD <──> DIALLING ──> SENDING ──> ANSWERING ──> ENDED
 *       └─────────────────┘   ▲        │  └──────> TUNNEL ───────┘
 *               HELD <────────┴────────┘ lost, and sent again
 */
#pragma once

#include <stdbool.h>

/* clang-format off */
#define EXCHANGE_STATES(X)                                                                   \
	X(NEW, "new")             /* its head was read */                                     \
	X(HELD, "held")           /* waits for its container */                               \
	X(DIALLING, "dialling")   /* released; no connection yet */                           \
	X(SENDING, "sending")     /* on a connection; no final head of an answer yet */       \
	X(ANSWERING, "answering") /* the answer's head went on, so that no other one can */   \
	X(TUNNEL, "tunnel")       /* upgraded: bytes go both ways */                          \
	X(ENDED, "ended")         /* counted; freed after the turn */
/* clang-format on */

enum exchange_state {
	EXCHANGE_UNSET,
#define X(name, text) EXCHANGE_##name,
	EXCHANGE_STATES(X)
#undef X
	        EXCHANGE_STATES_COUNT
};

/** exchange_state_may() - whether @to may follow @from */
bool exchange_state_may(enum exchange_state from, enum exchange_state to);
const char *exchange_state_name(enum exchange_state state);
