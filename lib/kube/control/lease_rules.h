/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease rules - who may lead, by the rules of client-go's leaderelection
 *
 * A record's times are another machine's clock and are never compared with ours: a candidate
 * waits until it has watched one and the same record for lease_ms by its own monotonic clock, and
 * a leader leads for 2/3 of lease_ms from the moment it began the write that was accepted.
 *
 *     watching ──free, or ours of an earlier life──> taking ──written──> leading
 *        ^  ^                                          │                 │    ^
 *        │  └─────────────────failed───────────────────┘            time │    │ written
 *        │                                                               v    │
 *        └──another's, or expired── doubting <──failed── renewing <──────┘────┘
 *                                       └──────ours──────^
 *
 * No clock, no I/O: an event and the time go in, an action comes out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LEASE_STATES(X)                                                                            \
	X(WATCHING, "watching") /* another's record, as far as we know */                          \
	X(TAKING, "taking")     /* a write is under way that makes it ours */                      \
	X(LEADING, "leading")                                                                      \
	X(RENEWING, "renewing") /* leading, and a write is under way */                            \
	X(DOUBTING, "doubting") /* leading, and the last write failed: look first */

enum lease_state {
	LEASE_UNSET,
#define X(name, text) LEASE_##name,
	LEASE_STATES(X)
#undef X
	        LEASE_STATE_COUNT,
};

enum lease_event {
	LEASE_EV_TICK,    /* next_ms has come */
	LEASE_EV_FREE,    /* read: nobody's, or unchanged for lease_ms */
	LEASE_EV_OURS,    /* read: ours */
	LEASE_EV_OTHERS,  /* read: held by another */
	LEASE_EV_WRITTEN, /* our write was accepted */
	LEASE_EV_FAILED,  /* a call failed, or our write was refused (conflict) */
	LEASE_EV_EXPIRED, /* inside: leads_until_ms has come */
	LEASE_EVENT_COUNT,
};

enum lease_action {
	LEASE_DO_NOTHING,
	LEASE_DO_READ,  /* instead of a call under way */
	LEASE_DO_WRITE, /* likewise: take or renew, with the resourceVersion that was read */
};

struct lease_limits {
	uint64_t lease_ms; /* a record unchanged for so long may be taken */
	uint64_t renew_ms; /* the leader writes so often; a call may take half of it */
	uint64_t retry_ms; /* after a failure, and between looks */
};

struct lease {
	struct lease_limits limits;
	enum lease_state state;
	uint64_t next_ms;        /* when LEASE_EV_TICK is wanted */
	uint64_t observed_ms;    /* when the record was last seen to change */
	uint64_t attempt_ms;     /* when the latest write was begun */
	uint64_t leads_until_ms; /* strictly before it */
};

void lease_init(struct lease *l, const struct lease_limits *limits, uint64_t now_ms);

/**
 * lease_observe() - what a read found
 * @held:    the record is there and has a holder
 * @ours:    and that is us
 * @changed: it is not the record that the read before found
 *
 * Return: the event for lease_step()
 */
enum lease_event lease_observe(struct lease *l, bool held, bool ours, bool changed,
                               uint64_t now_ms);

/** lease_step() - Return: what to do now; then wait for its answer, and until next_ms */
enum lease_action lease_step(struct lease *l, enum lease_event ev, uint64_t now_ms);

/** lease_is_leading() - true only while the last write that was accepted covers @now_ms */
bool lease_is_leading(const struct lease *l, uint64_t now_ms);

const char *lease_state_name(enum lease_state state);
