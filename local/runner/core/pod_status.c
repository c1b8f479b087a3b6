/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_status - the status of a Pod, from what its containers do
 */
#include "local/runner/core/pod_status.h"

#include <string.h>

#include "lib/base/num.h"
#include "lib/kube/client/object.h"

bool pod_ctr_should_restart(const json_t *pod, bool init, int exit_code)
{
	const char *policy = json_str_at(pod, "Always", "spec", "restartPolicy", NULL);

	if (strcmp(policy, "Never") == 0)
		return false;
	/* an init container that succeeded is done under every policy */
	return exit_code != 0 || (!init && strcmp(policy, "Always") == 0);
}

static bool init_succeeded(const struct pod_ctr_view *c)
{
	return c->phase == POD_CTR_TERMINATED && c->end.exit_code == 0;
}

static bool init_failed_for_good(const struct pod_view *v, const struct pod_ctr_view *c)
{
	return c->phase == POD_CTR_TERMINATED && c->end.exit_code != 0 &&
	       !pod_ctr_should_restart(v->pod, true, c->end.exit_code);
}

/* The kubelet's getPhase(). */
const char *pod_status_phase(const struct pod_view *v)
{
	unsigned waiting = 0, running = 0, ended = 0, failed = 0;

	if (v->failed_reason != NULL)
		return "Failed";
	for (size_t i = 0; i < v->containers_count; i++) {
		const struct pod_ctr_view *c = v->containers[i];

		if (c->init) {
			if (init_failed_for_good(v, c))
				return "Failed";
			if (!init_succeeded(c))
				return "Pending";
			continue;
		}
		switch (c->phase) {
		case POD_CTR_RUNNING:
			running++;
			break;
		case POD_CTR_TERMINATED:
			if (pod_ctr_should_restart(v->pod, false, c->end.exit_code))
				running++;
			else if (c->end.exit_code != 0)
				failed++;
			else
				ended++;
			break;
		case POD_CTR_WAITING:
			/* between two runs it counts as running */
			if (c->last.is_set)
				running++;
			else
				waiting++;
			break;
		}
	}
	if (waiting > 0)
		return "Pending";
	if (running > 0)
		return "Running";
	return failed > 0 ? "Failed" : "Succeeded";
}

static json_t *time_json(uint64_t wall_ms)
{
	char text[NUM_RFC3339_BYTES];

	return json_string(num_format_rfc3339(wall_ms, false, text));
}

static json_t *end_json(const struct pod_ctr_end *e)
{
	const char *reason = e->reason;
	json_t *out;
	char id[POD_CTR_ID_BYTES + 16];

	if (*reason == '\0')
		reason = e->oom_killed ? "OOMKilled" : e->exit_code == 0 ? "Completed" : "Error";
	out = json_pack("{s:i, s:s, s:o, s:o}", "exitCode", e->exit_code, "reason", reason,
	                "startedAt", time_json(e->started_wall_ms), "finishedAt",
	                time_json(e->finished_wall_ms));
	if (e->id[0] != '\0') {
		(void)snprintf(id, sizeof id, "podman://%s", e->id);
		json_object_set_new(out, "containerID", json_string(id));
	}
	if (e->message[0] != '\0')
		json_object_set_new(out, "message", json_text(e->message));
	return out;
}

static json_t *state_json(const struct pod_ctr_view *c)
{
	json_t *inner;

	switch (c->phase) {
	case POD_CTR_RUNNING:
		return json_pack("{s:{s:o}}", "running", "startedAt",
		                 time_json(c->started_wall_ms));
	case POD_CTR_TERMINATED:
		return json_pack("{s:o}", "terminated", end_json(&c->end));
	case POD_CTR_WAITING:
		break;
	}
	inner = json_pack("{s:s}", "reason", c->reason[0] ? c->reason : "ContainerCreating");
	if (c->message[0] != '\0')
		json_object_set_new(inner, "message", json_text(c->message));
	return json_pack("{s:o}", "waiting", inner);
}

static json_t *container_json(const struct pod_ctr_view *c)
{
	const char *id = c->id[0] != '\0' ? c->id : c->last.id;
	char full_id[POD_CTR_ID_BYTES + 16] = "";
	json_t *out;

	if (*id != '\0')
		(void)snprintf(full_id, sizeof full_id, "podman://%s", id);
	out = json_pack("{s:s, s:s, s:s, s:o, s:o, s:I, s:b, s:b}", "name",
	                json_str_at(c->container, "", "name", NULL), "image",
	                json_str_at(c->container, "", "image", NULL), "imageID", c->image_id,
	                "state", state_json(c), "lastState",
	                c->last.is_set ? json_pack("{s:o}", "terminated", end_json(&c->last))
	                               : json_object(),
	                "restartCount", (json_int_t)c->restarts, "ready", c->ready, "started",
	                c->phase == POD_CTR_RUNNING && c->started);
	if (*full_id != '\0')
		json_object_set_new(out, "containerID", json_string(full_id));
	return out;
}

/* Names of the containers of a kind that are not yet as wanted: "[a b]". */
static bool unready_names(const struct pod_view *v, bool init, char *buf, size_t size)
{
	size_t len = 0;
	bool any = false;

	len = (size_t)snprintf(buf, size, "[");
	for (size_t i = 0; i < v->containers_count; i++) {
		const struct pod_ctr_view *c = v->containers[i];

		if (c->init != init || (init ? init_succeeded(c) : c->ready) || len >= size)
			continue;
		len += (size_t)snprintf(buf + len, size - len, "%s%s", any ? " " : "",
		                        json_str_at(c->container, "", "name", NULL));
		any = true;
	}
	if (len < size)
		(void)snprintf(buf + len, size - len, "]");
	return any;
}

static bool readiness_gates_pass(const json_t *pod)
{
	json_t *gate;
	size_t i;

	json_array_foreach(json_at(pod, "spec", "readinessGates", NULL), i, gate) {
		const char *type = json_str_at(gate, "", "conditionType", NULL);
		const json_t *condition = kube_condition(pod, type);

		if (strcmp(json_str_at(condition, "", "status", NULL), "True") != 0)
			return false;
	}
	return true;
}

static json_t *conditions_json(const struct pod_view *v, const char *phase, uint64_t now_wall_ms)
{
	const json_t *old = json_at(v->pod, "status", "conditions", NULL);
	json_t *list = old ? json_deep_copy(old) : json_array();
	bool over = strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
	const char *done = strcmp(phase, "Succeeded") == 0 ? "PodCompleted"
	                   : over                          ? "PodFailed"
	                                                   : NULL;
	char names[256], text[320];
	bool gates = readiness_gates_pass(v->pod);
	struct kube_condition_words initialized = {"Initialized", true, done ? done : "", ""};
	struct kube_condition_words containers = {"ContainersReady", true, "", ""};
	struct kube_condition_words ready = {"Ready", true, "", ""};

	kube_condition_set(list, &(struct kube_condition_words){"PodScheduled", true, "", ""}, 0,
	                   now_wall_ms);
	if (unready_names(v, true, names, sizeof names)) {
		(void)snprintf(text, sizeof text, "containers with incomplete status: %s", names);
		initialized = (struct kube_condition_words){"Initialized", false,
		                                            "ContainersNotInitialized", text};
	}
	kube_condition_set(list, &initialized, 0, now_wall_ms);
	if (unready_names(v, false, names, sizeof names) || over) {
		(void)snprintf(text, sizeof text, "containers with unready status: %s", names);
		containers = (struct kube_condition_words){"ContainersReady", false,
		                                           done ? done : "ContainersNotReady",
		                                           over ? "" : text};
		ready = containers;
		ready.type = "Ready";
	} else if (!gates) {
		ready = (struct kube_condition_words){"Ready", false, "ReadinessGatesNotReady",
		                                      "a readiness gate is not True"};
	}
	kube_condition_set(list, &containers, 0, now_wall_ms);
	kube_condition_set(list, &ready, 0, now_wall_ms);
	return list;
}

/* Kubernetes: Guaranteed when every container has limits for cpu and memory and no other requests.
 */
const char *pod_status_qos(const json_t *pod)
{
	static const char *const names[] = {"cpu", "memory"};
	bool any = false, all = true;
	json_t *container;
	size_t i;

	json_array_foreach(json_at(pod, "spec", "containers", NULL), i, container) {
		for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
			const json_t *limit =
			        json_at(container, "resources", "limits", names[k], NULL);
			const json_t *request =
			        json_at(container, "resources", "requests", names[k], NULL);

			any = any || limit != NULL || request != NULL;
			if (limit == NULL || (request != NULL && !json_equal(limit, request)))
				all = false;
		}
	}
	return !any ? "BestEffort" : all ? "Guaranteed" : "Burstable";
}

json_t *pod_status_make(const struct pod_view *v, uint64_t now_wall_ms)
{
	const char *phase = pod_status_phase(v);
	json_t *init = json_array(), *main_list = json_array();
	json_t *status;

	for (size_t i = 0; i < v->containers_count; i++)
		json_array_append_new(v->containers[i]->init ? init : main_list,
		                      container_json(v->containers[i]));
	status = json_pack("{s:s, s:o, s:o, s:s, s:s, s:o}", "phase", phase, "conditions",
	                   conditions_json(v, phase, now_wall_ms), "containerStatuses", main_list,
	                   "hostIP", v->host_ip, "qosClass", pod_status_qos(v->pod), "startTime",
	                   time_json(v->start_wall_ms));
	json_object_set_new(status, "hostIPs", json_pack("[{s:s}]", "ip", v->host_ip));
	if (json_array_size(init) > 0)
		json_object_set(status, "initContainerStatuses", init);
	json_decref(init);
	if (v->pod_ip[0] != '\0') {
		json_object_set_new(status, "podIP", json_string(v->pod_ip));
		json_object_set_new(status, "podIPs", json_pack("[{s:s}]", "ip", v->pod_ip));
	}
	if (v->failed_reason != NULL) {
		json_object_set_new(status, "reason", json_string(v->failed_reason));
		json_object_set_new(status, "message", json_text(v->failed_message));
	}
	return status;
}
