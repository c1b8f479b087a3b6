/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report - tells people about one container: status.idle, Events, the log, metrics, /v1/decisions
 *
 * All that it tells is given to it as values. It keeps only what is not written yet.
 */
#pragma once

#include <jansson.h>

#include "idle-monitor/core/note.h"
#include "idle-monitor/io/stopper.h"
#include "lib/kube/cache/informer.h"
#include "lib/kube/control/recorder.h"

struct kube_call;
struct metric;

enum { REPORT_RETRY_MS = 5000 };

/* What all reports share; borrowed. */
struct report_env {
	struct kube_client *client;
	struct informer *containers; /* learns what a write has made of the object */
	struct recorder *recorder;
	struct metric *stops_total;
};

/* Embedded in its owner; only report.c changes it. */
struct report {
	const struct report_env *env;
	struct kube_call *call;               /* a write of status.idle under way */
	const json_t *object;                 /* with call: of what, referenced */
	char written_reason[NOTE_TEXT_BYTES]; /* with call: the stop_reason in it */
	uint64_t again_ms;                    /* after a write that failed: not before */
	char stop_reason[NOTE_TEXT_BYTES];    /* of the last stop, until it is written; or "" */
	uint64_t stop_wall_ms;                /* with stop_reason: when that was */
};

/* What GET /v1/decisions shows of a container. */
struct report_view {
	const json_t *object;
	const struct idle_decision *decision;
	bool running;
	const char *source; /* what the last activity was */
	enum stop_state stop;
};

void report_init(struct report *r, const struct report_env *env);
void report_done(struct report *r);

/** report_sync() - write status.idle of @object when that is worth it and nothing forbids it now */
void report_sync(struct report *r, const json_t *object, const struct note_facts *facts);
/** report_is_writing() - the object's resourceVersion is about to change */
bool report_is_writing(const struct report *r);
/** report_has_stop() - there was a stop that is not in the status yet */
bool report_has_stop(const struct report *r);

/** report_outcome() - a stop ended; a stopper's on_outcome. @arg: struct report */
void report_outcome(void *arg, const struct stopper_outcome *outcome);

/** report_describe() - for GET /v1/decisions. Return: new reference, NULL out of memory */
json_t *report_describe(const struct report_view *view, uint64_t now_ms);
