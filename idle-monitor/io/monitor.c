/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor - all targets: fed by the caches, evaluated when an answer, a change or a time comes
 */
#include "idle-monitor/io/monitor.h"

#include <assert.h>
#include <event2/event.h>
#include <string.h>

#include "idle-monitor/io/members.h"
#include "idle-monitor/io/target.h"
#include "lib/api/instance.h"
#include "lib/api/kinds.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/http/metrics.h"
#include "lib/kube/client/object.h"

/* A watch that the API server closed in the normal course is open again before this. */
enum { MONITOR_LOST_MS = 2000 };

struct monitor {
	struct monitor_opts opts;
	struct target_env env;
	struct targets_changing changing;
	struct informer *containers;
	struct informer *instances;
	struct scrape *scrape;
	struct members *members; /* NULL: told by address */
	struct metric *awake;
	struct target **targets; /* ascending by namespace, then name; none that is at rest */
	size_t targets_count;
	size_t targets_space;
	struct event *
	        sweep; /* at the end of this turn of the loop: frees the targets that are at rest */
	bool is_started; /* both caches were filled, and the targets made of them */
};

DEFINE_CLEANUP(json_t *, json_decref);
DEFINE_CLEANUP(struct monitor *, monitor_free);

static int key_compare(const json_t *a, const json_t *b)
{
	int order = strcmp(kube_namespace(a), kube_namespace(b));

	return order != 0 ? order : strcmp(kube_name(a), kube_name(b));
}

/* Where the target of that namespace and name is, or belongs. */
static size_t monitor_place(const struct monitor *m, const json_t *object)
{
	size_t low = 0;
	size_t high = m->targets_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (key_compare(m->targets[middle]->object, object) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct target *monitor_find(const struct monitor *m, const json_t *object)
{
	size_t at = monitor_place(m, object);

	if (at < m->targets_count && key_compare(m->targets[at]->object, object) == 0)
		return m->targets[at];
	return NULL;
}

static int monitor_reserve(struct monitor *m)
{
	size_t space = m->targets_space ? 2 * m->targets_space : 16;
	struct target **targets;

	if (m->targets_count < m->targets_space)
		return 0;
	targets = reallocarray(m->targets, space, sizeof *targets);
	if (targets == NULL)
		return -1;
	m->targets = targets;
	m->targets_space = space;
	return 0;
}

static json_t *monitor_take_instance(const struct monitor *m, const json_t *object)
{
	return informer_take(m->instances, kube_namespace(object), kube_name(object));
}

static void monitor_add(struct monitor *m, const json_t *object, bool found)
{
	CLEANUP(json_decref_var) json_t *instance = monitor_take_instance(m, object);
	size_t at = monitor_place(m, object);
	struct target *t;
	struct err err = {0};

	if (target_would_rest(object, instance))
		return;
	if (monitor_reserve(m) < 0 || target_new(&m->env, object, &t, &err) < 0) {
		/* without a target it is not stopped: the safe side */
		log_event(LOG_ERROR, "target.out_of_memory",
		          log_str("namespace", kube_namespace(object)),
		          log_str("name", kube_name(object)));
		return;
	}
	memmove(&m->targets[at + 1], &m->targets[at],
	        (m->targets_count - at) * sizeof m->targets[0]);
	/* ascending, and none twice: monitor_place() relies on it */
	assert(at == 0 || key_compare(m->targets[at - 1]->object, object) < 0);
	m->targets[at] = t;
	m->targets_count++;
	target_set_instance(t, instance, found);
}

static void monitor_remove_at(struct monitor *m, size_t at)
{
	assert(at < m->targets_count);
	target_free(m->targets[at]);
	m->targets_count--;
	memmove(&m->targets[at], &m->targets[at + 1],
	        (m->targets_count - at) * sizeof m->targets[0]);
}

static void monitor_remove(struct monitor *m, const json_t *object)
{
	size_t at = monitor_place(m, object);

	if (at < m->targets_count && key_compare(m->targets[at]->object, object) == 0)
		monitor_remove_at(m, at);
}

static void monitor_evaluate_one(struct monitor *m, struct target *t)
{
	if (target_evaluate(t))
		scrape_ask_now(m->scrape);
	if (target_is_at_rest(t))
		event_active(m->sweep, EV_TIMEOUT, 0);
}

/* Most containers sleep. They have no target: all that they cost is their place in the caches. */
static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct monitor *m = arg;

	for (size_t i = m->targets_count; i > 0; i--) {
		if (target_is_at_rest(m->targets[i - 1]))
			monitor_remove_at(m, i - 1);
	}
}

static void on_container(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct monitor *m = arg;
	struct target *t;

	if (!m->is_started)
		return;
	/* the same name with another UID is another container */
	if (new_object == NULL ||
	    (old_object != NULL && strcmp(kube_uid(old_object), kube_uid(new_object)) != 0))
		monitor_remove(m, old_object);
	if (new_object == NULL)
		return;
	t = monitor_find(m, new_object);
	if (t == NULL) {
		monitor_add(m, new_object, false);
	} else {
		CLEANUP(json_decref_var)
		json_t *instance = monitor_take_instance(m, new_object);

		target_set_object(t, new_object);
		target_set_instance(t, instance, false);
	}
	t = monitor_find(m, new_object);
	if (t != NULL)
		monitor_evaluate_one(m, t);
}

/* A container without a target needs one when its instance names a consumer. */
static void monitor_rouse(struct monitor *m, const json_t *instance)
{
	CLEANUP(json_decref_var)
	json_t *object =
	        informer_take(m->containers, kube_namespace(instance), kube_name(instance));

	if (object != NULL)
		monitor_add(m, object, false);
}

static void on_instance(void *arg, const json_t *old_object, const json_t *new_object)
{
	const json_t *object = new_object ? new_object : old_object;
	struct monitor *m = arg;
	struct target *t;

	if (!m->is_started)
		return;
	if (new_object != NULL && monitor_find(m, object) == NULL)
		monitor_rouse(m, object);
	t = monitor_find(m, object);
	if (t == NULL)
		return;
	target_set_instance(t, new_object, false);
	monitor_evaluate_one(m, t);
}

static bool monitor_add_found(void *arg, const json_t *object)
{
	monitor_add(arg, object, true);
	return true;
}

static void on_synced(void *arg)
{
	struct monitor *m = arg;

	if (m->is_started || !informer_is_synced(m->containers) ||
	    !informer_is_synced(m->instances))
		return;
	m->is_started = true;
	informer_foreach(m->containers, monitor_add_found, m);
	log_event(LOG_INFO, "monitor.synced", log_u64("containers", informer_count(m->containers)),
	          log_u64("targets", m->targets_count));
	monitor_evaluate(m);
}

void monitor_evaluate(struct monitor *m)
{
	double awake[IDLE_REASONS_COUNT] = {0};
	bool ask = false;

	for (size_t i = 0; i < m->targets_count; i++) {
		struct target *t = m->targets[i];

		ask |= target_evaluate(t);
		if (target_is_at_rest(t))
			event_active(m->sweep, EV_TIMEOUT, 0);
		if (target_is_running(t))
			awake[t->decision.reason]++;
	}
	for (unsigned r = IDLE_UNSET + 1; r < IDLE_REASONS_COUNT; r++) {
		const char *const label[] = {idle_reason_name((enum idle_reason)r)};

		metric_set(m->awake, label, awake[r]);
	}
	if (ask)
		scrape_ask_now(m->scrape);
}

static void on_answer(void *arg)
{
	monitor_evaluate(arg);
}

static bool may_act(void *arg)
{
	const struct monitor *m = arg;

	return m->opts.is_leading(m->opts.arg);
}

static bool is_watch_lost(void *arg)
{
	const struct monitor *m = arg;
	uint64_t now_ms = clk_now_ms();

	if (m->members != NULL && (!members_is_synced(m->members) ||
	                           members_lost_ms(m->members, now_ms) > MONITOR_LOST_MS))
		return true;
	return informer_lost_ms(m->containers, now_ms) > MONITOR_LOST_MS ||
	       informer_lost_ms(m->instances, now_ms) > MONITOR_LOST_MS;
}

static int monitor_watch(struct monitor *m, struct event_base *base, struct err *err)
{
	struct informer_opts opts = {
	        .ref = {.type = &KUBE_STOPPABLECONTAINERS},
	        .on_change = on_container,
	        .on_synced = on_synced,
	        .arg = m,
	};

	if (informer_new(base, m->opts.client, &opts, &m->containers, err) < 0)
		return -1;
	opts.ref.type = &KUBE_STOPPABLECONTAINERINSTANCES;
	opts.keep = &INSTANCE_CONSUMER;
	opts.on_change = on_instance;
	return informer_new(base, m->opts.client, &opts, &m->instances, err);
}

static void before_change(void *arg)
{
	monitor_cancel(arg);
}

static void before_removal(void *arg, const struct http_client *client)
{
	struct monitor *m = arg;

	for (size_t i = 0; i < m->targets_count; i++)
		stopper_forget(&m->targets[i]->stopper, client);
}

static void on_members(void *arg)
{
	monitor_evaluate(arg);
}

static int monitor_follow(struct monitor *m, struct event_base *base, struct err *err)
{
	const struct members_opts opts = {
	        .client = m->opts.client,
	        .scrape = m->scrape,
	        .service = m->opts.activator_service,
	        .before_change = before_change,
	        .before_removal = before_removal,
	        .on_change = on_members,
	        .arg = m,
	};

	return opts.service != NULL ? members_new(base, &opts, &m->members, err) : 0;
}

/* What targets need; they come when both caches are filled. */
static void monitor_set_env(struct monitor *m, struct event_base *base)
{
	static const char *const result_label[] = {"result", NULL};
	const struct monitor_opts *opts = &m->opts;
	struct metric *stops_total =
	        metrics_counter(opts->metrics, "sc_idle_monitor_stops_total",
	                        "Attempts to stop an idle container, by outcome.", result_label);

	m->env = (struct target_env){
	        .base = base,
	        .scrape = m->scrape,
	        .defaults = opts->defaults,
	        .changing = &m->changing,
	        .may_act = may_act,
	        .is_watch_lost = is_watch_lost,
	        .arg = m,
	        .stopper = {.client = opts->client,
	                    .containers = m->containers,
	                    .scrape = m->scrape,
	                    .limits = opts->limits,
	                    .may_act = may_act,
	                    .arg = m},
	        .report = {.client = opts->client,
	                   .containers = m->containers,
	                   .recorder = opts->recorder,
	                   .stops_total = stops_total},
	};
}

int monitor_new(struct event_base *base, const struct monitor_opts *opts,
                struct monitor **ret_monitor, struct err *err)
{
	static const char *const reason_label[] = {"reason", NULL};
	CLEANUP(monitor_free_var) struct monitor *m = calloc(1, sizeof *m);
	struct scrape_opts scrape = {
	        .urls = opts->activators,
	        .token_file = opts->activator_token_file,
	        .key_file = opts->activator_key_file,
	        .interval_ms = opts->scrape_interval_ms,
	        .metrics = opts->metrics,
	        .on_answer = on_answer,
	};

	if (m == NULL)
		return err_set(err, ERR_NOMEM, 0, "monitor");
	m->opts = *opts;
	m->awake = metrics_gauge(opts->metrics, "sc_idle_monitor_awake",
	                         "Containers that are meant to run, by why they still do.",
	                         reason_label);
	scrape.arg = m;
	m->sweep = event_new(base, -1, 0, on_sweep, m);
	if (m->sweep == NULL)
		return err_set(err, ERR_NOMEM, 0, "monitor");
	if (scrape_new(base, &scrape, &m->scrape, err) < 0 || monitor_follow(m, base, err) < 0 ||
	    monitor_watch(m, base, err) < 0)
		return -1;
	monitor_set_env(m, base);
	*ret_monitor = TAKE_PTR(m);
	return 0;
}

void monitor_free(struct monitor *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->targets_count; i++)
		target_free(m->targets[i]);
	free(m->targets);
	members_free(m->members);
	if (m->sweep != NULL)
		event_free(m->sweep);
	scrape_free(m->scrape);
	informer_free(m->containers);
	informer_free(m->instances);
	free(m);
}

bool monitor_is_synced(const struct monitor *m)
{
	return m->is_started && (m->members == NULL || members_is_synced(m->members));
}

void monitor_cancel(struct monitor *m)
{
	for (size_t i = 0; i < m->targets_count; i++)
		stopper_step(&m->targets[i]->stopper, STOP_EV_CANCEL);
}

struct describing {
	const struct monitor *monitor;
	json_t *targets;
	uint64_t now_ms;
};

static bool monitor_describe_one(void *arg, const json_t *object)
{
	struct describing *d = arg;
	const struct target *t = monitor_find(d->monitor, object);

	(void)json_array_append_new(d->targets, t != NULL ? target_describe(t, d->now_ms)
	                                                  : target_describe_resting(object));
	return true;
}

json_t *monitor_describe(const struct monitor *m)
{
	struct describing d = {m, json_array(), clk_now_ms()};
	json_t *activators = json_array();

	informer_foreach(m->containers, monitor_describe_one, &d);
	for (size_t i = 0; i < scrape_count(m->scrape); i++)
		(void)json_array_append_new(activators,
		                            json_pack("{s:s,s:s?}", "url", scrape_url(m->scrape, i),
		                                      "error", scrape_error(m->scrape, i)));
	return json_pack("{s:b,s:o,s:o}", "leading", m->opts.is_leading(m->opts.arg), "activators",
	                 activators, "targets", d.targets);
}
