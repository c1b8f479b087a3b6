/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk - which message the wrapper may send next on one connection
 *
 *     NEW ─hello waiting─> WAITING ─(go)─> GO_SENT ─started─> RUNNING ─exited, signaled─> OVER
 *      │                                    ├─becomes─> BECOMES ─failed─┐                 ^
 *      ├─hello running, started─> RUNNING   └─failed────────────────────┴─────────────────┤
 *      └─failed───────────────────────────────────────────────────────────────────────────┘
 *
 * A message costs the agent a process for a hand-over, or a write to the API. So each may come once
 * on a connection, and messages that are not known have a limit.
 */
#pragma once

#include <stdbool.h>

#include "wrapper/proto.h"

/* Messages of a later version, which are ignored. */
enum { TALK_UNKNOWN_MAX = 16 };

#define TALK_STATES(X)                                                                             \
	X(NEW)                                                                                     \
	X(WAITING)                                                                                 \
	X(GO_SENT)                                                                                 \
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

/** talk_begin() - a new connection */
void talk_begin(struct talk *t);

/** talk_sent() - by the agent */
void talk_sent(struct talk *t, enum proto_kind kind);

/** talk_received() - by the agent. Return: false out of turn: the peer is no wrapper of ours */
bool talk_received(struct talk *t, enum proto_kind kind);
