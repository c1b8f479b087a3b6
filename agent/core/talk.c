/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk - the table of what the wrapper may send next
 */
#include "agent/core/talk.h"

#include <assert.h>

#define TALK_KINDS_COUNT (PROTO_SIGNALED + 1)

/* clang-format off */
/* An unset entry, slot 0: the message is out of turn. */
static const enum talk_state talk_moves[TALK_STATES_COUNT][TALK_KINDS_COUNT] = {
	[TALK_NEW] = {
		[PROTO_HELLO_WAITING] = TALK_WAITING,
		[PROTO_HELLO_RUNNING] = TALK_RUNNING,
		/* of a `go` on the connection before this one */
		[PROTO_STARTED]       = TALK_RUNNING,
		[PROTO_FAILED]        = TALK_OVER,
	},
	[TALK_GO_SENT] = {
		[PROTO_STARTED]       = TALK_RUNNING,
		[PROTO_BECOMES]       = TALK_BECOMES,
		[PROTO_FAILED]        = TALK_OVER,
	},
	[TALK_BECOMES] = {
		[PROTO_FAILED]        = TALK_OVER,
	},
	[TALK_RUNNING] = {
		[PROTO_EXITED]        = TALK_OVER,
		[PROTO_SIGNALED]      = TALK_OVER,
	},
};
/* clang-format on */

static void talk_set(struct talk *t, enum talk_state state)
{
	t->state = state;
}

void talk_begin(struct talk *t)
{
	t->unknown_count = 0;
	talk_set(t, TALK_NEW);
}

void talk_sent(struct talk *t, enum proto_kind kind)
{
	if (t->state == TALK_WAITING && kind == PROTO_GO)
		talk_set(t, TALK_GO_SENT);
	if (t->state == TALK_WAITING && kind == PROTO_REFUSE)
		talk_set(t, TALK_OVER);
}

bool talk_received(struct talk *t, enum proto_kind kind)
{
	enum talk_state next;

	assert(t->state > TALK_UNSET && t->state < TALK_STATES_COUNT);
	assert(kind <= PROTO_SIGNALED);
	if (kind == PROTO_UNKNOWN)
		return ++t->unknown_count <= TALK_UNKNOWN_MAX;
	next = talk_moves[t->state][kind];
	if (next == TALK_UNSET)
		return false;
	talk_set(t, next);
	return true;
}
