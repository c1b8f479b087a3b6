/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consumer - what a consumer Pod's wrapper sends, and what the Pod's status has of its end
 */
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <string.h>

#include "agent/core/pod_view.h"
#include "agent/io/consumer_internal.h"
#include "agent/io/hand.h"
#include "agent/io/link.h"
#include "agent/io/mounts/proc.h"
#include "agent/io/task.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"
#include "lib/text/json_ref.h"

/* --- the wrapper --- */

static void consumer_on_started(struct consumer *c, bool anew)
{
	if (anew || c->started_wall_ms == 0)
		c->started_wall_ms = clk_wall_ms();
	consumer_explain(c, "", "%s", "");
	c->exit_code = 0;
	consumer_open_netns(c);
}

static void consumer_on_failed(struct consumer *c, const struct proto_message *m)
{
	consumer_explain(c, m->number == ENOENT ? "CommandNotFound" : "CommandNotExecutable",
	                 "%s: %s", m->text, strerror(m->number));
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
		consumer_explain(c, "", "%s", "");
		consumer_feed(c, CONSUMER_EV_HELLO_WAITING);
		hand_next(c->inst);
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
		consumer_explain(c, "Exited", "exit code %d", m->number);
		break;
	case PROTO_SIGNALED:
		c->exit_code = 128 + m->number;
		consumer_explain(c, "Signaled", "ended by signal %d", m->number);
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
		consumer_explain(c, "Exited", "process 1 ended; the kubelet tells how");
	} else if (c->reason[0] == '\0') {
		c->exit_code = 137;
		consumer_explain(c, "Signaled", "the container ended without a word");
	}
	consumer_feed(c, CONSUMER_EV_GONE);
	hand_pause_over(c->inst);
	instance_look_soon(c->inst);
}

static bool consumer_is_in(const void *arg, const char *container_id)
{
	return proc_is_in_container(*(const pid_t *)arg, container_id);
}

/*
 * A container for debugging may have the control folder, too. Which container it is, is in the
 * Pod's status a second later; a wake does not wait for that.
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
	consumer_explain(c, "HandoverFailed",
	                 "another container of the Pod spoke for the main one");
	consumer_feed(c, CONSUMER_EV_GONE);
}

/* --- life --- */

/* What an agent before this one has written about that Pod. */
static void consumer_recall(struct consumer *c)
{
	const json_t *written = json_at(c->inst->object, "status", "consumer", NULL);
	const char *at = json_str_at(written, "", "startedAt", NULL);

	if (strcmp(json_str_at(written, "", "podUID", NULL), c->pod_uid) != 0)
		return;
	c->handover_us = (uint64_t)json_int_at(written, 0, "handoverMicroseconds", NULL);
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

/* An agent that started anew finds a process that sends nothing, and knows it by its root. */
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

/* How it ended, which only the kubelet knows when process 1 is the user's. */
static void consumer_see_end(struct consumer *c, const json_t *pod)
{
	const char *container_id;
	int exit_code;

	if (!pod_main_end(pod, &container_id, &exit_code) || strcmp(container_id, c->last_end) == 0)
		return;
	if (c->awaits_end) {
		c->awaits_end = false;
		c->exit_code = exit_code;
		consumer_explain(c, "Exited", "exit code %d", exit_code);
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
	c->pod = json_incref(json_ref(pod));
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
	assert((c->inst->handing == c) == (c->task != NULL));
	if (c->inst->handing == c)
		c->inst->handing = NULL;
	task_forget(c->task);
	hand_pause_over(c->inst);
	consumer_stop_polling(c);
	event_free(c->poll);
	link_free(c->link);
	LIST_REMOVE(c, entry);
	json_decref(c->pod);
	free(c);
}
