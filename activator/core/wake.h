/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wake - when a sleeping container is woken, and what becomes of the requests meanwhile
 *
 * A pure table. The shell feeds it requests, lease changes, and what it sees in the cluster
 * (wake_observe() says which event that is); it carries out the actions that come back.
 * docs/protocols.md, sections "Wake" and "Activity and quiesce".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */
#define WAKE_STATES(X)                                                                       \
	X(COLD, "cold")         /* not running, or a lease ended: the next request wakes */  \
	X(WAKING, "waking")     /* asked to run, not ready; requests are held */             \
	X(READY, "ready")       /* requests pass */                                          \
	X(DRAINING, "draining") /* under a lease: requests are held, no wake yet */          \
	X(FAILED, "failed")     /* the instance failed: requests are refused at once */

#define WAKE_EVENTS(X)                                                                       \
	X(REQUEST, "request")                                                                \
	X(UP, "up")                     /* seen: the READY rule holds */                     \
	X(STARTING, "starting")         /* seen: to run, not ready */                        \
	X(STOPPED, "stopped")           /* seen: not to run; nothing is held */              \
	X(STOPPED_HELD, "stopped_held") /* the same, and requests are held */                \
	X(FAIL, "fail")                 /* seen: the instance's phase is Failed */           \
	X(QUIESCE, "quiesce")           /* a lease was granted or prolonged */               \
	X(LEASE_END, "lease_end")       /* by time or by resume; nothing is held */          \
	X(LEASE_END_HELD, "lease_end_held")                                                  \
	X(GIVEN_UP, "given_up")         /* our wake failed, and nothing is held any more */

#define WAKE_ACTIONS(X)                                                                      \
	X(PASS, "pass")       /* this request goes on to the backend */                      \
	X(HOLD, "hold")       /* this request waits */                                       \
	X(REFUSE, "refuse")   /* this request gets 503 with the instance's reason */         \
	X(WAKE, "wake")       /* ask for a wake, unless one is under way */                  \
	X(NUDGE, "nudge")     /* ask for one if wake_nudge_due() */                          \
	X(RELEASE, "release") /* let the held requests go, in order */                       \
	X(FAIL_HELD, "fail_held") /* 503 with the instance's reason to all held */           \
	X(ARM_LEASE, "arm_lease") /* lease_until_ms was set */                               \
	X(DISARM, "disarm")   /* no lease any more */
/* clang-format on */

enum wake_state {
	WAKE_UNSET,
#define X(name, text) WAKE_##name,
	WAKE_STATES(X)
#undef X
	        WAKE_STATES_COUNT
};

enum wake_event {
	WAKE_EV_UNSET,
#define X(name, text) WAKE_EV_##name,
	WAKE_EVENTS(X)
#undef X
	        WAKE_EVENTS_COUNT
};

enum wake_action_bit {
#define X(name, text) WAKE_BIT_##name,
	WAKE_ACTIONS(X)
#undef X
	        WAKE_ACTIONS_COUNT
};

enum wake_action {
#define X(name, text) WAKE_DO_##name = 1 << WAKE_BIT_##name,
	WAKE_ACTIONS(X)
#undef X
};

struct wake {
	enum wake_state state;
	uint64_t lease_until_ms;  /* of the lease, in DRAINING */
	uint64_t nudge_after_ms;  /* FAILED: no further wake before */
	int64_t fence_generation; /* an instance status of an older one proves nothing */
	int64_t seen_generation;  /* of the container, when last observed; 0: never */
	bool seen_running;
	bool wake_due; /* a lease ended: nothing passes before a wake of our own */
};

/* What the cluster says of one container. */
struct wake_view {
	int64_t generation;          /* metadata.generation of the container */
	bool running;                /* spec.running, and not being deleted */
	bool failed;                 /* the instance's phase is Failed */
	bool stopping;               /* the instance's phase is Stopping */
	int64_t consumer_generation; /* of the container, which the consumer is right for */
	bool consumer_listening;     /* the agent says that it is */
};

enum { WAKE_BACKOFF_MS = 5000 };

void wake_init(struct wake *w);

/** wake_step() - one move. Return: WAKE_DO_… bits */
unsigned wake_step(struct wake *w, enum wake_event ev, uint64_t now_ms);

/**
 * wake_quiesce() - start or prolong a lease. Return: as wake_step()
 */
unsigned wake_quiesce(struct wake *w, uint64_t lease_ms, uint64_t now_ms);

/**
 * wake_observe() - which event a view of the cluster is; remembers its generation
 * @held: whether requests are held
 * Return: WAKE_EV_UNSET when it says nothing now (a wake of our own is awaited)
 */
enum wake_event wake_observe(struct wake *w, const struct wake_view *view, bool held);

/** wake_confirmed() - our wake's patch was answered with this metadata.generation */
void wake_confirmed(struct wake *w, int64_t generation);

/** wake_nudge_due() - FAILED: whether a refused request should ask for a wake all the same */
bool wake_nudge_due(struct wake *w, uint64_t now_ms);

/** wake_is_ready() - the READY rule of docs/protocols.md */
bool wake_is_ready(const struct wake *w, const struct wake_view *view);

const char *wake_state_name(enum wake_state state);
const char *wake_event_name(enum wake_event ev);
const char *wake_action_name(enum wake_action_bit bit);
