/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consumer - what a consumer Pod's wrapper sends, and what the kubelet says of its end
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <string.h>

#include "agent/core/handed.h"
#include "agent/core/pod_view.h"
#include "agent/io/consumer_internal.h"
#include "agent/io/link.h"
#include "agent/io/mounts/files_mark.h"
#include "agent/io/mounts/fs.h"
#include "agent/io/mounts/handover.h"
#include "agent/io/mounts/proc.h"
#include "agent/io/task.h"
#include "lib/api/names.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/http/metrics.h"
#include "lib/kube/client/object.h"

/* For all of clearAtStart together: some hundred thousand files. */
enum { CONSUMER_CLEAR_MS_MAX = 5000 };

void consumer_feed(struct consumer *c, enum consumer_event ev)
{
	enum consumer_state next = consumer_state_next(c->state, ev);
	bool is_passing = consumer_state_is_passing(c->state, next, consumer_port(c) != 0);

	if (next == c->state)
		return;
	c->state = next;
	log_event(next == CONSUMER_FAILED ? LOG_WARN : LOG_INFO, "consumer.state",
	          log_str("namespace", kube_namespace(c->inst->object)),
	          log_str("instance", kube_name(c->inst->object)), log_str("pod_uid", c->pod_uid),
	          log_str("state", consumer_state_text(next)), log_str("reason", c->reason),
	          log_str("message", c->message), log_str("address", c->address),
	          log_i64("exit_code", c->exit_code), log_u64("handover_us", c->handover_us));
	if (is_passing)
		instance_report_passing(c->inst);
	else
		instance_report(c->inst);
}

void consumer_say(struct consumer *c, const char *reason, const char *fmt, ...)
{
	va_list ap;

	(void)snprintf(c->reason, sizeof c->reason, "%s", reason);
	va_start(ap, fmt);
	(void)vsnprintf(c->message, sizeof c->message, fmt, ap);
	va_end(ap);
}

/* --- the wrapper --- */

static void consumer_on_started(struct consumer *c, bool anew)
{
	if (anew || c->started_wall_ms == 0)
		c->started_wall_ms = clk_wall_ms();
	consumer_say(c, "", "%s", "");
	c->exit_code = 0;
	consumer_open_netns(c);
}

static void consumer_on_failed(struct consumer *c, const struct proto_message *m)
{
	consumer_say(c, m->number == ENOENT ? "CommandNotFound" : "CommandNotExecutable", "%s: %s",
	             m->text, strerror(m->number));
	consumer_feed(c, CONSUMER_EV_FAILED);
}

static void on_consumer_message(void *arg, const struct proto_message *m)
{
	struct consumer *c = arg;

	switch (m->kind) {
	case PROTO_HELLO_WAITING:
		consumer_stop_polling(c);
		c->becomes = false;
		c->awaits_end = false;
		consumer_say(c, "", "%s", "");
		consumer_feed(c, CONSUMER_EV_HELLO_WAITING);
		instance_hand_next(c->inst);
		break;
	case PROTO_HELLO_RUNNING:
		if (c->state == CONSUMER_STARTED || c->state == CONSUMER_LISTENING)
			break;
		consumer_on_started(c, false);
		consumer_feed(c, CONSUMER_EV_HELLO_RUNNING);
		consumer_poll(c);
		break;
	case PROTO_STARTED:
		consumer_on_started(c, true);
		consumer_feed(c, CONSUMER_EV_STARTED);
		consumer_poll(c);
		break;
	case PROTO_BECOMES:
		c->becomes = true;
		break;
	case PROTO_FAILED:
		c->becomes = false;
		consumer_on_failed(c, m);
		break;
	case PROTO_EXITED:
		c->exit_code = m->number;
		consumer_say(c, "Exited", "exit code %d", m->number);
		break;
	case PROTO_SIGNALED:
		c->exit_code = 128 + m->number;
		consumer_say(c, "Signaled", "ended by signal %d", m->number);
		break;
	case PROTO_UNKNOWN:
	case PROTO_GO:
	case PROTO_REFUSE:
		break;
	}
}

/* `becomes`, and then the end of the connection: the exec was done. */
static bool on_consumer_closed(void *arg)
{
	struct consumer *c = arg;

	if (!c->becomes)
		return false;
	if (c->state == CONSUMER_HANDED_OVER) {
		consumer_on_started(c, true);
		consumer_feed(c, CONSUMER_EV_STARTED);
		consumer_poll(c);
	}
	return true;
}

static void on_consumer_gone(void *arg)
{
	struct consumer *c = arg;

	consumer_stop_polling(c);
	if (c->becomes) {
		c->awaits_end = true;
		consumer_say(c, "Exited", "process 1 ended; the kubelet tells how");
	} else if (c->reason[0] == '\0') {
		c->exit_code = 137;
		consumer_say(c, "Signaled", "the container ended without a word");
	}
	consumer_feed(c, CONSUMER_EV_GONE);
	instance_hand_soon(c->inst);
	instance_reconcile(c->inst);
}

static bool consumer_is_in(const void *arg, const char *container_id)
{
	return proc_is_in_container(*(const pid_t *)arg, container_id);
}

/*
 * A container for debugging may have the control folder, too. Which it is the kubelet tells a
 * second later; a wake does not wait for that.
 */
static bool on_consumer_peer(const void *arg, pid_t pid)
{
	const struct consumer *c = arg;

	return pod_any_other_container(c->pod, consumer_is_in, &pid);
}

static void consumer_check_peer(struct consumer *c)
{
	if (!link_recheck(c->link))
		return;
	consumer_stop_polling(c);
	c->becomes = false;
	consumer_say(c, "HandoverFailed", "another container of the Pod spoke for the main one");
	consumer_feed(c, CONSUMER_EV_GONE);
}

bool consumer_is_alive(const struct consumer *c)
{
	return link_peer(c->link) != NULL;
}

void consumer_refuse(struct consumer *c, const char *reason, const char *why)
{
	consumer_say(c, reason, "%s", why);
	link_send(c->link, PROTO_REFUSE, why);
	consumer_feed(c, CONSUMER_EV_FAILED);
}

/* --- the hand-over --- */

struct handing {
	struct files_use files; /* which, and where */
	const char *clear[POD_CLEAR_MAX + 1];
	struct handover handover;
	pid_t pid;
};

struct handed {
	uint64_t took_us;
	struct files_opened files;
};

/* A start is worth more than an empty folder: what is left is told to whoever runs the node. */
static void handing_clear(const struct handing *h)
{
	uint64_t until_ms = clk_now_ms() + CONSUMER_CLEAR_MS_MAX;
	struct err err;

	for (size_t i = 0; h->clear[i] != NULL; i++) {
		if (fs_clear(h->handover.root_fd, h->clear[i], until_ms, &err) < 0)
			log_event(LOG_WARN, "rootfs.not_cleared",
			          log_str("namespace", h->files.place.ns),
			          log_str("instance", h->files.place.name), log_err(&err));
	}
}

/* In the child. */
static int handing_run(void *arg, void *data, struct err *err)
{
	struct handing *h = arg;
	struct handed *handed = data;
	struct proc_user user;
	uint64_t begin_us;
	int rc;

	/* a consumer that is not connected (yet) may hold it: an agent that started anew */
	if (h->files.place.consumer_pods[0] != NULL && rootfs_holder(&h->files.place) > 0)
		return HANDED_HELD;
	if (!rootfs_has_layers(&h->files.place))
		return HANDED_NO_IMAGE;
	rc = files_open(&h->files, &handed->files, err);
	if (rc != 0)
		return rc < 0 ? -1 : HANDED_BAD_FILES;
	handing_clear(h);
	/* half a hand-over would look like a whole one to the next agent */
	task_outlive_agent();
	begin_us = clk_now_us();
	h->handover.user = proc_user(h->pid, &user) ? &user : NULL;
	rc = handover_run(&h->handover, err);
	handed->took_us = clk_now_us() - begin_us;
	return rc;
}

static void consumer_go(struct consumer *c, int rc, const struct handed *handed)
{
	c->inst->recalled_pod[0] = '\0';
	instance_hand_soon(c->inst);
	if (rc == HANDED_NOW)
		c->handover_us = handed->took_us;
	metric_observe(c->inst->agent->handover_seconds, NULL, (double)handed->took_us / 1e6);
	metric_observe(c->inst->agent->files_check_seconds, NULL,
	               (double)handed->files.took_us / 1e6);
	link_send(c->link, PROTO_GO, "");
	consumer_feed(c, CONSUMER_EV_HANDED);
}

static void on_handed(void *arg, int rc, const void *data, const struct err *err)
{
	struct consumer *c = arg;
	const struct handed *handed = data;
	const struct link_peer *peer = link_peer(c->link);
	const struct handed_facts facts = {rc, rc < 0 && pause_helps(err), c->state,
	                                   c->handed_number, peer != NULL ? peer->number : 0};

	c->task = NULL;
	c->inst->handing = NULL;
	switch (handed_plan(&facts)) {
	case HANDED_DO_PAUSE:
		if (rc < 0)
			log_event(LOG_WARN, "consumer.hand_over_failed",
			          log_str("pod_uid", c->pod_uid), log_err(err));
		instance_hand_later(c->inst);
		break;
	case HANDED_DO_NO_IMAGE:
		instance_image_gone(c->inst);
		break;
	case HANDED_DO_NO_FILES:
		instance_refuse_files(c->inst, handed->files.reason, err->text);
		break;
	case HANDED_DO_REFUSE:
		consumer_refuse(c, "HandoverFailed", err->text);
		break;
	case HANDED_DO_GO:
		consumer_go(c, rc, handed);
		break;
	case HANDED_DO_FORGET:
	case HANDED_UNSET:
		break;
	}
	instance_reconcile(c->inst);
}

void consumer_hand_over(struct consumer *c)
{
	const struct link_peer *peer = link_peer(c->link);
	struct handing h = {.files = {instance_place(c->inst, c), instance_files_known(c->inst)}};
	const struct task_opts opts = {handing_run, on_handed, &h, c};
	struct err err;

	h.pid = peer->pid;
	c->handed_number = peer->number;
	instance_clear_paths(c->inst->object, h.clear);
	h.handover = (struct handover){c->inst->root_fd, peer->mount_ns_fd, c->cwd,
	                               SC_CONTROL_MOUNT, NULL};
	if (task_start(c->inst->agent->base, &opts, &c->task, &err) < 0) {
		/* no process, no descriptor: that passes, and it waits as well as before */
		log_event(LOG_WARN, "consumer.hand_over_failed", log_str("pod_uid", c->pod_uid),
		          log_err(&err));
		instance_hand_later(c->inst);
		return;
	}
	c->inst->handing = c;
	instance_files_handed(c->inst);
}

/* --- life --- */

/* What an agent before this one has said of that Pod. */
static void consumer_recall(struct consumer *c)
{
	const json_t *said = json_at(c->inst->object, "status", "consumer", NULL);
	const char *at = json_str_at(said, "", "startedAt", NULL);

	if (strcmp(json_str_at(said, "", "podUID", NULL), c->pod_uid) != 0)
		return;
	c->handover_us = (uint64_t)json_int_at(said, 0, "handoverMicroseconds", NULL);
	if (num_parse_rfc3339(at, &c->started_wall_ms, NULL) < 0)
		c->started_wall_ms = 0;
}

int consumer_new(struct instance *inst, const json_t *pod, struct consumer **ret_consumer,
                 struct err *err)
{
	struct consumer *c = calloc(1, sizeof *c);
	const struct link_handler handler = {on_consumer_message, on_consumer_closed,
	                                     on_consumer_gone, c, on_consumer_peer};

	if (c == NULL)
		return err_set(err, ERR_NOMEM, 0, "consumer");
	c->inst = inst;
	c->state = CONSUMER_ABSENT;
	c->netns = (struct netns){-1, -1};
	c->start = pod_start(pod);
	c->generation = pod_generation(pod);
	(void)snprintf(c->pod_uid, sizeof c->pod_uid, "%s", kube_uid(pod));
	consumer_recall(c);
	c->poll = evtimer_new(inst->agent->base, on_consumer_poll, c);
	if (c->poll == NULL ||
	    link_new(inst->agent->links, c->pod_uid, &handler, &c->link, err) < 0) {
		if (c->poll != NULL)
			event_free(c->poll);
		free(c);
		return err_set(err, ERR_NOMEM, 0, "consumer");
	}
	LIST_INSERT_HEAD(&inst->consumers, c, entry);
	*ret_consumer = c;
	return 0;
}

/* An agent that started anew finds a process that says nothing, and knows it by its root. */
static void consumer_adopt(struct consumer *c, const char *container_id)
{
	const struct rootfs_place place = instance_place(c->inst, c);
	pid_t pid = rootfs_first_of(&place, c->pod_uid, container_id);
	struct err err;

	if (pid <= 0)
		return;
	if (link_adopt(c->link, pid, &err) < 0) {
		log_event(LOG_WARN, "consumer.peer_refused", log_str("pod_uid", c->pod_uid),
		          log_err(&err));
		return;
	}
	c->becomes = true;
	consumer_on_started(c, false);
	consumer_feed(c, CONSUMER_EV_HELLO_RUNNING);
	consumer_poll(c);
}

/* How it ended, which nobody but the kubelet can say when process 1 is the user's. */
static void consumer_see_end(struct consumer *c, const json_t *pod)
{
	const char *container_id;
	int exit_code;

	if (!pod_main_end(pod, &container_id, &exit_code) || strcmp(container_id, c->last_end) == 0)
		return;
	if (c->awaits_end) {
		c->awaits_end = false;
		c->exit_code = exit_code;
		consumer_say(c, "Exited", "exit code %d", exit_code);
		instance_report(c->inst);
	}
	/* one that ended before this one was known is not its end */
	(void)snprintf(c->last_end, sizeof c->last_end, "%s", container_id);
}

void consumer_see_pod(struct consumer *c, const json_t *pod)
{
	const char *host_address = pod_host_address(pod);

	c->has_pod = true;
	json_decref(c->pod);
	c->pod = json_incref((json_t *)(uintptr_t)pod);
	(void)snprintf(c->cwd, sizeof c->cwd, "%s", pod_working_dir(pod));
	c->is_on_host = host_address != NULL;
	if (c->is_on_host)
		(void)snprintf(c->host_address, sizeof c->host_address, "%s", host_address);
	consumer_check_peer(c);
	consumer_check_address(c);
	consumer_see_end(c, pod);
	if (c->state == CONSUMER_ABSENT && link_peer(c->link) == NULL &&
	    instance_is_application(c->inst->object) && pod_main_container_id(pod)[0] != '\0')
		consumer_adopt(c, pod_main_container_id(pod));
}

void consumer_free(struct consumer *c)
{
	if (c == NULL)
		return;
	if (c->inst->handing == c)
		c->inst->handing = NULL;
	task_forget(c->task);
	instance_hand_soon(c->inst);
	consumer_stop_polling(c);
	event_free(c->poll);
	link_free(c->link);
	LIST_REMOVE(c, entry);
	json_decref(c->pod);
	free(c);
}

json_t *consumer_status(const struct consumer *c)
{
	char at[NUM_RFC3339_BYTES];
	json_t *j = json_pack("{s:s, s:I, s:s, s:s, s:o, s:s, s:i, s:i, s:I}", "podUID", c->pod_uid,
	                      "containerGeneration", (json_int_t)c->generation, "state",
	                      consumer_state_text(c->state), "reason", c->reason, "message",
	                      json_text(c->message), "address", c->address, "port",
	                      (int)consumer_port(c), "exitCode", c->exit_code,
	                      "handoverMicroseconds", (json_int_t)c->handover_us);

	if (c->started_wall_ms != 0)
		(void)json_object_set_new(
		        j, "startedAt",
		        json_string(num_format_rfc3339(c->started_wall_ms, true, at)));
	else
		(void)json_object_set_new(j, "startedAt", json_null());
	return j;
}
