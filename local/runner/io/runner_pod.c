/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner_pod - a Pod: what is next, and its status
 */
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"
#include "lib/text/json_ref.h"
#include "local/runner/core/pod_spec.h"
#include "local/runner/io/runner_private.h"

enum { STATUS_RETRY_MS = 500 };

/* ---- status ---- */

static struct pod_view pod_view_of(const struct pod *pod, const struct pod_ctr_view **containers)
{
	for (size_t i = 0; i < pod->ctrs_count; i++)
		containers[i] = &pod->ctrs[i].view;
	return (struct pod_view){
	        .pod = pod->object,
	        .containers = containers,
	        .containers_count = pod->ctrs_count,
	        .pod_ip = pod->net.address,
	        .host_ip = network_gateway(pod->runner->network),
	        .start_wall_ms = pod->start_wall_ms,
	        .failed_reason = pod->failed_reason[0] ? pod->failed_reason : NULL,
	        .failed_message = pod->failed_message,
	};
}

static void object_set(struct pod *pod, json_t *object)
{
	json_decref(pod->object);
	pod->object = object;
}

static void status_write(struct pod *pod)
{
	CLEANUP(free_var)
	const struct pod_ctr_view **containers = calloc(pod->ctrs_count, sizeof(void *));
	const struct registry_ref ref = {&KUBE_PODS, kube_namespace(pod->object),
	                                 kube_name(pod->object), "status"};
	struct pod_view view;
	json_t *status, *patch, *object = NULL;
	struct err err;
	int r;

	if (containers == NULL)
		return;
	view = pod_view_of(pod, containers);
	status = pod_status_make(&view, clk_wall_ms());
	if (json_equal(status, json_object_get(pod->object, "status"))) {
		json_decref(status);
		return;
	}
	/* the UID: a Pod that was made anew under this name is another one */
	patch = json_pack("{s:{s:s}, s:o}", "metadata", "uid", pod->uid, "status", status);
	r = registry_merge_patch(pod->runner->registry, &ref, patch, &object, &err);
	json_decref(patch);
	if (r == 0) {
		object_set(pod, object);
		return;
	}
	if (err.code != ERR_NOT_FOUND && err.code != ERR_CONFLICT && err.code != ERR_INVALID)
		timer_after(pod->status_timer, STATUS_RETRY_MS);
	log_event(LOG_WARN, "pod.status_refused", log_str("pod", kube_name(pod->object)),
	          log_err(&err));
}

static bool pod_is_creating(const struct pod *pod)
{
	for (size_t i = 0; i < pod->ctrs_count; i++)
		if (pod->ctrs[i].state == POD_CTR_ST_CREATING)
			return true;
	return false;
}

static void on_status_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pod *pod = arg;

	if (!pod->gone && !pod_is_creating(pod))
		status_write(pod);
}

/* ---- what is next ---- */

/* The Pod as a whole will not be run: its status says so, and nothing else happens. */
static void pod_fail(struct pod *pod, const char *reason, const char *message)
{
	(void)snprintf(pod->failed_reason, sizeof pod->failed_reason, "%s", reason);
	(void)snprintf(pod->failed_message, sizeof pod->failed_message, "%.*s",
	               (int)sizeof pod->failed_message - 1, message);
	pod->over = true;
	pod_status_soon(pod);
}

/* Return: true when it has ended for good */
static bool pod_is_over(struct pod *pod)
{
	CLEANUP(free_var)
	const struct pod_ctr_view **containers = calloc(pod->ctrs_count, sizeof(void *));
	struct pod_view view;
	const char *phase;

	if (containers == NULL)
		return false;
	view = pod_view_of(pod, containers);
	phase = pod_status_phase(&view);
	return strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
}

/* Volumes of a Pod that waits for a ConfigMap are tried again with each of its containers. */
static int pod_volumes_ensure(struct pod *pod, struct ctr *c)
{
	struct pod_env_source src = pod_env_source_of(pod);
	struct err err;

	if (pod->volumes_made)
		return 0;
	if (volume_make(pod->runner->volumes, &src, &err) < 0) {
		ctr_wait(c,
		         err.code == ERR_NOT_FOUND ? "ContainerCreating"
		                                   : "CreateContainerConfigError",
		         err.text, RUNNER_INSPECT_RETRY_MAX_MS);
		return -1;
	}
	pod->volumes_made = true;
	return 0;
}

static void pod_advance(struct pod *pod)
{
	if (pod->deleting) {
		pod_delete_advance(pod);
		return;
	}
	if (pod->adopting > 0 || pod->over)
		return;
	for (size_t i = 0; i < pod->ctrs_count; i++) {
		struct ctr *c = &pod->ctrs[i];

		if (c->state == POD_CTR_ST_IDLE && pod_volumes_ensure(pod, c) == 0)
			ctr_begin(c);
		/* init containers one after the other, each to its good end */
		if (c->view.init && (c->state != POD_CTR_ST_ENDED || c->view.end.exit_code != 0))
			break;
	}
	if (pod_is_over(pod)) {
		pod->over = true;
		network_give_back(pod->runner->network, &pod->net);
		pod_status_soon(pod);
	}
}

/* ---- life of the struct ---- */

static void on_advance(evutil_socket_t fd, short what, void *arg)
{
	pod_advance(arg);
}

/* Restarts are counted on from what the status says, also when the containers are gone. */
static unsigned restarts_before(const json_t *object, const char *list, const char *name)
{
	json_t *status;
	size_t i;

	json_array_foreach(json_at(object, "status", list, NULL), i, status) {
		bool ran = *json_str_at(status, "", "containerID", NULL) != '\0';

		if (strcmp(json_str_at(status, "", "name", NULL), name) == 0)
			return (unsigned)json_int_at(status, 0, "restartCount", NULL) +
			       (ran ? 1 : 0);
	}
	return 0;
}

static int pod_containers_init(struct pod *pod)
{
	static const char *const lists[] = {"initContainers", "containers"};
	static const char *const statuses[] = {"initContainerStatuses", "containerStatuses"};
	json_t *container;
	size_t i, n = 0;

	for (size_t k = 0; k < ARRAY_LEN(lists); k++)
		n += json_array_size(json_at(pod->first, "spec", lists[k], NULL));
	pod->ctrs = calloc(n ? n : 1, sizeof *pod->ctrs);
	if (pod->ctrs == NULL)
		return -1;
	for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
		json_array_foreach(json_at(pod->first, "spec", lists[k], NULL), i, container) {
			struct ctr *c = &pod->ctrs[pod->ctrs_count++];

			ctr_init(pod, c, container, k == 0);
			c->view.restarts = restarts_before(
			        pod->first, statuses[k], json_str_at(container, "", "name", NULL));
		}
	}
	return 0;
}

static struct pod *pod_new(struct runner *r, const json_t *object)
{
	struct pod *pod = calloc(1, sizeof *pod);

	if (pod == NULL)
		return NULL;
	pod->runner = r;
	pod->net.fd = -1;
	pod->seen_us = clk_now_us();
	pod->object = json_incref(json_ref(object));
	pod->first = json_incref(pod->object);
	(void)snprintf(pod->uid, sizeof pod->uid, "%s", kube_uid(object));
	pod->next = r->pods;
	pod->link = &r->pods;
	if (r->pods != NULL)
		r->pods->link = &pod->next;
	r->pods = pod;
	pod->start_wall_ms = clk_wall_ms();
	(void)num_parse_rfc3339(json_str_at(object, "", "status", "startTime", NULL),
	                        &pod->start_wall_ms, NULL);
	pod->status_timer = evtimer_new(r->base, on_status_timer, pod);
	pod->advance = event_new(r->base, -1, 0, on_advance, pod);
	if (pod->status_timer == NULL || pod->advance == NULL || pod_containers_init(pod) < 0) {
		pod_free(pod);
		return NULL;
	}
	return pod;
}

static bool pod_is_ours(const struct runner *r, const json_t *object)
{
	const char *node = json_str_at(object, "", "spec", "nodeName", NULL);

	return *node == '\0' || strcmp(node, r->opts.node_name) == 0;
}

static bool phase_is_final(const json_t *object)
{
	const char *phase = json_str_at(object, "", "status", "phase", NULL);

	return strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
}

static void pod_added(struct runner *r, const json_t *object)
{
	struct pod *pod = pod_new(r, object);
	struct err err;

	if (pod == NULL) {
		log_event(LOG_ERROR, "pod.out_of_memory", log_str("pod", kube_name(object)));
		return;
	}
	log_event(LOG_DEBUG, "pod.seen", log_str("pod", kube_name(object)),
	          log_str("uid", pod->uid));
	/* a Pod that had ended keeps its status; it only waits for its deletion */
	pod->over = phase_is_final(object);
	pod_adopt(pod);
	if (kube_is_deleting(object))
		pod_delete_begin(pod);
	else if (!pod->over && pod_spec_check(object, &err) < 0)
		pod_fail(pod, "Unsupported", err.text);
	else
		pod_advance(pod);
}

static void pod_changed(struct pod *pod, const json_t *object)
{
	object_set(pod, json_incref(json_ref(object)));
	if (kube_is_deleting(object))
		pod_delete_begin(pod);
	else if (json_at(object, "spec", "readinessGates", NULL) != NULL)
		pod_status_soon(pod);
}

void pod_on_change(struct runner *r, const json_t *old_object, const json_t *new_object)
{
	const json_t *object = new_object ? new_object : old_object;
	struct pod *pod = pod_find(r, kube_uid(object));

	if (new_object == NULL) {
		if (pod != NULL && !pod->gone) {
			pod->gone = true;
			pod_delete_begin(pod);
		}
		return;
	}
	if (!pod_is_ours(r, object))
		return;
	if (pod == NULL)
		pod_added(r, object);
	else if (!pod->gone)
		pod_changed(pod, object);
}
