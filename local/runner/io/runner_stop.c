/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner_stop - stops the containers of a Pod that is deleted, and removes what they leave
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"
#include "local/runner/io/runner_private.h"

enum { GRACE_S_DEFAULT = 30 };

static void ctr_signal(struct ctr *c, int number)
{
	if (c->pid_fd >= 0)
		(void)syscall(SYS_pidfd_send_signal, c->pid_fd, number, NULL, 0);
}

static uint64_t grace_ms(const struct pod *pod)
{
	int64_t spec = json_int_at(pod->object, GRACE_S_DEFAULT, "spec",
	                           "terminationGracePeriodSeconds", NULL);
	int64_t grace =
	        json_int_at(pod->object, spec, "metadata", "deletionGracePeriodSeconds", NULL);

	return pod->gone || grace < 0 ? 0 : (uint64_t)grace * 1000;
}

static void ctr_terminate(struct ctr *c)
{
	c->stop_sent = true;
	ctr_signal(c, c->stop_signal ? c->stop_signal : SIGTERM);
}

/* ---- preStop ---- */

static void on_hook_done(void *arg, const struct podman_result *res)
{
	struct ctr *c = arg;

	c->hook = NULL;
	if (res->message != NULL)
		log_event(LOG_WARN, "container.pre_stop", log_str("pod", kube_name(c->pod->object)),
		          log_str("error", res->message));
	ctr_terminate(c);
}

static void on_hook_created(void *arg, const struct podman_result *res)
{
	struct ctr *c = arg;
	char path[128];
	json_t *body;
	struct podman_request req = {
	        .method = "POST", .path = path, .done = on_hook_done, .arg = c};

	c->hook = NULL;
	if (res->message == NULL) {
		/* attached: the answer ends with the command */
		body = json_pack("{s:b}", "Detach", 0);
		req.json = body;
		req.timeout_ms = grace_ms(c->pod) + 1000;
		(void)snprintf(path, sizeof path, "/exec/%s/start",
		               json_str_at(res->json, "", "Id", NULL));
		c->hook = podman_start(c->pod->runner->podman, &req, NULL);
		json_decref(body);
	}
	if (c->hook == NULL)
		ctr_terminate(c);
}

static void on_hook_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ctr_terminate(arg);
}

static bool hook_timer_start(struct ctr *c, uint64_t ms)
{
	if (c->hook_timer == NULL)
		c->hook_timer = evtimer_new(c->pod->runner->base, on_hook_timer, c);
	if (c->hook_timer == NULL)
		return false;
	c->stop_sent = true;
	timer_after(c->hook_timer, ms);
	return true;
}

/* Return: true when the signal comes later, by the hook */
static bool pre_stop(struct ctr *c)
{
	const json_t *hook = json_at(c->view.container, "lifecycle", "preStop", NULL);
	json_t *command = json_at(hook, "exec", "command", NULL);
	int64_t sleep_s = json_int_at(hook, 0, "sleep", "seconds", NULL);
	char path[128];
	json_t *body;
	struct podman_request req = {
	        .method = "POST", .path = path, .done = on_hook_created, .arg = c};

	if (sleep_s > 0)
		return hook_timer_start(c, (uint64_t)sleep_s * 1000);
	if (command == NULL)
		return false;
	body = json_pack("{s:O, s:b, s:b}", "Cmd", command, "AttachStdout", 1, "AttachStderr", 1);
	req.json = body;
	(void)snprintf(path, sizeof path, "/containers/%s/exec", c->view.id);
	c->hook = podman_start(c->pod->runner->podman, &req, NULL);
	json_decref(body);
	return c->hook != NULL;
}

void ctr_stop(struct ctr *c)
{
	struct pod *pod = c->pod;
	bool now = pod->deleting && clk_now_ms() >= pod->kill_at_ms;

	switch (c->state) {
	case POD_CTR_ST_PULLING:
	case POD_CTR_ST_IDLE:
	case POD_CTR_ST_BACKOFF:
		podman_cancel(c->call);
		c->call = NULL;
		ctr_set_state(c, POD_CTR_ST_ENDED);
		break;
	case POD_CTR_ST_RUNNING:
		if (now)
			ctr_signal(c, SIGKILL);
		else if (!c->stop_sent && c->hook == NULL && !pre_stop(c))
			ctr_terminate(c);
		return;
	case POD_CTR_ST_CREATING: /* what is under way is answered first */
	case POD_CTR_ST_STARTING:
	case POD_CTR_ST_UNSET:
	case POD_CTR_ST_ENDED:
	case POD_CTR_STATES_COUNT:
		return;
	}
	if (pod->deleting)
		pod_delete_advance(pod);
}

/* ---- a Pod's end ---- */

static void on_kill_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pod *pod = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < pod->ctrs_count; i++)
		ctr_stop(&pod->ctrs[i]);
}

void pod_delete_begin(struct pod *pod)
{
	uint64_t kill_at_ms = clk_now_ms() + grace_ms(pod);
	bool again = pod->deleting;

	/* a second deletion can only make the grace shorter */
	if (again && kill_at_ms >= pod->kill_at_ms)
		return;
	pod->deleting = true;
	pod->kill_at_ms = kill_at_ms;
	if (pod->kill_timer == NULL)
		pod->kill_timer = evtimer_new(pod->runner->base, on_kill_timer, pod);
	if (pod->kill_timer != NULL)
		timer_after(pod->kill_timer, grace_ms(pod) + 1);
	log_event(LOG_DEBUG, "pod.stopping", log_str("pod", kube_name(pod->object)),
	          log_u64("grace_ms", grace_ms(pod)));
	for (size_t i = 0; i < pod->ctrs_count; i++)
		ctr_stop(&pod->ctrs[i]);
	pod_delete_advance(pod);
}

/* Folder and cgroup may need some turns; the Pod is gone from the registry when all of it is. */
static void on_cleanup(evutil_socket_t fd, short what, void *arg)
{
	struct pod *pod = arg;
	struct runner *r = pod->runner;
	struct err err;
	int left;

	(void)fd;
	(void)what;
	left = volume_remove(r->volumes, pod->uid, &err);
	if (left > 0) {
		timer_after(pod->cleanup_timer, 0);
		return;
	}
	if (left < 0)
		log_event(LOG_WARN, "pod.volumes_left", log_str("pod", kube_name(pod->object)),
		          log_err(&err));
	if (!pod->gone &&
	    registry_remove_pod(r->registry, kube_namespace(pod->object), kube_name(pod->object),
	                        pod->uid, &err) < 0 &&
	    err.code != ERR_NOT_FOUND && err.code != ERR_CONFLICT) {
		log_event(LOG_WARN, "pod.remove_failed", log_str("pod", kube_name(pod->object)),
		          log_err(&err));
		timer_after(pod->cleanup_timer, RUNNER_INSPECT_RETRY_MAX_MS);
		return;
	}
	pod->gone = true;
	/* the monitor process of the last container lives a moment longer */
	if (!cgroup_remove(r->opts.cgroup_root, pod->uid) &&
	    pod->cleanup_tries++ < RUNNER_REMOVE_TRIES_MAX) {
		timer_after(pod->cleanup_timer, RUNNER_REMOVE_RETRY_MS);
		return;
	}
	log_event(LOG_DEBUG, "pod.removed", log_str("pod", kube_name(pod->object)),
	          log_str("uid", pod->uid));
	pod_free(pod);
}

static void pod_cleanup_start(struct pod *pod)
{
	network_give_back(pod->runner->network, &pod->net);
	pod->cleanup_timer = evtimer_new(pod->runner->base, on_cleanup, pod);
	if (pod->cleanup_timer != NULL)
		timer_after(pod->cleanup_timer, 0);
}

static void on_container_removed(void *arg, const struct podman_result *res)
{
	struct pod *pod = arg;

	if (res->message != NULL && res->status != 404)
		log_event(LOG_WARN, "container.remove_failed",
		          log_str("pod", kube_name(pod->object)), log_str("error", res->message));
	if (--pod->removals == 0)
		pod_cleanup_start(pod);
}

static void container_remove(struct pod *pod, const char *id)
{
	char path[128];
	struct podman_request req = {
	        .method = "DELETE", .path = path, .done = on_container_removed, .arg = pod};

	if (*id == '\0')
		return;
	(void)snprintf(path, sizeof path, "/containers/%s?force=true&v=true", id);
	if (podman_start(pod->runner->podman, &req, NULL) != NULL)
		pod->removals++;
}

void pod_delete_advance(struct pod *pod)
{
	if (pod->removing || pod->adopting > 0)
		return;
	for (size_t i = 0; i < pod->ctrs_count; i++)
		if (pod->ctrs[i].state != POD_CTR_ST_ENDED)
			return;
	pod->removing = true;
	for (size_t i = 0; i < pod->ctrs_count; i++) {
		container_remove(pod, pod->ctrs[i].view.id);
		container_remove(pod, pod->ctrs[i].view.last.id);
	}
	if (pod->removals == 0)
		pod_cleanup_start(pod);
}
