/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply - carries plans out: one at a time per container, all its calls at once
 */
#include "controller/io/apply.h"

#include <assert.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "controller/core/defer.h"
#include "controller/core/refusal.h"
#include "controller/io/meter.h"
#include "lib/api/names.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/kube/client/denial.h"
#include "lib/kube/client/object.h"
#include "lib/kube/control/recorder.h"
#include "lib/kube/control/workqueue.h"
#include "lib/text/json_ref.h"

/* So many plans in a row that all found work: another program undoes it. Slow down. */
enum { APPLY_UNSETTLED_MAX = 30, UNSETTLED_TEXT_BYTES = 1500 };

/* One container, in a tree by key. Most have nothing to remember, so their memory is freed. */
struct subject {
	struct memory *memory; /* NULL: none, and no job is under way */
	TAILQ_ENTRY(subject) starts;
	uint64_t starts_since_ms; /* 0: it is not on its way up */
	struct meter_entry meter;
	unsigned unsettled_count;
	char key[];
};

struct job;

struct job_call {
	struct job *job;
	size_t action;
	struct kube_call *call; /* NULL when it was answered */
};

/* One plan being carried out. */
struct job {
	struct apply *apply;
	struct job *next;
	struct subject *subject;
	json_t *container; /* as the plan saw it; the instance when the container is gone */
	struct plan plan;
	struct job_call calls[PLAN_ACTIONS_MAX];
	size_t pending_count;
	uint64_t begun_us;
	bool has_failed;
};

struct apply {
	struct apply_opts opts;
	struct watch *watch;
	struct workqueue *queue;
	struct meter *meter;
	struct job *jobs;                   /* under way */
	void *subjects;                     /* tsearch(3) */
	TAILQ_HEAD(starts, subject) starts; /* on their way up, the first since longest */
	/*
	 * One of each that is free, or NULL. Most plans find nothing to do, one after the other,
	 * and each request for so large a block would make malloc sort all small ones that are
	 * free.
	 */
	struct job *reusable_job;
	struct memory *reusable_memory; /* all zero */
};

/* --- subjects --- */

static const char *subject_key(const void *subject)
{
	return ((const struct subject *)subject)->key;
}

static int subject_compare(const void *a, const void *b)
{
	return strcmp(subject_key(a), subject_key(b));
}

static void subject_free(void *subject)
{
	free(((struct subject *)subject)->memory);
	free(subject);
}

static struct subject *subject_get(struct apply *a, const char *key)
{
	struct subject *e = calloc(1, sizeof *e + strlen(key) + 1);
	struct subject **found;

	if (e == NULL)
		return NULL;
	memcpy(e->key, key, strlen(key) + 1);
	found = tsearch(e, &a->subjects, subject_compare);
	if (found == NULL || *found != e)
		free(e);
	if (found == NULL)
		return NULL;
	if ((*found)->memory == NULL)
		(*found)->memory = a->reusable_memory != NULL ? TAKE_PTR(a->reusable_memory)
		                                              : calloc(1, sizeof *(*found)->memory);
	return (*found)->memory != NULL ? *found : NULL;
}

/* No job is under way any more. */
static void subject_rest(struct apply *a, struct subject *e)
{
	assert(e->memory != NULL);
	if (!memory_is_blank(e->memory))
		return;
	free(a->reusable_memory);
	a->reusable_memory = TAKE_PTR(e->memory);
	memset(a->reusable_memory, 0, sizeof *a->reusable_memory);
}

/* After a plan that found the start at @stage. */
static void subject_set_stage(struct apply *a, struct subject *e, enum plan_stage stage,
                              uint64_t now_ms)
{
	bool starts = stage != PLAN_STAGE_NONE && stage != PLAN_STAGE_RUNNING;

	if (starts == (e->starts_since_ms != 0))
		return;
	assert(!starts || now_ms != 0); /* 0 says that it does not */
	e->starts_since_ms = starts ? now_ms : 0;
	if (starts)
		TAILQ_INSERT_TAIL(&a->starts, e, starts);
	else
		TAILQ_REMOVE(&a->starts, e, starts);
}

/* A start that takes longer is not waited for: it may never succeed. */
static bool others_start(const struct apply *a, const struct subject *e, uint64_t now_ms)
{
	const struct subject *last = TAILQ_LAST(&a->starts, starts);

	if (last == e)
		last = TAILQ_PREV(e, starts, starts);
	return last != NULL && now_ms - last->starts_since_ms < 2 * DEFER_MS;
}

static void subject_forget(struct apply *a, struct subject *e)
{
	subject_set_stage(a, e, PLAN_STAGE_NONE, 0);
	meter_forget(a->meter, &e->meter);
	(void)tdelete(e, &a->subjects, subject_compare);
	subject_free(e);
}

/* --- the end of a job --- */

/* Events go with the status that says the same: no later plan finds that change again. */
static void tell_events(struct job *job)
{
	for (size_t i = 0; i < job->plan.events_count; i++) {
		const struct report_event *e = &job->plan.events[i];

		recorder_event(job->apply->opts.recorder, job->container, e->warning, e->reason,
		               "%s", e->message);
	}
}

/* Return: all zero; NULL out of memory */
static struct job *job_new(struct apply *a)
{
	struct job *job = a->reusable_job != NULL ? TAKE_PTR(a->reusable_job) : malloc(sizeof *job);

	if (job != NULL)
		memset(job, 0, sizeof *job);
	return job;
}

static void job_give_back(struct apply *a, struct job *job)
{
	free(a->reusable_job);
	a->reusable_job = job;
}

static void job_free(struct job *job)
{
	struct job **at = &job->apply->jobs;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	plan_done(&job->plan);
	json_decref(job->container);
	job_give_back(job->apply, job);
}

/* Log what the last plan did, with the statuses it wrote, to show with whom it fights. */
static void tell_unsettled(const struct job *job)
{
	char text[UNSETTLED_TEXT_BYTES] = "";
	size_t used = 0;

	for (size_t i = 0; i < job->plan.actions_count && used < sizeof text; i++) {
		const struct plan_action *action = &job->plan.actions[i];
		CLEANUP(free_var)
		char *body = action->verb == PLAN_PATCH_STATUS
		                     ? json_dumps(action->body, JSON_COMPACT)
		                     : NULL;

		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %s %s %s",
		                         i > 0 ? ", " : "", plan_verb_name(action->verb),
		                         plan_on_name(action->on), action->name,
		                         body != NULL ? body : "");
	}
	log_event(LOG_WARN, "plan.unsettled", log_str("container", job->subject->key),
	          log_u64("plans_count", job->subject->unsettled_count), log_str("last", text));
}

static void job_end(struct job *job)
{
	struct apply *a = job->apply;
	struct subject *e = job->subject;
	bool has_failed = job->has_failed;

	assert(job->pending_count == 0);
	meter_plan(a->meter, clk_now_us() - job->begun_us, has_failed);
	e->unsettled_count = job->plan.actions_count > 0 ? e->unsettled_count + 1 : 0;
	if (e->unsettled_count > APPLY_UNSETTLED_MAX) {
		tell_unsettled(job);
		has_failed = true;
	}
	if (!has_failed && job->plan.actions_count > 0)
		workqueue_add(a->queue, e->key);
	else if (!has_failed && job->plan.again_ms > 0)
		workqueue_add_after(a->queue, e->key, job->plan.again_ms);
	job_free(job);
	subject_rest(a, e);
	workqueue_done(a->queue, e->key, has_failed);
}

static void answered(struct job_call *call)
{
	struct job *job = call->job;

	assert(job->pending_count > 0);
	if (--job->pending_count == 0)
		job_end(job);
}

/* --- answers --- */

static const char *name_of(const struct job *job)
{
	return strchr(job->subject->key, '/') + 1;
}

static struct kube_ref ref_of(const struct job *job, const struct plan_action *action,
                              const char *name)
{
	return (struct kube_ref){
	        .type = watch_type(action->on),
	        .ns = kube_namespace(job->container),
	        .name = name,
	        .subresource = action->verb == PLAN_PATCH_STATUS ? "status" : NULL,
	};
}

static void hold(struct job *job, const struct plan_action *action, const char *reason,
                 const char *text)
{
	const struct memory_attempt attempt = {action->held, kube_generation(job->container),
	                                       clk_now_ms()};

	memory_hold(job->subject->memory, &attempt, reason, text);
	log_event(LOG_WARN, "plan.refused", log_str("container", job->subject->key),
	          log_str("object", plan_on_name(action->on)), log_str("name", action->name),
	          log_str("error", text));
}

/* Its controller is the one that the object to be made names. */
static bool is_ours(const struct plan_action *action, const json_t *object)
{
	const json_t *owner = kube_owner_controller(object);
	const json_t *would =
	        json_array_get(json_at(action->body, "metadata", "ownerReferences", NULL), 0);

	return owner != NULL && strcmp(json_str_at(owner, "", "uid", NULL),
	                               json_str_at(would, "-", "uid", NULL)) == 0;
}

/* The object whose name is taken: our own, when an answer was lost, or another's. */
static void on_found(void *arg, const struct kube_result *res)
{
	struct job_call *call = arg;
	struct job *job = call->job;
	const struct plan_action *action = &job->plan.actions[call->action];
	char text[MEMORY_TEXT_BYTES];

	call->call = NULL;
	(void)snprintf(
	        text, sizeof text,
	        "a %s %s that does not belong to this resource is in the way: delete it, or %s",
	        watch_type(action->on)->kind, action->name,
	        action->held == HELD_SERVICE ? "set another spec.activation.serviceName"
	                                     : "give this resource another name");
	if (res->err != NULL || kube_is_deleting(res->body))
		job->has_failed =
		        true; /* gone, or soon: the object of a former container of this name */
	else if (is_ours(action, res->body))
		watch_learn(job->apply->watch, action->on, res->body);
	else if (action->held == HELD_CONSUMER && strcmp(action->name, name_of(job)) == 0)
		job->subject->memory->plain_name_taken = true;
	else if (action->held != HELD_UNSET)
		hold(job, action,
		     action->held == HELD_SERVICE ? "ServiceConflict"
		                                  : refusal_reason(action->held, 409, text),
		     text);
	else
		job->has_failed = true; /* a foreign instance: its cache will show it */
	answered(call);
}

/* Return: true when a further call was sent that will answer. */
static bool look_what_is_there(struct job_call *call)
{
	struct job *job = call->job;
	const struct plan_action *action = &job->plan.actions[call->action];
	struct kube_ref ref = ref_of(job, action, action->name);

	call->call = kube_get(job->apply->opts.client, &ref, on_found, call);
	return call->call != NULL;
}

static void on_failure(struct job *job, const struct plan_action *action, const struct err *err)
{
	job->has_failed = true;
	log_event(err->code == ERR_CONFLICT || err->code == ERR_NOT_FOUND ? LOG_DEBUG : LOG_WARN,
	          "plan.call_failed", log_str("container", job->subject->key),
	          log_str("verb", plan_verb_name(action->verb)),
	          log_str("object", plan_on_name(action->on)), log_str("name", action->name),
	          log_err(err));
}

/* Whether the object is at fault, not the server or the way to it. */
static bool is_refusal(const struct kube_result *res)
{
	return res->http_status == 403 || res->http_status == 422 || res->http_status == 400;
}

static void on_success(struct job *job, const struct plan_action *action, const json_t *object)
{
	if (action->verb != PLAN_DELETE || kube_is_deleting(object))
		watch_learn(job->apply->watch, action->on, object);
	if (action->verb == PLAN_PATCH_STATUS && action->on == PLAN_ON_CONTAINER)
		tell_events(job);
	if (action->verb != PLAN_CREATE || action->held != HELD_CONSUMER)
		return;
	log_event(LOG_INFO, "consumer.created", log_str("container", job->subject->key),
	          log_str("pod", action->name), log_str("uid", kube_uid(object)));
	recorder_event(job->apply->opts.recorder, job->container, false, "ConsumerCreated",
	               "created Pod %s", action->name);
}

/* Remembers the answer. A refusal that may pass counts as a failed call for a while. */
static bool may_still_pass(struct job *job, enum held what, const struct kube_result *res)
{
	struct memory *m = job->subject->memory;

	if (res->err != NULL && denial_may_pass(res->http_status, res->err->text))
		return !memory_denied(m, what, clk_now_ms());
	memory_allowed(m, what);
	return false;
}

static void on_answer(void *arg, const struct kube_result *res)
{
	struct job_call *call = arg;
	struct job *job = call->job;
	const struct plan_action *action = &job->plan.actions[call->action];
	bool passes = action->held != HELD_UNSET && may_still_pass(job, action->held, res);

	call->call = NULL;
	if (res->err == NULL)
		on_success(job, action, res->body);
	else if (action->verb == PLAN_CREATE && res->err->code == ERR_EXISTS &&
	         look_what_is_there(call))
		return;
	else if (action->held != HELD_UNSET && !passes && is_refusal(res))
		hold(job, action, refusal_reason(action->held, res->http_status, res->err->text),
		     res->err->text);
	else
		on_failure(job, action, res->err);
	answered(call);
}

/* --- the start of a job --- */

static struct kube_call *send(struct job *job, const struct plan_action *action,
                              struct job_call *call)
{
	struct kube_client *client = job->apply->opts.client;
	struct kube_ref ref =
	        ref_of(job, action, action->verb == PLAN_CREATE ? NULL : action->name);
	struct kube_delete_opts opts = {.uid = action->uid, .grace_period_s = -1};

	switch (action->verb) {
	case PLAN_CREATE:
		return kube_create(client, &ref, action->body, on_answer, call);
	case PLAN_PATCH:
	case PLAN_PATCH_STATUS:
		return kube_patch_merge(client, &ref, action->body, on_answer, call);
	case PLAN_DELETE:
		return kube_delete(client, &ref, &opts, on_answer, call);
	case PLAN_UNSET:
		break;
	}
	assert(false);
	return NULL;
}

static void job_send(struct job *job)
{
	for (size_t i = 0; i < job->plan.actions_count; i++) {
		job->calls[i] = (struct job_call){job, i, NULL};
		job->calls[i].call = send(job, &job->plan.actions[i], &job->calls[i]);
		if (job->calls[i].call != NULL)
			job->pending_count++;
		else
			job->has_failed = true;
	}
	if (job->pending_count == 0)
		job_end(job);
}

static void on_work(void *arg, const char *key)
{
	struct apply *a = arg;
	struct status_times now = {clk_now_ms(), clk_wall_ms()};
	struct observed seen;
	struct subject *e;
	struct job *job;

	if (!a->opts.may_act(a->opts.arg)) { /* all keys are queued again when it leads */
		workqueue_done(a->queue, key, false);
		return;
	}
	e = subject_get(a, key);
	job = job_new(a);
	if (e == NULL || job == NULL) {
		free(job);
		workqueue_done(a->queue, key, true);
		return;
	}
	watch_observe(a->watch, key, &seen);
	if (seen.container == NULL && seen.instance == NULL) {
		watch_observed_done(&seen);
		job_give_back(a, job);
		workqueue_done(a->queue, key, false);
		subject_forget(a, e);
		return;
	}
	job->apply = a;
	job->subject = e;
	job->container =
	        json_incref(json_ref(seen.container != NULL ? seen.container : seen.instance));
	job->begun_us = clk_now_us();
	job->next = a->jobs;
	a->jobs = job;
	e->memory->others_start = others_start(a, e, now.now_ms);
	plan_make(&seen, e->memory, &a->opts.plan, &now, &job->plan);
	subject_set_stage(a, e, job->plan.stage, now.now_ms);
	meter_stage(a->meter, &e->meter, &job->plan, now.now_ms);
	watch_observed_done(&seen);
	job_send(job);
	meter_depth(a->meter, workqueue_depth(a->queue));
}

/* --- life --- */

int apply_new(struct event_base *base, const struct apply_opts *opts, struct apply **ret_apply,
              struct err *err)
{
	struct apply *a = calloc(1, sizeof *a);
	struct workqueue_opts queue = {.work = on_work, .arg = a};

	if (a == NULL)
		return err_set(err, ERR_NOMEM, 0, "apply");
	a->opts = *opts;
	TAILQ_INIT(&a->starts);
	a->meter = meter_new(opts->metrics);
	if (a->meter == NULL || workqueue_new(base, &queue, &a->queue, err) < 0) {
		apply_free(a);
		return err_set(err, ERR_NOMEM, 0, "apply");
	}
	*ret_apply = a;
	return 0;
}

void apply_free(struct apply *a)
{
	if (a == NULL)
		return;
	while (a->jobs != NULL) {
		for (size_t i = 0; i < PLAN_ACTIONS_MAX; i++)
			if (a->jobs->calls[i].call != NULL)
				kube_cancel(a->jobs->calls[i].call);
		job_free(a->jobs);
	}
	workqueue_free(a->queue);
	tdestroy(a->subjects, subject_free);
	free(a->reusable_job);
	free(a->reusable_memory);
	meter_free(a->meter);
	free(a);
}

void apply_set_watch(struct apply *a, struct watch *watch)
{
	a->watch = watch;
}

void apply_key(struct apply *a, const char *key, uint64_t delay_ms)
{
	workqueue_add_after(a->queue, key, delay_ms);
}

void apply_set_target(struct apply *a, const struct service_target *target)
{
	a->opts.plan.target = *target;
}
