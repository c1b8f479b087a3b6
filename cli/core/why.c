/* SPDX-License-Identifier: Apache-2.0 */
/*
 * why - explains why a container is awake, asleep or failed, what comes next, and what to do
 */
#include "cli/core/why.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/core/activity.h"
#include "cli/core/lines.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"

enum {
	WHY_AGE_BYTES = 40,
	WHY_NOTE_MS = 5000, /* the idle-monitor writes of a start after this at the latest */
	WHY_STOP_SLACK_MS = 10000,
};

struct why {
	const json_t *object;
	const char *name;
	const char *where; /* behind the name in a command */
	const char *phase;
	const json_t *idle;
	const json_t *activation;
	const json_t *ready;
	bool running;
	uint64_t now_ms; /* wall */
	json_t *lines;
};

/* clang-format off */
static const struct {
	const char *reason;
	const char *advice;
} advices[] = {
	{ "DigestChanged", "go back to the old image, or drop the kept files: kubectl sc reset %s" },
	{ "FilesChanged", "see what differs: kubectl sc verify %s; put it back, or take the files as they are by the command in the message" },
	{ "FilesMissing", "mount the disk or restore a backup, and it goes on by itself; or begin without files by the command in the message" },
	{ "RecordCorrupt", "put a copy of record.json back, or drop the kept files: kubectl sc reset %s" },
	{ "ClaimRefused", "look at the agent of the node that the message names: it claims files that it does not have. kubectl sc events %s" },
	{ "NodeLost", "bring the node back, or give the files up: kubectl sc delete %s --abandon-rootfs" },
	{ "ImagePullFailed", "correct the image or imagePullSecrets: kubectl edit stoppablecontainer %s" },
	{ "CommandNotFound", "correct the command or the image: kubectl edit stoppablecontainer %s" },
	{ "CommandNotExecutable", "correct the file's mode or the user: kubectl edit stoppablecontainer %s" },
	{ "NoCommand", "say what to run: kubectl edit stoppablecontainer %s" },
	{ "PrefixNotAllowed", "use a hostPathPrefix that the message lists: kubectl edit stoppablecontainer %s" },
	{ "TemplateInvalid", "correct what the message names: kubectl edit stoppablecontainer %s" },
	{ "UnsafeMountPoint", "correct the image, or mount elsewhere: kubectl edit stoppablecontainer %s" },
	{ "OOMKilled", "give it more memory (resources.limits.memory), or let it use less: kubectl edit stoppablecontainer %s" },
	{ "CrashLoopBackOff", "see what the process says: kubectl sc logs %s -p" },
	{ "Exited", "see what the process says: kubectl sc logs %s -p" },
	{ "WaitingForPort", "correct spec.activation.port, or let the process listen there: kubectl sc logs %s" },
	{ "NoSpace", "make room below the hostPathPrefix on its node; it goes on by itself" },
	{ "Unschedulable", "see resources, nodeSelector and taints: kubectl sc events %s" },
	{ "WaitingForAgent", "is the node agent running on its node? kubectl sc events %s" },
	{ "NoPort", "name a containerPort, or set spec.activation.port: kubectl edit stoppablecontainer %s" },
	{ "HostConflict", "take the host out of one of the two: kubectl edit stoppablecontainer %s" },
	{ "ServiceConflict", "delete that Service, or set spec.activation.serviceName: kubectl edit stoppablecontainer %s" },
	{ "Disabled", "set spec.activation.enabled to true: kubectl edit stoppablecontainer %s" },
};
/* clang-format on */

const char *advice_of(const char *reason)
{
	for (size_t i = 0; i < ARRAY_LEN(advices); i++) {
		if (strcmp(advices[i].reason, reason) == 0)
			return advices[i].advice;
	}
	return NULL;
}

/* "What to do: " and the advice with the name put in. */
static void say_advice(struct why *w, const char *advice)
{
	const char *place = strstr(advice, "%s");

	if (place == NULL)
		lines_add(w->lines, "What to do: %s", advice);
	else
		lines_add(w->lines, "What to do: %.*s%s%s%s", (int)(place - advice), advice,
		          w->name, w->where, place + 2);
}

/* "3m10s ago" of a member that is a time. Return: false when it is absent. */
static bool ago(const struct why *w, const json_t *from, const char *key, char buf[WHY_AGE_BYTES])
{
	char age[NUM_AGE_BYTES];
	uint64_t ms;

	if (num_parse_rfc3339(json_str_at(from, "", key, NULL), &ms, NULL) < 0)
		return false;
	(void)num_format_age(w->now_ms > ms ? w->now_ms - ms : 0, age);
	(void)snprintf(buf, WHY_AGE_BYTES, "%s ago", age);
	return true;
}

static const char *text_of(const json_t *from, const char *key)
{
	return json_str_at(from, "", key, NULL);
}

/* Reason and message of a condition: "CrashLoopBackOff: see its log". */
static void say_condition(struct why *w, const char *label, const json_t *c)
{
	const char *message = text_of(c, "message");

	lines_add(w->lines, "%s: %s%s%s", label, text_of(c, "reason"), *message ? ": " : "",
	          message);
}

static void say_last_activity(struct why *w)
{
	struct activity a;
	char age[NUM_AGE_BYTES];

	if (activity_last(w->object, &a))
		lines_add(w->lines, "Last activity: %s, %s ago.", *a.source ? a.source : "unknown",
		          num_format_age(w->now_ms > a.wall_ms ? w->now_ms - a.wall_ms : 0, age));
}

static void say_last_wake(struct why *w)
{
	const char *source = text_of(w->activation, "lastWakeSource");
	int64_t ms = json_int_at(w->activation, -1, "lastColdStartMs", NULL);
	char when[WHY_AGE_BYTES];
	char cold[64] = "";

	if (!ago(w, w->activation, "lastWakeTime", when))
		return;
	if (ms >= 0)
		(void)snprintf(cold, sizeof cold, "; its first byte of answer came after %lld ms",
		               (long long)ms);
	lines_add(w->lines, "Last woken by a request%s%s%s, %s%s.", *source ? " (" : "", source,
	          *source ? ")" : "", when, cold);
}

/* A container that is never stopped for idleness: which field says so. */
static const char *never_why(const struct why *w)
{
	const json_t *spec = json_object_get(w->object, "spec");
	const char *timeout = json_str_at(spec, "", "idle", "timeout", NULL);
	uint64_t ms = 1;

	if (*timeout != '\0' && num_parse_duration_ms(timeout, UINT64_MAX / 2, &ms, NULL) == 0 &&
	    ms == 0)
		return "spec.idle.timeout is 0s";
	if (!json_bool_at(spec, true, "idle", "signals", "http", NULL))
		return "spec.idle.signals.http is false, so nothing counts as activity";
	if (!json_bool_at(spec, true, "activation", "enabled", NULL))
		return "spec.activation.enabled is false, so no request would wake it";
	return NULL;
}

static void say_stop_at(struct why *w)
{
	const char *never = never_why(w);
	struct activity a = {.is_noted = true};
	char left[NUM_AGE_BYTES];
	uint64_t ms;

	(void)activity_last(w->object, &a);
	if (never != NULL) {
		lines_add(w->lines, "It is never stopped for idleness: %s.", never);
	} else if (!a.is_noted && w->now_ms < a.wall_ms + WHY_NOTE_MS) {
		lines_add(w->lines,
		          "When it is stopped the idle-monitor tells within %d s of a "
		          "start.",
		          WHY_NOTE_MS / 1000);
	} else if (num_parse_rfc3339(text_of(w->idle, "stopAt"), &ms, NULL) == 0) {
		if (ms > w->now_ms)
			lines_add(w->lines, "It is stopped in %s, if nothing happens until then.",
			          num_format_age(ms - w->now_ms, left));
		else
			lines_add(w->lines, "Its time is over: it is stopped as soon as all "
			                    "activators agree.");
	} else if (*text_of(w->idle, "state") == '\0') {
		lines_add(w->lines, "The idle-monitor has not spoken of it yet; is "
		                    "sc-idle-monitor running?");
	} else {
		lines_add(w->lines,
		          "When it is stopped is not known: it is in use, or an activator "
		          "does not answer.");
	}
}

static void say_wakeable(struct why *w)
{
	const json_t *c = kube_condition(w->object, "Activatable");
	const char *url = text_of(w->activation, "url");
	const char *advice;

	if (c != NULL && strcmp(text_of(c, "status"), "True") != 0) {
		say_condition(w, "No request wakes it", c);
		advice = advice_of(text_of(c, "reason"));
		if (advice != NULL)
			say_advice(w, advice);
	} else if (*url != '\0') {
		lines_add(w->lines, "A request wakes it: %s", url);
	}
}

static void why_awake(struct why *w)
{
	const json_t *consumer = kube_condition(w->object, "ConsumerReady");
	struct activity a = {.is_noted = true};

	(void)activity_last(w->object, &a);
	lines_add(w->lines, "%s is awake%s.", w->name,
	          !a.is_noted                                        ? ""
	          : strcmp(text_of(w->idle, "state"), "Idle") == 0   ? ", and nobody uses it"
	          : strcmp(text_of(w->idle, "state"), "Active") == 0 ? ", and in use"
	                                                             : "");
	say_last_activity(w);
	say_stop_at(w);
	say_last_wake(w);
	if (strcmp(json_str_at(w->object, "", "status", "lastTermination", "reason", NULL),
	           "OOMKilled") == 0) {
		say_condition(w, "ConsumerReady", consumer);
		say_advice(w, advice_of("OOMKilled"));
		return;
	}
	say_advice(w, "nothing; to stop it now: kubectl sc stop %s (the next request wakes it "
	              "again, unless spec.activation.enabled is false)");
}

/* The first condition that is not met, in the order in which they are reached. */
static const json_t *first_unmet(const struct why *w)
{
	static const char *const order[] = {"ProviderReady", "RootfsReady", "ConsumerReady"};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		const json_t *c = kube_condition(w->object, order[i]);

		if (c != NULL && strcmp(text_of(c, "status"), "True") != 0)
			return c;
	}
	return NULL;
}

static void why_starting(struct why *w)
{
	const json_t *c = first_unmet(w);
	const char *advice = advice_of(text_of(c, "reason"));

	lines_add(w->lines, "%s is starting.", w->name);
	if (c != NULL)
		say_condition(w, text_of(c, "type"), c);
	else if (w->ready != NULL)
		say_condition(w, "Ready", w->ready);
	say_last_wake(w);
	say_advice(w, advice != NULL ? advice : "wait: kubectl sc wait %s --for=Ready");
}

/* Whether the last stop was one for idleness. */
static bool is_idle_stop(const struct why *w)
{
	uint64_t stop_ms, since_ms;

	if (num_parse_rfc3339(text_of(w->idle, "lastStopTime"), &stop_ms, NULL) < 0 ||
	    num_parse_rfc3339(text_of(w->ready, "lastTransitionTime"), &since_ms, NULL) < 0)
		return true; /* as older versions wrote it, without times */
	return stop_ms + WHY_STOP_SLACK_MS >= since_ms;
}

static void why_asleep(struct why *w)
{
	const char *reason = text_of(w->idle, "lastStopReason");
	char when[WHY_AGE_BYTES];

	if (ago(w, w->ready, "lastTransitionTime", when) &&
	    strcmp(text_of(w->ready, "status"), "False") == 0)
		lines_add(w->lines, "%s is asleep; it was last ready %s.", w->name, when);
	else
		lines_add(w->lines, "%s is asleep.", w->name);
	if (*reason != '\0' && is_idle_stop(w))
		lines_add(w->lines, "Stopped for idleness: %s.", reason);
	else if (*reason != '\0')
		lines_add(w->lines,
		          "It was stopped by hand: spec.running was set to false. Last "
		          "stopped for idleness%s%s: %s.",
		          ago(w, w->idle, "lastStopTime", when) ? " " : "", when, reason);
	else
		lines_add(w->lines, "It was never stopped for idleness: spec.running was set to "
		                    "false, or it was not started yet.");
	say_last_activity(w);
	say_last_wake(w);
	say_wakeable(w);
	say_advice(w, "nothing; its files are kept. To start it now: kubectl sc start %s");
}

static void why_failed(struct why *w)
{
	const char *advice = advice_of(text_of(w->ready, "reason"));

	lines_add(w->lines, "%s failed.", w->name);
	if (w->ready != NULL)
		say_condition(w, "Reason", w->ready);
	say_advice(w, advice != NULL ? advice : "see what happened: kubectl sc events %s");
}

static void why_stopping(struct why *w)
{
	lines_add(w->lines, "%s is stopping.", w->name);
	if (w->ready != NULL)
		say_condition(w, "Ready", w->ready);
	if (*text_of(w->idle, "lastStopReason") != '\0' && is_idle_stop(w))
		lines_add(w->lines, "Stopped for idleness: %s.",
		          text_of(w->idle, "lastStopReason"));
	say_advice(w, "wait: kubectl sc wait %s --for=Stopped");
}

static void why_deleting(struct why *w)
{
	char when[WHY_AGE_BYTES] = "";

	(void)ago(w, json_object_get(w->object, "metadata"), "deletionTimestamp", when);
	lines_add(w->lines, "%s is being deleted, since %s.", w->name, when);
	say_advice(w, "wait; if its node is gone for good: kubectl sc delete %s --abandon-rootfs");
}

static bool is_phase(const struct why *w, const char *phase)
{
	return strcmp(w->phase, phase) == 0;
}

static struct why why_of(const json_t *object, const char *where, uint64_t now_wall_ms)
{
	const json_t *status = json_object_get(object, "status");

	return (struct why){
	        .object = object,
	        .name = kube_name(object),
	        .where = where,
	        .phase = json_str_at(status, "", "phase", NULL),
	        .idle = json_object_get(status, "idle"),
	        .activation = json_object_get(status, "activation"),
	        .ready = kube_condition(object, "Ready"),
	        .running = json_bool_at(object, false, "spec", "running", NULL),
	        .now_ms = now_wall_ms,
	        .lines = json_array(),
	};
}

json_t *why_lines(const json_t *object, const char *where, uint64_t now_wall_ms)
{
	struct why w = why_of(object, where, now_wall_ms);
	const json_t *changed = kube_condition(object, "TemplateChanged");

	if (kube_is_deleting(object)) {
		why_deleting(&w);
	} else if (is_phase(&w, "")) {
		lines_add(w.lines, "%s is new: the controller has not spoken of it yet.", w.name);
		say_advice(&w, "wait; if that lasts, is sc-controller running?");
	} else if (is_phase(&w, "Failed")) {
		why_failed(&w);
	} else if (is_phase(&w, "Stopping")) {
		why_stopping(&w);
	} else if (w.running && is_phase(&w, "Running")) {
		why_awake(&w);
	} else if (w.running) {
		why_starting(&w);
	} else if (is_phase(&w, "Running")) {
		why_stopping(&w);
	} else {
		why_asleep(&w);
	}
	if (changed != NULL && strcmp(text_of(changed, "status"), "True") == 0)
		lines_add(w.lines,
		          "Its template was changed: that is applied at the next start. To do it "
		          "now: kubectl sc stop %s%s --wait && kubectl sc start %s%s",
		          w.name, w.where, w.name, w.where);
	return w.lines;
}

static void status_line(struct why *w, const char *label, const char *text)
{
	if (*text != '\0')
		lines_add(w->lines, "%-15s%s", label, text);
}

static void status_conditions(struct why *w)
{
	const json_t *list = json_at(w->object, "status", "conditions", NULL), *c;
	char when[WHY_AGE_BYTES];
	size_t i;

	if (json_array_size(list) > 0)
		lines_add(w->lines, "Conditions:");
	json_array_foreach(list, i, c) {
		const char *message = text_of(c, "message");

		if (!ago(w, c, "lastTransitionTime", when))
			when[0] = '\0';
		lines_add(w->lines, "  %s: %s (%s)%s%s%s%s", text_of(c, "type"),
		          text_of(c, "status"), text_of(c, "reason"), *when ? ", since " : "", when,
		          *message ? ": " : "", message);
	}
}

json_t *status_lines(const json_t *object, uint64_t now_wall_ms)
{
	struct why w = why_of(object, "", now_wall_ms);
	const json_t *status = json_object_get(object, "status");
	struct activity a;
	char when[WHY_AGE_BYTES], age[NUM_AGE_BYTES];

	status_line(&w, "Name:", w.name);
	status_line(&w, "Namespace:", kube_namespace(object));
	status_line(&w, "Running:", w.running ? "true" : "false");
	status_line(&w, "Phase:",
	            kube_is_deleting(object) ? "Terminating"
	            : *w.phase               ? w.phase
	                                     : "Pending");
	status_line(&w, "Instance:", text_of(status, "instanceName"));
	status_line(&w, "Pod:", text_of(status, "consumerPodName"));
	status_line(&w, "Node:", text_of(status, "nodeName"));
	status_line(&w, "Files:", text_of(status, "hostPath"));
	status_line(&w, "URL:", text_of(w.activation, "url"));
	status_line(&w, "Idle state:", text_of(w.idle, "state"));
	if (activity_last(object, &a))
		lines_add(
		        w.lines, "%-15s%s ago (%s)", "Last activity:",
		        num_format_age(now_wall_ms > a.wall_ms ? now_wall_ms - a.wall_ms : 0, age),
		        *a.source ? a.source : "unknown");
	if (ago(&w, json_object_get(object, "metadata"), "creationTimestamp", when))
		status_line(&w, "Created:", when);
	status_conditions(&w);
	return w.lines;
}
