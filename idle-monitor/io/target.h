/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target - one StoppableContainer: what is known of it, its decision, its stop
 *
 * target.c keeps the facts and decides, stopper.c carries out a stop, report.c tells of it.
 */
#pragma once

#include <sys/queue.h>

#include "idle-monitor/core/defaults.h"
#include "idle-monitor/core/note.h"
#include "idle-monitor/core/stop.h"
#include "idle-monitor/io/scrape.h"
#include "lib/api/resource.h"
#include "lib/kube/cache/informer.h"
#include "lib/kube/control/recorder.h"

struct event;
struct metric;
struct quiesce_call;

enum { TARGET_UID_BYTES = 64, TARGET_VERSION_BYTES = 64, TARGET_STATUS_PAUSE_MS = 5000 };

LIST_HEAD(targets_passing, target);

/* What all targets share; borrowed. */
struct target_env {
	struct event_base *base;
	struct kube_client *client;
	struct informer *containers;
	struct scrape *scrape;
	struct recorder *recorder;
	struct metric *stops_total;
	const struct defaults *defaults; /* where the manifest says nothing */
	struct stop_limits limits;
	struct targets_passing *passing; /* those that just began to start or to stop */
	bool (*may_act)(void *arg);      /* leading, now */
	bool (*is_watch_lost)(void *arg);
	void *arg;
};

struct target {
	const struct target_env *env;
	const json_t *object;      /* referenced: the newest version */
	struct resource *resource; /* parsed of it; NULL when it cannot be used */
	char consumer_uid[TARGET_UID_BYTES];
	bool consumer_left;
	bool ready;
	uint64_t started_ms;
	struct idle_decision decision;
	struct event *timer; /* until the decision changes by itself, or the stop's deadline */

	struct stop stop;
	char stop_version[TARGET_VERSION_BYTES]; /* resourceVersion that the decision was made of */
	char stop_text[NOTE_TEXT_BYTES];         /* why */
	LIST_HEAD(quiesce_calls, quiesce_call) quiesce_calls;
	struct kube_call *patch_call;

	struct kube_call *status_call;
	uint64_t status_again_ms;            /* after a write that failed */
	uint64_t passing_until_ms;           /* just woken or stopped */
	LIST_ENTRY(target) passing_link;     /* while passing_until_ms is not 0 */
	char stop_reason[NOTE_TEXT_BYTES];   /* not written yet, "" for none */
	uint64_t stop_wall_ms;               /* when; with stop_reason */
	char status_reason[NOTE_TEXT_BYTES]; /* being written */
};

/** target_new() - @object is referenced; set its instance next */
int target_new(const struct target_env *env, const json_t *object, struct target **ret_target,
               struct err *err);
void target_free(struct target *t);

void target_set_object(struct target *t, const json_t *object);
/** target_set_instance() - @found: it was there before we came; @instance may be NULL */
void target_set_instance(struct target *t, const json_t *instance, bool found);

/** target_evaluate() - decide anew and act on it. Return: whether fresh answers are wanted */
bool target_evaluate(struct target *t);
struct idle_config target_config(const struct target *t);
bool target_is_running(const struct target *t);
/**
 * target_would_rest() - a container that sleeps and whose status says so needs no target
 * @instance may be NULL
 */
bool target_would_rest(const json_t *object, const json_t *instance);
/** target_is_at_rest() - likewise, and nothing is under way */
bool target_is_at_rest(const struct target *t);

/* stopper.c */
void stopper_start(struct target *t);
void stopper_step(struct target *t, enum stop_event ev);
/** stopper_forget() - end the questions to that activator; no attempt may be under way */
void stopper_forget(struct target *t, const struct http_client *client);
void stopper_done(struct target *t);

/* report.c */
/** report_sync() - write status.idle when that is worth it and nothing forbids it now */
void report_sync(struct target *t);
void report_stopped(struct target *t);
void report_aborted(struct target *t, enum stop_event why);
/** report_source() - what the last activity was */
void report_source(const struct target *t, char buf[NOTE_TEXT_BYTES]);
/** report_stop_text() - why it is stopped, of the decision of now */
void report_stop_text(const struct target *t, uint64_t now_ms, char buf[NOTE_TEXT_BYTES]);
/** report_describe() - for GET /v1/decisions. Return: new reference, NULL out of memory */
json_t *report_describe(const struct target *t, uint64_t now_ms);
/** report_read_note() - status.idle as it is written */
void report_read_note(const json_t *object, struct note *ret_note);
