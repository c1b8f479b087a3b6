/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consumer_state - what is known of one consumer container
 *
 *     ABSENT ─hello waiting─> WAITING ─handed─> HANDED_OVER ─started─> STARTED ─port─> LISTENING
 *                                │                  │                    │               │
 *                                └──────────────> FAILED <──failed───────┘               │
 *                                     EXITED <──────────────────gone─────────────────────┘
 *
 * A container that is started anew in its Pod sends hello again, whatever its state was.
 */
#pragma once

#include <stdbool.h>

#define CONSUMER_STATES(X)                                                                         \
	X(ABSENT, "")         /* no wrapper has been seen yet */                                   \
	X(WAITING, "Waiting") /* for the root filesystem */                                        \
	X(HANDED_OVER, "HandedOver")                                                               \
	X(STARTED, "Started")                                                                      \
	X(LISTENING, "Listening")                                                                  \
	X(EXITED, "Exited")                                                                        \
	X(FAILED, "Failed")

#define CONSUMER_EVENTS(X)                                                                         \
	X(HELLO_WAITING)                                                                           \
	X(HELLO_RUNNING) /* an agent that started anew meets it so */                              \
	X(HANDED)                                                                                  \
	X(STARTED)                                                                                 \
	X(PORT)                                                                                    \
	X(ASTRAY) /* its address is none of the Pod's */                                           \
	X(FAILED) /* not handed over, or not executed */                                           \
	X(GONE)   /* process 1 of the container has ended */

enum consumer_state {
	CONSUMER_UNSET,
#define X(name, text) CONSUMER_##name,
	CONSUMER_STATES(X)
#undef X
	        CONSUMER_STATES_COUNT
};

enum consumer_event {
#define X(name) CONSUMER_EV_##name,
	CONSUMER_EVENTS(X)
#undef X
	        CONSUMER_EVENTS_COUNT
};

/** consumer_state_next() - a table: no event is impossible, most change nothing */
enum consumer_state consumer_state_next(enum consumer_state state, enum consumer_event event);

/** consumer_state_text() - of status.consumer.state */
const char *consumer_state_text(enum consumer_state state);

/**
 * consumer_state_is_brief() - the next state is a matter of milliseconds, and nobody waits for
 * this one
 * @has_port: a port is wanted, so Started is not the last state
 *
 * The end of Listening is written at once: requests must not go there any more.
 */
bool consumer_state_is_brief(enum consumer_state from, enum consumer_state to, bool has_port);
