/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent - what the API shows of instances and Pods becomes instances and consumers of this node
 */
#include "agent/io/agent.h"

#include <assert.h>
#include <event2/event.h>
#include <string.h>

#include "agent/core/pod_view.h"
#include "agent/io/consumer.h"
#include "agent/io/image/image_source.h"
#include "agent/io/instance.h"
#include "agent/io/link.h"
#include "agent/io/task.h"
#include "lib/api/kinds.h"
#include "lib/api/names.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/http/metrics.h"
#include "lib/kube/client/object.h"

/* An agent that is asked to end waits so long for the API. */
enum { AGENT_FINISH_MS = 2000 };

static bool agent_is_synced(const struct agent *a)
{
	return a->instances_seen != NULL && a->pods_seen != NULL &&
	       informer_is_synced(a->instances_seen) && informer_is_synced(a->pods_seen);
}

const char *agent_why_not_ready(const struct agent *a)
{
	return agent_is_synced(a) ? NULL : "the first lists have not come yet";
}

static struct instance *agent_instance(struct agent *a, const char *uid)
{
	struct instance *inst;

	LIST_FOREACH(inst, &a->instances, entry) {
		if (strcmp(instance_uid(inst), uid) == 0)
			return inst;
	}
	return NULL;
}

/* --- metrics --- */

static void agent_metrics(struct agent *a, struct metrics *m)
{
	static const double bounds[] = {0.0005, 0.001, 0.002, 0.005,      0.01,
	                                0.05,   0.1,   0.5,   METRICS_INF};
	static const double check_bounds[] = {0.00002, 0.00005, 0.0001,     0.0002,
	                                      0.0005,  0.001,   METRICS_INF};
	static const char *const by_state[] = {"state", NULL};
	static const char *const by_reason[] = {"reason", NULL};

	a->handover_seconds =
	        metrics_histogram(m, "sc_agent_handover_seconds",
	                          "Time to put a root filesystem below a container.", NULL, bounds);
	a->files_check_seconds = metrics_histogram(
	        m, "sc_agent_files_check_seconds",
	        "Time that a start waits for the check of its files' mark.", NULL, check_bounds);
	a->files_refused = metrics_counter(
	        m, "sc_agent_files_refused_total",
	        "Starts and mounts that were refused, for files that are not what they were.",
	        by_reason);
	a->files_dropped =
	        metrics_gauge(m, "sc_agent_files_dropped",
	                      "Root filesystems whose dropped files are not removed yet.", NULL);
	a->rootfs_count = metrics_gauge(m, "sc_agent_rootfs",
	                                "Root filesystems of this node, by state.", by_state);
	a->consumers_count = metrics_gauge(m, "sc_agent_consumers",
	                                   "Consumer containers of this node, by state.", by_state);
}

static void agent_count(struct agent *a)
{
	static const char *const rootfs_labels[INSTANCE_STATES_COUNT] = {
	        [INSTANCE_NEW] = "preparing",
	        [INSTANCE_READY] = "ready",
	        [INSTANCE_FAILED] = "failed",
	        [INSTANCE_REMOVED] = "removed"};
	double rootfs[INSTANCE_STATES_COUNT] = {0};
	double consumers[CONSUMER_STATES_COUNT] = {0};
	const struct instance *inst;
	const struct consumer *c;
	double dropped = 0;

	LIST_FOREACH(inst, &a->instances, entry) {
		dropped += inst->dropped.is_due ? 1 : 0;
		rootfs[inst->state] += instance_is_ours(inst) ? 1 : 0;
		LIST_FOREACH(c, &inst->consumers, entry)
			consumers[c->state]++;
	}
	metric_set(a->files_dropped, NULL, dropped);
	for (size_t i = INSTANCE_NEW; i < INSTANCE_STATES_COUNT; i++)
		metric_set(a->rootfs_count, &rootfs_labels[i], rootfs[i]);
	for (int i = CONSUMER_ABSENT; i < CONSUMER_STATES_COUNT; i++) {
		const char *label = consumer_state_text((enum consumer_state)i);

		if (*label != '\0')
			metric_set(a->consumers_count, &label, consumers[i]);
	}
}

/* --- Pods --- */

static struct consumer *instance_consumer(struct instance *inst, const char *pod_uid)
{
	struct consumer *c;

	LIST_FOREACH(c, &inst->consumers, entry) {
		if (strcmp(c->pod_uid, pod_uid) == 0)
			return c;
	}
	return NULL;
}

static bool agent_see_consumer(void *arg, const json_t *pod)
{
	struct instance *inst = arg;
	struct consumer *c;
	struct err err;

	if (!pod_is_of(pod, inst->object, SC_ROLE_CONSUMER))
		return true;
	c = instance_consumer(inst, kube_uid(pod));
	if (c == NULL && consumer_new(inst, pod, &c, &err) < 0)
		log_event(LOG_ERROR, "consumer.failed", log_err(&err));
	else
		consumer_see_pod(c, pod);
	return true;
}

/* Bring the consumers in line with the Pods; one whose process still lives stays without a Pod. */
static void agent_see_consumers(struct agent *a, struct instance *inst)
{
	struct consumer *c;
	struct consumer *next;

	LIST_FOREACH(c, &inst->consumers, entry)
		c->has_pod = false;
	informer_foreach_indexed(a->pods_seen, instance_uid(inst), agent_see_consumer, inst);
	for (c = LIST_FIRST(&inst->consumers); c != NULL; c = next) {
		next = LIST_NEXT(c, entry);
		if (!c->has_pod && !consumer_is_alive(c))
			consumer_free(c);
	}
}

static void agent_reconcile(struct agent *a, struct instance *inst)
{
	if (!agent_is_synced(a))
		return;
	agent_see_consumers(a, inst);
	instance_reconcile(inst);
	agent_count(a);
}

static const char *agent_pod_key(const json_t *pod)
{
	const json_t *owner = kube_owner_controller(pod);

	return json_str_at(owner, "", "uid", NULL);
}

static bool agent_take_instance(void *arg, const json_t *object);

static void on_pod_change(void *arg, const json_t *old_pod, const json_t *new_pod)
{
	struct agent *a = arg;
	const char *uid = agent_pod_key(new_pod != NULL ? new_pod : old_pod);
	struct instance *inst = agent_instance(a, uid);

	/* of an instance that no Pod of ours belonged to until now */
	if (inst == NULL && new_pod != NULL && a->instances_seen != NULL) {
		informer_foreach_indexed(a->instances_seen, uid, agent_take_instance, a);
		inst = agent_instance(a, uid);
	}
	if (inst != NULL)
		agent_reconcile(a, inst);
}

/* --- instances --- */

/* Names become parts of paths. The API server allows nothing else; it is checked once more. */
static bool agent_is_path_part(const char *text)
{
	return text[0] != '\0' && text[0] != '.' && strchr(text, '/') == NULL;
}

static bool agent_is_usable(const json_t *object)
{
	return agent_is_path_part(kube_namespace(object)) &&
	       agent_is_path_part(kube_name(object)) && agent_is_path_part(kube_uid(object));
}

struct pod_search {
	const json_t *instance;
	bool has_pod;
};

static bool agent_see_own(void *arg, const json_t *pod)
{
	struct pod_search *s = arg;

	s->has_pod = pod_is_owned_by(pod, s->instance);
	return !s->has_pod;
}

/* Every node's agent sees all instances: of those of other nodes it keeps nothing. */
static bool agent_is_concerned(const struct agent *a, const json_t *object)
{
	const char *node = json_str_at(object, "", "status", "rootfs", "nodeName", NULL);
	struct pod_search s = {object, false};

	informer_foreach_indexed(a->pods_seen, kube_uid(object), agent_see_own, &s);
	return s.has_pod || strcmp(node, a->config->node_name) == 0;
}

static bool agent_take_instance(void *arg, const json_t *object)
{
	struct instance *inst;
	struct err err;

	if (!agent_is_usable(object))
		return false;
	if (instance_new(arg, object, &inst, &err) < 0)
		log_event(LOG_ERROR, "instance.failed", log_err(&err));
	return false;
}

static void on_instance_change(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct agent *a = arg;
	struct instance *inst;

	if (old_object != NULL &&
	    (new_object == NULL || strcmp(kube_uid(old_object), kube_uid(new_object)) != 0)) {
		inst = agent_instance(a, kube_uid(old_object));
		if (inst != NULL)
			instance_free(inst);
		agent_count(a);
	}
	if (new_object == NULL || !agent_is_usable(new_object))
		return;
	inst = agent_instance(a, kube_uid(new_object));
	if (inst != NULL)
		instance_set_object(inst, new_object);
	else if (agent_is_concerned(a, new_object))
		(void)agent_take_instance(a, new_object);
	inst = agent_instance(a, kube_uid(new_object));
	if (inst != NULL)
		agent_reconcile(a, inst);
}

static void on_synced(void *arg)
{
	struct agent *a = arg;
	struct instance *inst;

	if (!agent_is_synced(a))
		return;
	log_event(LOG_INFO, "agent.synced", log_str("node", a->config->node_name),
	          log_u64("instances", informer_count(a->instances_seen)),
	          log_u64("pods", informer_count(a->pods_seen)));
	LIST_FOREACH(inst, &a->instances, entry)
		agent_reconcile(a, inst);
}

/* --- the end --- */

static bool agent_is_written(const struct agent *a)
{
	const struct instance *inst;

	LIST_FOREACH(inst, &a->instances, entry) {
		if (instance_is_unwritten(inst))
			return false;
	}
	return true;
}

static void agent_on_written(struct agent *a)
{
	if (a->finish_at != NULL && agent_is_written(a))
		(void)event_base_loopbreak(a->base);
}

static void on_finish_time(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;

	(void)fd;
	(void)what;
	log_event(LOG_WARN, "agent.status_not_written", log_str("node", a->config->node_name));
	(void)event_base_loopbreak(a->base);
}

void agent_finish(struct agent *a)
{
	const struct timeval tv = clk_timeval(AGENT_FINISH_MS);
	struct instance *inst;
	bool is_asked_again = a->finish_at != NULL;

	if (!is_asked_again)
		a->finish_at = evtimer_new(a->base, on_finish_time, a);
	if (is_asked_again || a->finish_at == NULL || evtimer_add(a->finish_at, &tv) < 0 ||
	    agent_is_written(a)) {
		(void)event_base_loopbreak(a->base);
		return;
	}
	LIST_FOREACH(inst, &a->instances, entry)
		instance_report_now(inst);
}

/* --- life --- */

int agent_start(struct agent *a, struct metrics *metrics, struct err *err)
{
	char selector[300];
	const struct informer_opts instances = {
	        .ref = {.type = &KUBE_STOPPABLECONTAINERINSTANCES},
	        .on_change = on_instance_change,
	        .on_synced = on_synced,
	        .index_key = kube_uid,
	        .arg = a,
	};
	const struct informer_opts pods = {
	        .ref = {.type = &KUBE_PODS},
	        .label_selector = SC_LABEL_MANAGED_BY "=" SC_MANAGED_BY,
	        .field_selector = selector,
	        .keep = &POD_VIEW,
	        .on_change = on_pod_change,
	        .on_synced = on_synced,
	        .index_key = agent_pod_key,
	        .arg = a,
	};

	assert(a->base != NULL && a->kube != NULL && LIST_EMPTY(&a->instances));
	(void)snprintf(selector, sizeof selector, "spec.nodeName=%s", a->config->node_name);
	agent_metrics(a, metrics);
	a->on_change = agent_count;
	a->on_written = agent_on_written;
	if (image_source_open(a->base, a->config->runtime_endpoint, a->config->podman_socket,
	                      &a->images, err) < 0 ||
	    links_new(a->base, a->config->pods_dir, &a->links, err) < 0 ||
	    informer_new(a->base, a->kube, &pods, &a->pods_seen, err) < 0 ||
	    informer_new(a->base, a->kube, &instances, &a->instances_seen, err) < 0)
		return -1;
	return 0;
}

void agent_stop(struct agent *a)
{
	if (a->finish_at != NULL)
		event_free(a->finish_at);
	a->finish_at = NULL;
	while (!LIST_EMPTY(&a->instances))
		instance_free(LIST_FIRST(&a->instances));
	if (a->instances_seen != NULL)
		informer_free(a->instances_seen);
	if (a->pods_seen != NULL)
		informer_free(a->pods_seen);
	links_free(a->links);
	image_source_free(a->images);
	tasks_leave();
}
