/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idle - may this container be stopped, and if not, why and until when
 *
 * A pure function of what is known at one moment. Lack of data never stops: an activator that
 * does not answer keeps every container awake, and one that has started anew counts as a request
 * at its start, since it cannot know what was before. The same holds for the start of the
 * container itself. All times are milliseconds of our own monotonic clock; what activators tell
 * are ages, so nobody's wall clock matters.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One table: name in the API, the log and the metric; text for people. */
#define IDLE_REASONS(X)                                                                            \
	X(NO_REQUEST, "NoRequest", "nobody has used it for its idle timeout")                      \
	X(NOT_RUNNING, "NotRunning", "it is not meant to run")                                     \
	X(INVALID_SPEC, "InvalidSpec", "its manifest cannot be used")                              \
	X(NO_TIMEOUT, "NoTimeout", "its idle timeout is 0s: never")                                \
	X(SIGNAL_OFF, "SignalOff", "no kind of activity is watched")                               \
	X(NOT_READY, "NotReady", "it is still starting")                                           \
	X(WATCH_LOST, "WatchLost", "the API server cannot be watched")                             \
	X(ACTIVATOR_UNREACHABLE, "ActivatorUnreachable", "not every activator answers")            \
	X(REQUESTS_IN_FLIGHT, "RequestsInFlight", "requests are in flight or held")                \
	X(UPGRADED_OPEN, "UpgradedConnectionOpen", "an upgraded connection is open")               \
	X(RECENT_REQUEST, "RecentRequest", "the last request is not long enough ago")              \
	X(RECENT_START, "RecentStart", "the start is not long enough ago")                         \
	X(STARTUP_GRACE, "StartupGrace", "it is in its grace time after the start")                \
	X(ACTIVATOR_RESTARTED, "ActivatorRestarted", "an activator knows too little of the past")

enum idle_reason {
	IDLE_UNSET, /* not decided yet: never told */
#define IDLE_REASON_ENUM(name, label, text) IDLE_##name,
	IDLE_REASONS(IDLE_REASON_ENUM)
#undef IDLE_REASON_ENUM
	        IDLE_REASONS_COUNT
};

enum idle_verdict {
	IDLE_KEEP,
	IDLE_ASK, /* all data says stop, but it is too old: ask the activators again, now */
	IDLE_STOP,
};

struct idle_config {
	uint64_t timeout_ms; /* 0: never */
	uint64_t startup_grace_ms;
	bool signal_http; /* requests are watched */
};

/* The newest answer of one activator about one container. */
struct idle_view {
	bool answered;           /* the last question was answered */
	uint64_t asked_ms;       /* when that question was sent: the answer is at least as new */
	uint64_t knows_since_ms; /* when that activator started: it knows nothing of before */
	bool has_request;
	uint64_t last_request_ms; /* latest moment at which the last request can have ended */
	bool busy;                /* requests in flight or held */
	bool upgraded_open;
};

struct idle_state {
	bool spec_valid;
	bool running;    /* spec.running */
	bool ready;      /* its process was started, or it failed to */
	bool watch_lost; /* the cache may be old */
	uint64_t started_ms;
	const struct idle_view *views;
	size_t views_count;    /* one per activator */
	bool views_missing;    /* there are activators of which there is none */
	uint64_t view_lost_ms; /* when an activator went for good, with what it knew; 0: never */
};

struct idle_decision {
	enum idle_verdict verdict;
	enum idle_reason reason;
	uint64_t until_ms;         /* when it would be stopped if nothing happens; 0: not known */
	uint64_t last_activity_ms; /* latest activity known or assumed; 0: none */
	size_t last_view;          /* which activator told of it; views_count: none */
};

const char *idle_reason_name(enum idle_reason reason);
const char *idle_reason_text(enum idle_reason reason);

/** idle_decide() - the whole policy; @now_ms: monotonic */
struct idle_decision idle_decide(const struct idle_config *config, const struct idle_state *state,
                                 uint64_t now_ms);

/**
 * idle_start_assumed() - when a container counts as started that already ran as we came
 * @now_ms:          monotonic
 * @now_wall_ms:     the same moment by the wall clock
 * @active_wall_ms:  the last activity that an earlier idle-monitor noted; 0: none
 * @started_wall_ms: when its process was started, by the node's clock; 0: not known
 *
 * The later of the two, but now where one is missing or lies in the future. This is the only use
 * of a wall clock; a wrong one can delay a stop or hasten it, but never over a request that an
 * activator has seen.
 */
uint64_t idle_start_assumed(uint64_t now_ms, uint64_t now_wall_ms, uint64_t active_wall_ms,
                            uint64_t started_wall_ms);
