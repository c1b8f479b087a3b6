/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status - computes the phase and the conditions of a container from the facts
 */
#include "controller/core/status.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "controller/core/pods.h"
#include "lib/api/names.h"
#include "lib/base/str.h"
#include "lib/kube/client/object.h"

static void say(struct verdict *v, const char *reason, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void say(struct verdict *v, const char *reason, const char *fmt, ...)
{
	va_list args;

	v->ok = false;
	v->is_failure = false;
	v->reason = reason;
	va_start(args, fmt);
	(void)vsnprintf(v->message, sizeof v->message, fmt, args);
	va_end(args);
}

const char *status_phase_name(enum phase phase)
{
	static const char *const names[PHASES_COUNT] = {
#define X(name, fine, coarse) [PHASE_##name] = (fine),
	        PHASES(X)
#undef X
	};

	assert(phase > PHASE_UNSET && phase < PHASES_COUNT);
	return names[phase];
}

const char *status_container_phase_name(enum phase phase)
{
	static const char *const names[PHASES_COUNT] = {
#define X(name, fine, coarse) [PHASE_##name] = (coarse),
	        PHASES(X)
#undef X
	};

	assert(phase > PHASE_UNSET && phase < PHASES_COUNT);
	return names[phase];
}

/* The runtime could not be reached (gRPC, "Status codes"); this is not the registry. */
static bool is_runtime_gone(const char *message)
{
	return strstr(message, "code = Unavailable") != NULL;
}

/* The kubelet's waiting reasons of an image that can't be had. */
static bool is_pull_failure(const char *waiting, const char *message)
{
	static const char *const reasons[] = {"ErrImagePull",        "ImagePullBackOff",
	                                      "InvalidImageName",    "ErrImageNeverPull",
	                                      "RegistryUnavailable", NULL};

	return str_is_one_of(waiting, reasons) && !is_runtime_gone(message);
}

/*
 * A call to the runtime failed. It may never succeed (an unknown capability) or succeed at the next
 * try (the runtime was restarted). The message does not say which, so only how long it lasts does.
 */
static bool is_passing(const char *waiting, const char *message)
{
	static const char *const reasons[] = {"CreateContainerError", "RunContainerError",
	                                      "ImageInspectError",    "PreCreateHookError",
	                                      "PreStartHookError",    NULL};

	return str_is_one_of(waiting, reasons) || (*waiting != '\0' && is_runtime_gone(message));
}

bool status_is_trouble(const json_t *pod)
{
	const char *message;
	const char *waiting = facts_pod_waiting(pod, &message);

	return is_passing(waiting, message);
}

/* The Pod is not scheduled. Return: the scheduler's words, or NULL. */
static const char *unschedulable(const json_t *pod)
{
	const json_t *scheduled = kube_condition(pod, "PodScheduled");

	if (scheduled == NULL || strcmp(json_str_at(scheduled, "", "status", NULL), "False") != 0)
		return NULL;
	return json_str_at(scheduled, "", "message", NULL);
}

/* The runtime failed to start the container again and again: its last message. */
static bool is_start_error(const char *waiting, const json_t *pod)
{
	static const char *const reasons[] = {"StartError", "ContainerCannotRun", NULL};

	return strcmp(waiting, "CrashLoopBackOff") == 0 &&
	       str_is_one_of(json_str_at(facts_pod_last_end(pod), "", "reason", NULL), reasons);
}

static void say_start_error(struct verdict *v, const json_t *pod)
{
	say(v, "StartError", "Pod %s cannot be started: %s", kube_name(pod),
	    json_str_at(facts_pod_last_end(pod), "", "message", NULL));
	v->is_failure = true;
}

static void judge_provider(const struct facts *f, const struct memory *memory, uint64_t now_ms,
                           struct verdict *v)
{
	const char *message;
	const char *waiting = facts_pod_waiting(f->provider, &message);
	const char *unplaced = unschedulable(f->provider);

	if (f->provider == NULL && memory_is_held(memory, HELD_PROVIDER, f->generation, now_ms)) {
		say(v, memory->held[HELD_PROVIDER].reason, "%s", memory->held[HELD_PROVIDER].text);
		v->is_failure = true;
	} else if (f->provider == NULL) {
		say(v, "Creating", "the provider Pod is being made");
	} else if (is_pull_failure(waiting, message)) {
		say(v, "ImagePullFailed",
		    "image \"%s\" cannot be pulled (%s): check its name and imagePullSecrets. %s",
		    facts_main_image(f), waiting, message);
		v->is_failure = true;
	} else if (is_start_error(waiting, f->provider)) {
		say_start_error(v, f->provider);
	} else if (*waiting != '\0') {
		say(v, waiting, "Pod %s: %s", kube_name(f->provider), message);
		v->is_failure =
		        !is_passing(waiting, message) ||
		        memory_is_lasting(memory, HELD_PROVIDER, kube_uid(f->provider), now_ms);
	} else if (unplaced != NULL) {
		say(v, "Unschedulable", "Pod %s: %s", kube_name(f->provider), unplaced);
	} else if (facts_pod_is_ready(f->provider)) {
		say(v, "Ready", "Pod %s runs and keeps the image", kube_name(f->provider));
		v->ok = true;
	} else {
		say(v, "Starting", "Pod %s is starting", kube_name(f->provider));
	}
}

static void judge_rootfs(const struct facts *f, struct verdict *v)
{
	const char *reason = json_str_at(f->rootfs, "", "reason", NULL);

	if (f->claim == CLAIM_REFUSED) {
		say(v, "ClaimRefused",
		    "the agent of node %s says that it has the root filesystem, but the provider "
		    "Pod was never there: the claim is taken away",
		    json_str_at(f->rootfs, "", "nodeName", NULL));
		v->is_failure = true;
	} else if (f->node_missing) {
		say(v, "NodeLost",
		    "node %s does not exist any more, and the root filesystem was on it: bring it "
		    "back, or delete this resource and annotate its instance with " SC_GROUP
		    "/abandon-rootfs=true",
		    json_str_at(f->rootfs, "", "nodeName", NULL));
		v->is_failure = true;
	} else if (strcmp(f->rootfs_state, "Failed") == 0) {
		say(v, *reason != '\0' ? reason : "RootfsFailed", "%s",
		    json_str_at(f->rootfs, "the node agent gave no reason", "message", NULL));
		v->is_failure =
		        strcmp(reason, "ImageGone") != 0; /* a new provider brings it back */
	} else if (f->rootfs_usable) {
		say(v, "Ready", "kept in %s on node %s",
		    json_str_at(f->rootfs, "", "hostPath", NULL),
		    json_str_at(f->rootfs, "", "nodeName", NULL));
		v->ok = true;
	} else if (*f->rootfs_state == '\0') {
		say(v, "WaitingForAgent", "no node agent has begun with it");
	} else {
		say(v, "Preparing", "the node agent prepares it from image \"%s\"",
		    facts_main_image(f));
	}
}

static void judge_missing_consumer(const struct facts *f, const struct memory *memory,
                                   uint64_t now_ms, bool starting, struct verdict *v)
{
	const struct hold_back *held = &memory->held[HELD_CONSUMER];

	if (!f->running && f->unended_count > 0)
		say(v, "Stopping", "%zu Pod(s) still have to end", f->unended_count);
	else if (!f->running)
		say(v, "Stopped", "spec.running is false");
	else if (memory_is_held(memory, HELD_CONSUMER, f->generation, now_ms)) {
		say(v, held->reason, "%s", held->text);
		v->is_failure = true;
	} else if (f->rootfs_usable && !pods_has_command(f->resource, f->image)) {
		say(v, "NoCommand",
		    "neither the template nor the image says what to run: set command");
		v->is_failure = true;
	} else if (starting)
		say(v, "Creating", "the consumer Pod is being made");
	else
		say(v, "WaitingForRootfs", "it starts when the root filesystem is ready");
}

/* The kernel ended the last run for want of memory. An exit code of 137 may have other causes. */
static bool is_memory_killed(const json_t *pod)
{
	return strcmp(json_str_at(facts_pod_last_end(pod), "", "reason", NULL), "OOMKilled") == 0;
}

/* "OOMKilled: it used more memory than its limit of 64Mi" */
static const char *memory_why(const struct facts *f, char buf[STATUS_KILLED_BYTES])
{
	const json_t *container = f->resource != NULL ? f->resource->container : NULL;
	const json_t *limit = json_at(container, "resources", "limits", "memory", NULL);

	if (json_is_integer(limit))
		(void)snprintf(buf, STATUS_KILLED_BYTES,
		               "OOMKilled: it used more memory than its limit of %lld",
		               (long long)json_integer_value(limit));
	else if (json_is_string(limit))
		(void)snprintf(buf, STATUS_KILLED_BYTES,
		               "OOMKilled: it used more memory than its limit of %.64s",
		               json_string_value(limit));
	else
		(void)snprintf(buf, STATUS_KILLED_BYTES,
		               "OOMKilled: it has no limit of memory, and its node had none left");
	return buf;
}

/* Added to another verdict, as long as the last run ended so. */
static void add_memory_killed(const char *why, struct verdict *v)
{
	size_t len = strlen(v->message);

	if (strcmp(v->reason, "OOMKilled") != 0)
		(void)snprintf(v->message + len, sizeof v->message - len,
		               "; the process before was killed (%s)", why);
}

/* By the Pod's status, as long as the agent has written nothing newer. */
static void judge_pod(const struct facts *f, const struct memory *memory, uint64_t now_ms,
                      struct verdict *v)
{
	const char *message;
	const char *waiting = facts_pod_waiting(f->consumer, &message);
	const char *unplaced = unschedulable(f->consumer);
	const char *state = json_str_at(f->consumer_status, "", "state", NULL);
	const json_t *end = facts_pod_last_end(f->consumer);
	char why[STATUS_KILLED_BYTES];

	if (is_start_error(waiting, f->consumer)) {
		say_start_error(v, f->consumer);
	} else if (strcmp(waiting, "CrashLoopBackOff") == 0 && is_memory_killed(f->consumer)) {
		say(v, "OOMKilled", "the process ends again and again (%s). %s", memory_why(f, why),
		    message);
		v->is_failure = true;
	} else if (strcmp(waiting, "CrashLoopBackOff") == 0) {
		say(v, "CrashLoopBackOff",
		    "the process ends again and again (last exit code %lld): see kubectl logs "
		    "--previous -n %s %s. %s",
		    (long long)json_int_at(end, 0, "exitCode", NULL), f->ns, kube_name(f->consumer),
		    message);
		v->is_failure = true;
	} else if (*waiting != '\0') {
		say(v, is_pull_failure(waiting, message) ? "ImagePullFailed" : waiting,
		    "Pod %s: %s", kube_name(f->consumer), message);
		v->is_failure =
		        !is_passing(waiting, message) ||
		        memory_is_lasting(memory, HELD_CONSUMER, kube_uid(f->consumer), now_ms);
	} else if (strcmp(state, "Exited") == 0 && is_memory_killed(f->consumer)) {
		say(v, "OOMKilled", "the process was killed and is started again (%s)",
		    memory_why(f, why));
	} else if (strcmp(state, "Exited") == 0) {
		say(v, "Exited", "the process ended with exit code %lld and is started again",
		    (long long)json_int_at(f->consumer_status, 0, "exitCode", NULL));
	} else if (unplaced != NULL) {
		say(v, "Unschedulable", "Pod %s: %s", kube_name(f->consumer), unplaced);
	} else {
		say(v, "Starting", "Pod %s is starting", kube_name(f->consumer));
	}
}

static void judge_consumer(const struct facts *f, const struct memory *memory, uint64_t now_ms,
                           struct verdict *v)
{
	const char *state = json_str_at(f->consumer_status, "", "state", NULL);
	const char *message = json_str_at(f->consumer_status, "", "message", NULL);
	const char *reason = json_str_at(f->consumer_status, "HandoverFailed", "reason", NULL);
	unsigned port = f->resource != NULL ? f->resource->activation.port : 0;
	bool is_probed = f->resource != NULL &&
	                 json_at(f->resource->container, "readinessProbe", NULL) != NULL;

	if (strcmp(state, "Failed") == 0) {
		say(v, reason, "%s", message);
		v->is_failure = true;
	} else if (strcmp(state, "Listening") == 0) {
		say(v, "Listening", "port %lld answers",
		    (long long)json_int_at(f->consumer_status, port, "port", NULL));
		v->ok = true;
	} else if (strcmp(state, "Started") == 0 && port == 0) {
		say(v, "Started", "the process runs; no port is wanted");
		v->ok = true;
	} else if (is_probed && facts_pod_is_ready(f->consumer)) {
		say(v, "Ready", "the readiness probe of Pod %s succeeds", kube_name(f->consumer));
		v->ok = true;
	} else if (strcmp(state, "Started") == 0) {
		if (*message != '\0')
			say(v, "WaitingForPort", "the process runs, but %s", message);
		else
			say(v, "WaitingForPort", "the process runs, but nothing listens on port %u",
			    port);
	} else if (strcmp(state, "HandedOver") == 0) {
		say(v, "Starting", "the root filesystem is in place");
	} else {
		judge_pod(f, memory, now_ms, v);
	}
}

static void judge_activatable(const struct facts *f, const struct memory *memory, uint64_t now_ms,
                              struct verdict *v)
{
	const struct resource *r = f->resource;

	if (r == NULL || (f->invalid != NULL && f->consumer == NULL)) {
		say(v, f->invalid_reason, "%s", f->invalid);
	} else if (r->activation.port == 0) {
		say(v, "NoPort", "name a containerPort or set spec.activation.port");
	} else if (!r->activation.enabled) {
		say(v, "Disabled", "set spec.activation.enabled to true");
	} else if (f->hosts_reason != NULL) {
		say(v, f->hosts_reason, "%s", f->hosts_refusal);
	} else if (memory_is_held(memory, HELD_SERVICE, f->generation, now_ms)) {
		say(v, memory->held[HELD_SERVICE].reason, "%s", memory->held[HELD_SERVICE].text);
	} else {
		say(v, "Routed", "a request wakes it");
		v->ok = true;
	}
}

static bool is_template_changed(const struct facts *f)
{
	char hash[PODS_HASH_BYTES];

	if (f->consumer == NULL || f->resource == NULL || !f->running)
		return false;
	pods_consumer_hash(f->resource, hash);
	return strcmp(kube_annotation(f->consumer, SC_ANNOTATION_TEMPLATE_HASH), hash) != 0;
}

/* Why nothing will come of it. Return: NULL when there is no reason. */
static const struct verdict *failure(const struct facts *f, const struct status *s)
{
	if (f->running && s->consumer.is_failure)
		return &s->consumer;
	if (f->consumer == NULL && !f->rootfs_usable && s->provider.is_failure)
		return &s->provider;
	if (!f->rootfs_usable && s->rootfs.is_failure)
		return &s->rootfs;
	return NULL;
}

static enum phase find_phase(const struct facts *f, const struct status *s)
{
	if (f->deleting || f->instance_deleting)
		return PHASE_STOPPING;
	if (!f->running && (f->consumer != NULL || f->unended_count > 0))
		return PHASE_STOPPING;
	if (f->running && s->consumer.ok)
		return PHASE_RUNNING;
	if (f->instance_foreign || failure(f, s) != NULL)
		return PHASE_FAILED;
	if (f->invalid != NULL && f->consumer == NULL)
		return PHASE_FAILED;
	if (f->rootfs_usable)
		return f->running ? PHASE_CONSUMER_STARTING : PHASE_STOPPED;
	if (s->provider.ok)
		return PHASE_PROVIDER_READY;
	return f->provider != NULL ? PHASE_PROVIDER_STARTING : PHASE_PENDING;
}

static void judge_ready(const struct facts *f, struct status *s)
{
	const struct verdict *why = failure(f, s);
	struct verdict *v = &s->ready;

	if (s->phase == PHASE_FAILED && f->instance_foreign)
		say(v, "InstanceConflict",
		    "a StoppableContainerInstance %s that this resource does not own is in the "
		    "way: "
		    "delete it",
		    f->name);
	else if (s->phase == PHASE_FAILED && f->invalid != NULL)
		say(v, f->invalid_reason, "%s", f->invalid);
	else if (s->phase == PHASE_FAILED && why != NULL)
		say(v, why->reason, "%s", why->message);
	else if (s->phase == PHASE_RUNNING || s->phase == PHASE_CONSUMER_STARTING)
		say(v, status_phase_name(s->phase), "%s", s->consumer.message);
	else if (s->phase == PHASE_STOPPED)
		say(v, "Stopped", "spec.running is false; the root filesystem is kept");
	else if (s->phase == PHASE_STOPPING)
		say(v, "Stopping", "%zu Pod(s) still have to end", f->pods_count);
	else
		say(v, status_phase_name(s->phase), "%s",
		    s->provider.ok ? s->rootfs.message : s->provider.message);
	v->ok = s->phase == PHASE_RUNNING;
}

void status_judge(const struct facts *f, const struct memory *memory,
                  const struct status_times *now, bool starting, struct status *ret_status)
{
	struct status s = {0};

	judge_provider(f, memory, now->now_ms, &s.provider);
	judge_rootfs(f, &s.rootfs);
	if (f->consumer != NULL && f->running)
		judge_consumer(f, memory, now->now_ms, &s.consumer);
	else if (f->consumer != NULL)
		say(&s.consumer, "Stopping", "Pod %s still has to end", kube_name(f->consumer));
	else
		judge_missing_consumer(f, memory, now->now_ms, starting, &s.consumer);
	if (f->consumer != NULL && f->running)
		s.last_end = facts_pod_last_end(f->consumer);
	if (s.last_end != NULL && is_memory_killed(f->consumer))
		add_memory_killed(memory_why(f, s.memory_killed), &s.consumer);
	judge_activatable(f, memory, now->now_ms, &s.activatable);
	s.template_changed = is_template_changed(f);
	s.node_silent = f->node_silent;
	if (f->node_silent)
		say(&s.node, "NodeNotReady",
		    "node %s is not Ready: what is said of its Pods is from before, and nothing "
		    "starts there",
		    json_str_at(f->rootfs, "", "nodeName", NULL));
	s.phase = find_phase(f, &s);
	judge_ready(f, &s);
	/* never Running for a Pod that is being deleted, or that nobody wants */
	assert(s.phase != PHASE_RUNNING ||
	       (f->running && f->consumer != NULL && !kube_is_deleting(f->consumer)));
	assert(s.ready.reason != NULL && s.ready.ok == (s.phase == PHASE_RUNNING));
	*ret_status = s;
}
