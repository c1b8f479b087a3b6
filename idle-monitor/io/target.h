/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target - one StoppableContainer that is awake: what is known of it, and the decision
 *
 * target.c gathers the facts and decides with core/idle.h. A stop is carried out by its stopper,
 * and what people read is written by its report; neither knows of the target.
 */
#pragma once

#include <sys/queue.h>

#include "idle-monitor/core/defaults.h"
#include "idle-monitor/io/report.h"
#include "idle-monitor/io/scrape.h"
#include "idle-monitor/io/stopper.h"
#include "lib/api/resource.h"

struct event;

enum { TARGET_UID_BYTES = 64, TARGET_STATUS_PAUSE_MS = 5000 };

LIST_HEAD(targets_changing, target);

/* What all targets share; borrowed. */
struct target_env {
	struct event_base *base;
	struct scrape *scrape;
	const struct defaults *defaults;   /* where the manifest says nothing */
	struct targets_changing *changing; /* those that just began to start or to stop */
	bool (*may_act)(void *arg);        /* leading, now */
	bool (*is_watch_lost)(void *arg);
	void *arg;
	struct stopper_env stopper;
	struct report_env report;
};

struct target {
	const struct target_env *env;
	const json_t *object;      /* referenced: the newest version */
	struct resource *resource; /* parsed of it; NULL when it cannot be used */
	char consumer_uid[TARGET_UID_BYTES];
	bool consumer_left; /* a process of it may still be there */
	bool ready;
	uint64_t started_ms;
	struct idle_decision decision;
	struct event *timer; /* until the decision changes by itself, or the stop's deadline */
	struct stopper stopper;
	struct report report;
	uint64_t changing_until_ms;       /* it just began to start or to stop; 0: it did not */
	LIST_ENTRY(target) changing_link; /* while changing_until_ms is not 0 */
};

/** target_new() - @object is referenced; set its instance next */
int target_new(const struct target_env *env, const json_t *object, struct target **ret_target,
               struct err *err);
void target_free(struct target *t);

void target_set_object(struct target *t, const json_t *object);
/** target_set_instance() - @found: it was there when this program started; @instance may be NULL */
void target_set_instance(struct target *t, const json_t *instance, bool found);

/** target_evaluate() - decide anew and act on it. Return: whether fresh answers are wanted */
bool target_evaluate(struct target *t);
bool target_is_running(const struct target *t);
/**
 * target_would_rest() - a container that sleeps and whose status says so needs no target
 * @instance may be NULL
 */
bool target_would_rest(const json_t *object, const json_t *instance);
/** target_is_at_rest() - likewise, and nothing is under way */
bool target_is_at_rest(const struct target *t);

/** target_describe() - for GET /v1/decisions. Return: new reference, NULL out of memory */
json_t *target_describe(const struct target *t, uint64_t now_ms);
/** target_describe_resting() - the same of a container that needs no target */
json_t *target_describe_resting(const json_t *object);
