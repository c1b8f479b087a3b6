/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner_ctr - a container's state, the calls about it, and what follows when it has ended
 *
 * Below the files that make, run and stop containers. None of them calls another that is above it:
 * they set a state here, start a timer, or mark the Pod.
 */
#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"
#include "local/runner/io/runner_private.h"

enum {
	START_ERROR_CODE = 128, /* what containerd tells the kubelet for a start that failed */
};

const char *ctr_name(const struct ctr *c)
{
	return json_str_at(c->view.container, "", "name", NULL);
}

void ctr_set_state(struct ctr *c, enum pod_ctr_state state)
{
	if (!pod_ctr_may_move(c->state, state)) {
		log_event(LOG_ERROR, "container.bad_move", log_str("container", ctr_name(c)),
		          log_str("from", pod_ctr_state_name(c->state)),
		          log_str("to", pod_ctr_state_name(state)));
		abort();
	}
	log_event(LOG_DEBUG, "container.state", log_str("pod", c->pod->uid),
	          log_str("container", ctr_name(c)), log_str("from", pod_ctr_state_name(c->state)),
	          log_str("to", pod_ctr_state_name(state)));
	c->state = state;
	if (state == POD_CTR_ST_RUNNING)
		c->view.phase = POD_CTR_RUNNING;
	else if (state == POD_CTR_ST_ENDED && c->view.end.is_set)
		c->view.phase = POD_CTR_TERMINATED;
	else
		c->view.phase = POD_CTR_WAITING;
	if (state == POD_CTR_ST_ENDED)
		(void)evtimer_del(c->backoff_timer);
	if (state == POD_CTR_ST_ENDED || state == POD_CTR_ST_BACKOFF) { /* it has no process */
		(void)evtimer_del(c->look_timer);
		(void)evtimer_del(c->grace_timer);
	}
	pod_status_soon(c->pod);
}

void ctr_waiting_set(struct ctr *c, const char *reason, const char *message)
{
	(void)snprintf(c->view.reason, sizeof c->view.reason, "%s", reason);
	(void)snprintf(c->view.message, sizeof c->view.message, "%s", message);
}

void ctr_give_up(struct ctr *c)
{
	assert(c->pid_fd < 0);
	podman_cancel(c->call);
	c->call = NULL;
	ctr_set_state(c, POD_CTR_ST_ENDED);
	pod_advance_soon(c->pod);
}

void ctr_wait(struct ctr *c, const char *reason, const char *message, uint64_t delay_ms)
{
	ctr_waiting_set(c, reason, message);
	log_event(LOG_INFO, "container.waits", log_str("pod", kube_name(c->pod->object)),
	          log_str("container", ctr_name(c)), log_str("reason", reason),
	          log_str("message", message), log_u64("retry_ms", delay_ms));
	volume_mounts_close(&c->mounts);
	ctr_set_state(c, POD_CTR_ST_BACKOFF);
	timer_after(c->backoff_timer, delay_ms);
	if (c->pod->deleting)
		ctr_give_up(c);
}

void ctr_look(struct ctr *c, uint64_t delay_ms)
{
	if (delay_ms == 0) {
		event_active(c->look_timer, EV_TIMEOUT, 0);
		return;
	}
	c->look_again_ms = c->look_again_ms * 2 > delay_ms ? c->look_again_ms * 2 : delay_ms;
	if (c->look_again_ms > RUNNER_INSPECT_RETRY_MAX_MS)
		c->look_again_ms = RUNNER_INSPECT_RETRY_MAX_MS;
	timer_after(c->look_timer, c->look_again_ms);
}

/* One call at a time; a call that cannot even begin is tried again like one that failed. */
void ctr_call(struct ctr *c, const struct podman_request *req)
{
	struct err err;

	assert(c->call == NULL);
	c->call = podman_start(c->pod->runner->podman, req, &err);
	if (c->call != NULL)
		return;
	if (c->state == POD_CTR_ST_RUNNING || c->state == POD_CTR_ST_STARTING ||
	    c->state == POD_CTR_ST_UNSET)
		ctr_look(c, RUNNER_INSPECT_RETRY_MAX_MS);
	else
		ctr_wait(c, "CreateContainerError", err.text, RUNNER_INSPECT_RETRY_MAX_MS);
}

static void on_removed(void *arg, const struct podman_result *res)
{
	(void)arg;
	if (res->message != NULL && res->status != 404)
		log_event(LOG_WARN, "container.remove_failed", log_str("error", res->message));
}

void ctr_remove_dead(struct ctr *c, const char *id)
{
	char path[128];
	struct podman_request req = {.method = "DELETE", .path = path, .done = on_removed};

	if (*id == '\0')
		return;
	(void)snprintf(path, sizeof path, "/containers/%s?force=true&v=true", id);
	(void)podman_start(c->pod->runner->podman, &req, NULL);
}

/* ---- its end ---- */

void ctr_probers_stop(struct ctr *c)
{
	for (size_t i = 0; i < PROBE_KINDS_COUNT; i++) {
		prober_free(c->probers[i]);
		c->probers[i] = NULL;
	}
}

void ctr_ended(struct ctr *c)
{
	struct pod_ctr_end *end = &c->view.end;
	uint64_t ran_ms = end->finished_wall_ms > end->started_wall_ms
	                          ? end->finished_wall_ms - end->started_wall_ms
	                          : 0;
	uint64_t delay_ms;
	char text[256] = "";

	assert(end->is_set && c->state != POD_CTR_ST_ENDED);
	ctr_process_forget(c);
	ctr_probers_stop(c);
	podman_cancel(c->hook);
	c->hook = NULL;
	if (c->stop_timer != NULL)
		(void)evtimer_del(c->stop_timer);
	c->stop_sent = false;
	volume_mounts_close(&c->mounts);
	c->view.ready = false;
	c->view.started = false;
	log_event(LOG_INFO, "container.ended", log_str("pod", kube_name(c->pod->object)),
	          log_str("container", ctr_name(c)), log_i64("exit_code", end->exit_code),
	          log_u64("ran_ms", ran_ms), log_str("message", end->message));
	if (c->pod->deleting || c->pod->over ||
	    !pod_ctr_should_restart(c->pod->object, c->view.init, end->exit_code)) {
		ctr_set_state(c, POD_CTR_ST_ENDED);
		pod_advance_soon(c->pod);
		return;
	}
	/* the run before the last one is nobody's any more */
	if (c->view.last.is_set)
		ctr_remove_dead(c, c->view.last.id);
	c->view.last = *end;
	memcpy(c->last_log_path, c->log_path, sizeof c->log_path);
	end->is_set = false;
	c->view.id[0] = '\0';
	c->view.restarts++;
	c->pulled = false;
	delay_ms = pod_backoff_next(&c->restart_backoff, ran_ms);
	if (delay_ms > 0)
		(void)snprintf(text, sizeof text,
		               "back-off %llus restarting failed container=%s pod=%s_%s(%s)",
		               (unsigned long long)delay_ms / 1000, ctr_name(c),
		               kube_name(c->pod->object), kube_namespace(c->pod->object),
		               c->pod->uid);
	ctr_wait(c, pod_backoff_reason(delay_ms), text, delay_ms);
}

/* As the kubelet has it: exit code 128, reason StartError. */
void ctr_start_failed(struct ctr *c, const char *message)
{
	struct pod_ctr_end *end = &c->view.end;

	*end = (struct pod_ctr_end){
	        .is_set = true,
	        .exit_code = START_ERROR_CODE,
	        .reason = "StartError",
	        .started_wall_ms = clk_wall_ms(),
	        .finished_wall_ms = clk_wall_ms(),
	};
	memcpy(end->id, c->view.id, sizeof end->id);
	(void)snprintf(end->message, sizeof end->message, "%s", message);
	ctr_ended(c);
}

void ctr_done(struct ctr *c)
{
	struct event *const timers[] = {c->backoff_timer, c->look_timer, c->grace_timer,
	                                c->stop_timer};

	podman_cancel(c->call);
	podman_cancel(c->hook);
	ctr_probers_stop(c);
	ctr_process_forget(c);
	volume_mounts_close(&c->mounts);
	for (size_t i = 0; i < ARRAY_LEN(timers); i++) {
		if (timers[i] != NULL)
			event_free(timers[i]);
	}
}
