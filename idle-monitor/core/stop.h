/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stop - the states of one attempt to stop a container, as a table
 *
 *     idle ──start──> quiescing ──all said yes──> patching ──patched──> stopped
 *                         │ busy, failed, late        │ conflict, failed, late
 *                         └───────────> aborted <─────┘   (resume everywhere)
 *
 * While the activators hold new requests under a lease, the patch is sent; it is never sent later
 * than the lease lasts, less a margin for what may be late. An answer of unknown outcome counts as
 * failed: the activators wake what they held, and that changes the resourceVersion, so a patch
 * that arrives late is refused by its own test. Every answer carries the attempt that asked, and
 * one of an older attempt is dropped.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define STOP_STATES(X)                                                                             \
	X(IDLE, "idle")           /* nothing under way */                                          \
	X(QUIESCING, "quiescing") /* activators were asked to hold new requests */                 \
	X(PATCHING, "patching")   /* all hold; running: false is on its way */                     \
	X(STOPPED, "stopped")     /* the API server has it */                                      \
	X(ABORTED, "aborted")     /* off; not again before the back-off has passed */

enum stop_state {
	STOP_UNSET, /* a hole in the table */
#define STOP_STATE_ENUM(name, text) STOP_##name,
	STOP_STATES(STOP_STATE_ENUM)
#undef STOP_STATE_ENUM
	        STOP_STATES_COUNT
};

#define STOP_EVENTS(X)                                                                             \
	X(START, "start")       /* the decision says stop */                                       \
	X(QUIESCED, "quiesced") /* every activator said yes */                                     \
	X(BUSY, "busy")         /* an activator has a request */                                   \
	X(FAILED, "failed")     /* an activator or the API server did not answer as it should */   \
	X(PATCHED, "patched")                                                                      \
	X(CONFLICT, "conflict") /* the object has changed meanwhile */                             \
	X(DEADLINE, "deadline")                                                                    \
	X(CANCEL, "cancel") /* we lost the right or the wish to stop it */

enum stop_event {
#define STOP_EVENT_ENUM(name, text) STOP_EV_##name,
	STOP_EVENTS(STOP_EVENT_ENUM)
#undef STOP_EVENT_ENUM
	        STOP_EVENTS_COUNT
};

enum stop_action {
	STOP_DO_QUIESCE = 1 << 0, /* ask every activator, with the attempt's number */
	STOP_DO_PATCH = 1 << 1,
	STOP_DO_RESUME = 1 << 2, /* end the lease on every activator */
	STOP_DO_ARM = 1 << 3,    /* the deadline has changed */
	STOP_DO_RECORD = 1 << 4, /* status, Event, log, metric: it was stopped */
	STOP_DO_REPORT = 1 << 5, /* log and metric: it was not */
	STOP_DO_DECIDE = 1 << 6, /* look at the container again */
};

struct stop_limits {
	uint64_t lease_ms;   /* how long activators hold at most */
	uint64_t margin_ms;  /* the patch is sent at least so long before the lease ends */
	uint64_t backoff_ms; /* after an abort */
};

struct stop {
	struct stop_limits limits;
	enum stop_state state;
	uint32_t attempt;      /* number of the current or last attempt */
	uint32_t unanswered;   /* activators that have not said yes yet */
	uint64_t lease_end_ms; /* counted from before the question: earlier than the activators' */
	uint64_t deadline_ms;  /* 0: none */
};

void stop_init(struct stop *s, const struct stop_limits *limits);

/** stop_start() - a new attempt at @activators_count activators. Return: actions, 0 when refused */
unsigned stop_start(struct stop *s, uint32_t activators_count, uint64_t now_ms);

/**
 * stop_answer() - an activator's or the API server's answer to @attempt
 * @ev: QUIESCED: this activator said yes; the last one's moves on. Return: actions
 */
unsigned stop_answer(struct stop *s, uint32_t attempt, enum stop_event ev, uint64_t now_ms);

/** stop_step() - an event that belongs to no question: DEADLINE, CANCEL. Return: actions */
unsigned stop_step(struct stop *s, enum stop_event ev, uint64_t now_ms);

bool stop_is_under_way(const struct stop *s);
const char *stop_state_name(enum stop_state state);
const char *stop_event_name(enum stop_event ev);
