/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk - what the wrapper may say next on one connection
 *
 *     NEW ─hello waiting─> WAITING ─(go)─> TOLD ─started─> RUNNING ─exited, signaled─> OVER
 *      │                                    ├─becomes─> BECOMES ─failed─┐              ^
 *      ├─hello running, started─> RUNNING   └─failed────────────────────┴──────────────┤
 *      └─failed────────────────────────────────────────────────────────────────────────┘
 *
 * Each word costs the agent something: a process for a hand-over, a write to the API. So each is
 * said once, and the number of words on a connection has a limit.
 */
#pragma once

#include <stdbool.h>

#include "wrapper/proto.h"

/* Words of a later version that a wrapper may say, and that mean nothing to us. */
enum { TALK_UNKNOWN_MAX = 16 };

#define TALK_STATES(X)                                                                             \
	X(NEW)                                                                                     \
	X(WAITING)                                                                                 \
	X(TOLD) /* to go on */                                                                     \
	X(BECOMES)                                                                                 \
	X(RUNNING)                                                                                 \
	X(OVER)

enum talk_state {
	TALK_UNSET,
#define X(name) TALK_##name,
	TALK_STATES(X)
#undef X
	        TALK_STATES_COUNT
};

struct talk {
	enum talk_state state;
	unsigned unknown_count;
};

void talk_begin(struct talk *t);

/** talk_says() - the agent says that */
void talk_says(struct talk *t, enum proto_kind kind);

/** talk_hears() - the wrapper says that. Return: false when it may not: it is no wrapper of ours */
bool talk_hears(struct talk *t, enum proto_kind kind);
