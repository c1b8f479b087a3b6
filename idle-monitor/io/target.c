/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target - one StoppableContainer that is awake: what is known of it, and the decision
 */
#include "idle-monitor/io/target.h"

#include <assert.h>
#include <event2/event.h>
#include <string.h>

#include "idle-monitor/core/phrase.h"
#include "lib/api/instance.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/base/str.h"
#include "lib/kube/client/object.h"

DEFINE_CLEANUP(struct target *, target_free);

static struct idle_config target_config(const struct target *t)
{
	const struct resource_idle *idle = &t->resource->idle;
	const struct defaults *defaults = t->env->defaults;
	const char *ns = t->resource->ns;

	return (struct idle_config){
	        .timeout_ms =
	                idle->timeout_set ? idle->timeout_ms : defaults_timeout_ms(defaults, ns),
	        .startup_grace_ms = idle->startup_grace_set
	                                    ? idle->startup_grace_ms
	                                    : defaults_startup_grace_ms(defaults, ns),
	        /* a container that no request can wake is not stopped for want of requests */
	        .signal_http = idle->signal_http && t->resource->activation.enabled,
	};
}

static bool object_is_running(const json_t *object)
{
	return json_bool_at(object, false, "spec", "running", NULL) && !kube_is_deleting(object);
}

bool target_is_running(const struct target *t)
{
	return object_is_running(t->object);
}

/* Whether the process of the current consumer was started, or never will be. */
static bool instance_is_ready(const json_t *instance, int64_t reached)
{
	static const char *const states[] = {"Started", "Listening", "Exited", "Failed", NULL};
	struct instance_consumer consumer;

	if (strcmp(json_str_at(instance, "", "status", "phase", NULL), "Failed") == 0)
		return true;
	instance_consumer(instance, reached, &consumer);
	return str_is_one_of(consumer.state, states);
}

/* When a container counts as started that ran before this program did. */
static uint64_t target_started_before(const struct target *t, const json_t *instance)
{
	const char *text = json_str_at(instance, "", "status", "consumer", "startedAt", NULL);
	uint64_t started_wall_ms = 0;
	struct note note;

	note_read(t->object, &note);
	if (note.state != NOTE_ACTIVE && note.state != NOTE_IDLE)
		note.active_wall_ms = 0;
	(void)num_parse_rfc3339(text, &started_wall_ms, NULL);
	return idle_start_assumed(clk_now_ms(), clk_wall_ms(), note.active_wall_ms,
	                          started_wall_ms);
}

static bool instance_has_consumer(const json_t *instance, int64_t reached)
{
	static const char *const awake[] = {"ConsumerStarting", "Running", "Stopping", NULL};
	static const char *const ended[] = {"Exited", "Failed", NULL};
	struct instance_consumer consumer;

	instance_consumer(instance, reached, &consumer);
	if (consumer.is_status_old)
		return !str_is_one_of(consumer.state, ended);
	return str_is_one_of(json_str_at(instance, "", "status", "phase", NULL), awake);
}

/* Its status.idle is what note_make() would make of it. */
static bool object_rests(const json_t *object)
{
	struct note note;

	note_read(object, &note);
	return !json_bool_at(object, false, "spec", "running", NULL) && note.state == NOTE_ASLEEP &&
	       note.stop_at_wall_ms == 0;
}

bool target_would_rest(const json_t *object, const json_t *instance)
{
	return object_rests(object) && !instance_has_consumer(instance, kube_generation(object));
}

bool target_is_at_rest(const struct target *t)
{
	/* with the stopper: a yes that comes late is followed by a resume */
	return object_rests(t->object) && !t->consumer_left && stopper_is_at_rest(&t->stopper) &&
	       !report_is_writing(&t->report) && !report_has_stop(&t->report);
}

void target_set_instance(struct target *t, const json_t *instance, bool found)
{
	int64_t reached = kube_generation(t->object);
	struct instance_consumer consumer;
	bool ready = target_is_running(t) && instance_is_ready(instance, reached);

	instance_consumer(instance, reached, &consumer);
	if (ready && (!t->ready || strcmp(consumer.uid, t->consumer_uid) != 0))
		t->started_ms = found ? target_started_before(t, instance) : clk_now_ms();
	t->ready = ready;
	t->consumer_left = instance_has_consumer(instance, reached);
	(void)snprintf(t->consumer_uid, sizeof t->consumer_uid, "%s", consumer.uid);
}

/* For how long a start or a stop is not written to status.idle by itself. */
static uint64_t target_pause_ms(const struct target *t)
{
	uint64_t timeout_ms = t->resource != NULL ? target_config(t).timeout_ms : 0;

	return timeout_ms != 0 && timeout_ms / 2 < TARGET_STATUS_PAUSE_MS ? timeout_ms / 2
	                                                                  : TARGET_STATUS_PAUSE_MS;
}

static void target_set_changing(struct target *t, uint64_t until_ms)
{
	if (t->changing_until_ms == 0 && until_ms != 0)
		LIST_INSERT_HEAD(t->env->changing, t, changing_link);
	else if (t->changing_until_ms != 0 && until_ms == 0)
		LIST_REMOVE(t, changing_link);
	t->changing_until_ms = until_ms;
}

/*
 * Its status says Running already, and no other start or stop waits for the API server: then a
 * write of ours delays nobody, and what people read is not seconds old.
 */
static bool target_has_arrived(const struct target *t)
{
	return t->changing_until_ms != 0 && target_is_running(t) &&
	       strcmp(json_str_at(t->object, "", "status", "phase", NULL), "Running") == 0 &&
	       LIST_FIRST(t->env->changing) == t && LIST_NEXT(t, changing_link) == NULL;
}

void target_set_object(struct target *t, const json_t *object)
{
	bool was_running = target_is_running(t);
	struct resource *resource = NULL;
	struct err err = {0};

	if (resource_parse(object, &resource, &err) < 0 && t->resource != NULL)
		log_event(LOG_WARN, "target.invalid", log_str("namespace", kube_namespace(object)),
		          log_str("name", kube_name(object)), log_err(&err));
	resource_free(t->resource);
	t->resource = resource;
	json_decref((json_t *)t->object);
	t->object = json_incref((json_t *)object);
	if (!target_is_running(t))
		t->ready = false;
	if (target_is_running(t) != was_running)
		target_set_changing(t, clk_now_ms() + target_pause_ms(t));
	else if (target_has_arrived(t))
		target_set_changing(t, 0);
}

/* Set the timer to the next moment at which something changes without any event. */
static void target_arm(struct target *t, uint64_t now_ms)
{
	uint64_t at_ms = UINT64_MAX;
	uint64_t wait_ms;
	struct timeval wait;

	if (t->decision.verdict == IDLE_KEEP && t->decision.until_ms > now_ms)
		at_ms = t->decision.until_ms;
	if (t->stopper.stop.deadline_ms != 0 && t->stopper.stop.deadline_ms < at_ms)
		at_ms = t->stopper.stop.deadline_ms;
	if (t->changing_until_ms > now_ms && t->changing_until_ms < at_ms)
		at_ms = t->changing_until_ms;
	if (at_ms == UINT64_MAX) {
		(void)evtimer_del(t->timer);
		return;
	}
	wait_ms = at_ms > now_ms ? at_ms - now_ms : 0;
	wait = clk_timeval(wait_ms);
	(void)evtimer_add(t->timer, &wait);
}

static struct idle_decision target_decide(const struct target *t, uint64_t now_ms)
{
	const struct target_env *env = t->env;
	struct idle_view views[SCRAPE_ACTIVATORS_MAX];
	struct idle_config config = {0};
	struct idle_state state = {
	        .spec_valid = t->resource != NULL,
	        .running = target_is_running(t),
	        .ready = t->ready,
	        .watch_lost = env->is_watch_lost(env->arg),
	        .started_ms = t->started_ms,
	        .views = views,
	        .views_count = scrape_count(env->scrape),
	        .views_missing = !scrape_is_complete(env->scrape),
	        .view_lost_ms = scrape_removed_ms(env->scrape),
	};

	for (size_t i = 0; i < state.views_count; i++)
		views[i] = scrape_view(env->scrape, i, kube_uid(t->object));
	if (t->resource != NULL)
		config = target_config(t);
	return idle_decide(&config, &state, now_ms);
}

/* Return: who sent the last request, as core/phrase.h wants it */
static const char *target_last_client(const struct target *t)
{
	const struct scrape *s = t->env->scrape;

	if (t->decision.last_view >= scrape_count(s))
		return NULL;
	return scrape_last_client(s, t->decision.last_view, kube_uid(t->object));
}

static void target_stop(struct target *t, uint64_t now_ms)
{
	char text[NOTE_TEXT_BYTES];

	assert(t->decision.verdict == IDLE_STOP && target_is_running(t));
	phrase_stop(&t->decision, target_last_client(t), now_ms, text);
	stopper_start(&t->stopper, t->object, text);
}

static void target_report(struct target *t)
{
	char source[NOTE_TEXT_BYTES];
	struct note_facts facts = {
	        .decision = t->decision,
	        .timeout_ms = t->resource != NULL ? target_config(t).timeout_ms : 0,
	        .running = target_is_running(t),
	        .consumer_left = t->consumer_left,
	        .source = source,
	        .now_ms = clk_now_ms(),
	        .now_wall_ms = clk_wall_ms(),
	};

	/* a write of ours would change the resourceVersion that a stop's patch tests */
	if (stop_is_under_way(&t->stopper.stop))
		return;
	/* a start or a stop goes through several states quickly: one write for all of them */
	if (facts.now_ms < t->changing_until_ms && !report_has_stop(&t->report))
		return;
	phrase_activity(&t->decision, target_last_client(t), source);
	report_sync(&t->report, t->object, &facts);
}

bool target_evaluate(struct target *t)
{
	uint64_t now_ms = clk_now_ms();
	bool may_act = t->env->may_act(t->env->arg);
	const struct stop *stop = &t->stopper.stop;

	if (t->changing_until_ms != 0 && now_ms >= t->changing_until_ms)
		target_set_changing(t, 0);
	t->decision = target_decide(t, now_ms);
	if (stop->state == STOP_QUIESCING && (!may_act || t->decision.reason == IDLE_NOT_RUNNING))
		stopper_step(&t->stopper, STOP_EV_CANCEL);
	if (t->decision.verdict == IDLE_STOP && may_act && !report_is_writing(&t->report))
		target_stop(t, now_ms);
	if (may_act && t->decision.verdict != IDLE_ASK)
		target_report(t);
	target_arm(t, now_ms);
	return t->decision.verdict == IDLE_ASK && !stop_is_under_way(stop);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct target *t = arg;

	if (t->stopper.stop.deadline_ms != 0 && clk_now_ms() >= t->stopper.stop.deadline_ms)
		stopper_step(&t->stopper, STOP_EV_DEADLINE);
	if (target_evaluate(t))
		scrape_ask_now(t->env->scrape);
}

json_t *target_describe(const struct target *t, uint64_t now_ms)
{
	char source[NOTE_TEXT_BYTES];
	const struct report_view view = {
	        .object = t->object,
	        .decision = &t->decision,
	        .running = target_is_running(t),
	        .source = source,
	        .stop = t->stopper.stop.state,
	};

	phrase_activity(&t->decision, target_last_client(t), source);
	return report_describe(&view, now_ms);
}

json_t *target_describe_resting(const json_t *object)
{
	static const struct idle_decision at_rest = {.reason = IDLE_NOT_RUNNING};
	const struct report_view view = {
	        .object = object,
	        .decision = &at_rest,
	        .running = object_is_running(object),
	        .source = "",
	        .stop = STOP_IDLE,
	};

	return report_describe(&view, 0);
}

int target_new(const struct target_env *env, const json_t *object, struct target **ret_target,
               struct err *err)
{
	CLEANUP(target_free_var) struct target *t = calloc(1, sizeof *t);

	if (t == NULL)
		return err_set(err, ERR_NOMEM, 0, "target");
	t->env = env;
	stopper_init(&t->stopper, &env->stopper);
	report_init(&t->report, &env->report);
	t->decision.reason = IDLE_NOT_RUNNING; /* until it is evaluated */
	t->timer = evtimer_new(env->base, on_timer, t);
	if (t->timer == NULL)
		return err_set(err, ERR_NOMEM, 0, "target timer");
	t->stopper.look = t->timer;
	t->stopper.on_outcome = report_outcome;
	t->stopper.arg = &t->report;
	target_set_object(t, object);
	*ret_target = TAKE_PTR(t);
	return 0;
}

void target_free(struct target *t)
{
	if (t == NULL)
		return;
	stopper_done(&t->stopper);
	report_done(&t->report);
	target_set_changing(t, 0);
	if (t->timer != NULL)
		event_free(t->timer);
	resource_free(t->resource);
	json_decref((json_t *)t->object);
	free(t);
}
