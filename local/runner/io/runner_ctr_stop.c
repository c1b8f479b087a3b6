/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner_ctr_stop - stops a container: its preStop hook, the signal, at last SIGKILL
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"
#include "local/runner/io/runner_private.h"

enum {
	YOUNG_MS = 1000,       /* as old a process has the handlers that it will have */
	HEED_INTERVAL_MS = 50, /* between two looks at a younger one */
};

static void ctr_signal(struct ctr *c, int number)
{
	if (c->pid_fd >= 0)
		(void)syscall(SYS_pidfd_send_signal, c->pid_fd, number, NULL, 0);
}

static void on_stop_timer(evutil_socket_t fd, short what, void *arg);

static bool stop_later(struct ctr *c, uint64_t ms)
{
	if (c->stop_timer == NULL)
		c->stop_timer = evtimer_new(c->pod->runner->base, on_stop_timer, c);
	if (c->stop_timer == NULL)
		return false;
	c->stop_sent = true;
	timer_after(c->stop_timer, ms);
	return true;
}

/*
 * To a process that has just begun, and has no handler yet, it would be lost. That of an older one
 * is not asked for: who waits in sigwaitinfo(2) shows none.
 */
static void ctr_terminate(struct ctr *c)
{
	int number = c->stop_signal ? c->stop_signal : SIGTERM;
	bool is_young = clk_now_ms() - c->running_since_ms < YOUNG_MS;

	if (is_young && !ctr_process_heeds(c, number) && stop_later(c, HEED_INTERVAL_MS))
		return;
	c->stop_sent = true;
	ctr_signal(c, number);
}

static void on_stop_timer(evutil_socket_t fd, short what, void *arg)
{
	ctr_terminate(arg);
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
		req.timeout_ms = pod_grace_ms(c->pod) + 1000;
		(void)snprintf(path, sizeof path, "/exec/%s/start",
		               json_str_at(res->json, "", "Id", NULL));
		c->hook = podman_start(c->pod->runner->podman, &req, NULL);
		json_decref(body);
	}
	if (c->hook == NULL)
		ctr_terminate(c);
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
		return stop_later(c, (uint64_t)sleep_s * 1000);
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
		ctr_give_up(c);
		return;
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
}
