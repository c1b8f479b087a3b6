/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner_ctr - the run of a container, its end and its restart
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"
#include "local/runner/core/pod_image.h"
#include "local/runner/core/pod_spec.h"
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
		(void)evtimer_del(c->timer);
	pod_status_soon(c->pod);
}

static void waiting_set(struct ctr *c, const char *reason, const char *message)
{
	(void)snprintf(c->view.reason, sizeof c->view.reason, "%s", reason);
	(void)snprintf(c->view.message, sizeof c->view.message, "%s", message);
}

void ctr_wait(struct ctr *c, const char *reason, const char *message, uint64_t delay_ms)
{
	waiting_set(c, reason, message);
	log_event(LOG_INFO, "container.waits", log_str("pod", kube_name(c->pod->object)),
	          log_str("container", ctr_name(c)), log_str("reason", reason),
	          log_str("message", message), log_u64("retry_ms", delay_ms));
	volume_mounts_close(&c->mounts);
	ctr_set_state(c, POD_CTR_ST_BACKOFF);
	timer_after(c->timer, delay_ms);
	if (c->pod->deleting)
		ctr_stop(c);
}

/* One call at a time; a call that cannot even begin is tried again like one that failed. */
void ctr_call(struct ctr *c, const struct podman_request *req)
{
	struct err err;

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

static void probers_stop(struct ctr *c)
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

	ctr_process_forget(c);
	probers_stop(c);
	podman_cancel(c->hook);
	c->hook = NULL;
	if (c->hook_timer != NULL)
		(void)evtimer_del(c->hook_timer);
	c->stop_sent = false;
	c->kill_due = false;
	volume_mounts_close(&c->mounts);
	c->view.ready = false;
	c->view.started = false;
	log_event(LOG_INFO, "container.ended", log_str("pod", kube_name(c->pod->object)),
	          log_str("container", ctr_name(c)), log_i64("exit_code", end->exit_code),
	          log_u64("ran_ms", ran_ms), log_str("message", end->message));
	if (c->pod->deleting || c->pod->over ||
	    !pod_ctr_should_restart(c->pod->object, c->view.init, end->exit_code)) {
		ctr_set_state(c, POD_CTR_ST_ENDED);
		pod_advance(c->pod);
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

/* ---- its process ---- */

void ctr_condemn(struct ctr *c)
{
	probers_stop(c);
	c->view.ready = false;
	c->kill_due = true;
	timer_after(c->timer, (uint64_t)json_int_at(c->pod->first, 30, "spec",
	                                            "terminationGracePeriodSeconds", NULL) *
	                              1000);
	ctr_stop(c);
}

static void on_verdict(void *arg, enum probe_kind kind, bool ok);

static void prober_start(struct ctr *c, enum probe_kind kind)
{
	struct runner *r = c->pod->runner;
	const struct prober_opts opts = {
	        .base = r->base,
	        .podman = r->podman,
	        .kind = kind,
	        .container = c->view.container,
	        .address = c->pod->net.address,
	        .id = c->view.id,
	        .on_verdict = on_verdict,
	        .arg = c,
	};
	struct err err;

	if (prober_new(&opts, &c->probers[kind], &err) < 0) {
		log_event(LOG_WARN, "container.probe", log_str("pod", kube_name(c->pod->object)),
		          log_str("container", ctr_name(c)), log_err(&err));
	}
}

/* Readiness and liveness begin when the startup probe has succeeded. */
static void probes_after_startup(struct ctr *c)
{
	c->view.started = true;
	prober_start(c, PROBE_READINESS);
	prober_start(c, PROBE_LIVENESS);
	if (json_object_get(c->view.container, "readinessProbe") == NULL)
		c->view.ready = true;
	pod_status_soon(c->pod);
}

static void on_verdict(void *arg, enum probe_kind kind, bool ok)
{
	struct ctr *c = arg;

	if (kind == PROBE_READINESS) {
		c->view.ready = ok;
		pod_status_soon(c->pod);
	} else if (kind == PROBE_STARTUP && ok) {
		prober_free(c->probers[kind]);
		c->probers[kind] = NULL;
		probes_after_startup(c);
	} else if (!ok) {
		log_event(LOG_INFO, "container.killed", log_str("pod", kube_name(c->pod->object)),
		          log_str("container", ctr_name(c)),
		          log_str("probe", kind == PROBE_STARTUP ? "startup" : "liveness"));
		ctr_condemn(c);
	}
}

static void ctr_running(struct ctr *c, const json_t *inspect)
{
	char repository[POD_IMAGE_NAME_BYTES_MAX];

	pod_image_repository(json_str_at(inspect, "", "ImageName", NULL), repository,
	                     sizeof repository);
	(void)snprintf(c->view.image_id, sizeof c->view.image_id, "%s@%s", repository,
	               json_str_at(inspect, "", "ImageDigest", NULL));
	c->running_since_ms = clk_now_ms();
	waiting_set(c, "", "");
	ctr_set_state(c, POD_CTR_ST_RUNNING);
	volume_mounts_close(&c->mounts);
	log_event(LOG_DEBUG, "pod.running", log_str("pod", kube_name(c->pod->object)),
	          log_str("container", ctr_name(c)),
	          log_u64("since_seen_us", clk_now_us() - c->pod->seen_us));
	if (c->pod->deleting) {
		ctr_stop(c);
		return;
	}
	if (json_object_get(c->view.container, "startupProbe") != NULL)
		prober_start(c, PROBE_STARTUP);
	else
		probes_after_startup(c);
}

static void end_from_inspect(struct ctr *c, const json_t *state)
{
	struct pod_ctr_end *end = &c->view.end;

	*end = (struct pod_ctr_end){
	        .is_set = true,
	        .exit_code = (int)json_int_at(state, 0, "ExitCode", NULL),
	        .finished_wall_ms = clk_wall_ms(),
	};
	memcpy(end->id, c->view.id, sizeof end->id);
	end->started_wall_ms = c->view.started_wall_ms;
	(void)num_parse_rfc3339(json_str_at(state, "", "FinishedAt", NULL), &end->finished_wall_ms,
	                        NULL);
	/* Podman's word is not enough: conmon leaves it a mark in another folder than it looks in
	 */
	end->oom_killed = end->exit_code != 0 &&
	                  (json_bool_at(state, false, "OOMKilled", NULL) || ctr_oom_seen(c));
}

/* As the kubelet tells of a container that the runtime knows nothing of any more. */
static void end_unknown(struct ctr *c, const char *message)
{
	struct pod_ctr_end *end = &c->view.end;

	end_from_inspect(c, NULL);
	end->exit_code = 137;
	end->oom_killed = ctr_oom_seen(c);
	if (!end->oom_killed)
		(void)snprintf(end->reason, sizeof end->reason, "ContainerStatusUnknown");
	(void)snprintf(end->message, sizeof end->message, "%s", message);
}

static void ctr_adopt_network(struct ctr *c, const json_t *inspect, pid_t pid)
{
	const char *address = json_str_at(inspect, "", "Config", "Labels", POD_LABEL_ADDRESS, NULL);
	struct err err;

	if (c->pod->net.fd < 0 &&
	    network_adopt(c->pod->runner->network, pid, address, &c->pod->net, &err) < 0)
		log_event(LOG_WARN, "network.not_found_again",
		          log_str("pod", kube_name(c->pod->object)), log_err(&err));
}

static void adopted(struct ctr *c, bool was_adopting)
{
	if (was_adopting && --c->pod->adopting == 0)
		pod_advance(c->pod);
}

static void on_inspected(void *arg, const struct podman_result *res)
{
	struct ctr *c = arg;
	const json_t *state = json_at(res->json, "State", NULL);
	const char *status = json_str_at(state, "", "Status", NULL);
	bool adopting = c->state == POD_CTR_ST_UNSET;
	pid_t pid = (pid_t)json_int_at(state, 0, "Pid", NULL);

	c->call = NULL;
	if (res->status == 404) { /* somebody removed it under our hands */
		end_unknown(c, "The container was removed by somebody else");
		ctr_ended(c);
		adopted(c, adopting);
		return;
	}
	if (state == NULL) {
		ctr_look(c, RUNNER_INSPECT_RETRY_MAX_MS);
		return;
	}
	(void)num_parse_rfc3339(json_str_at(state, "", "StartedAt", NULL), &c->view.started_wall_ms,
	                        NULL);
	(void)snprintf(c->log_path, sizeof c->log_path, "%s",
	               json_str_at(res->json, "", "HostConfig", "LogConfig", "Path", NULL));
	c->stop_signal = (int)json_int_at(res->json, SIGTERM, "Config", "StopSignal", NULL);
	if (strcmp(status, "exited") == 0 || strcmp(status, "stopped") == 0) {
		end_from_inspect(c, state);
		ctr_ended(c);
		adopted(c, adopting);
	} else if (ctr_process_hold(c, state)) {
		if (adopting) {
			ctr_adopt_network(c, res->json, pid);
			ctr_oom_mark(c);
			ctr_set_state(c, POD_CTR_ST_STARTING);
		}
		ctr_running(c, res->json);
		adopted(c, adopting);
		if (ctr_monitor_check(c, state))
			ctr_monitor_lost(c);
	} else if (c->state == POD_CTR_ST_STARTING && strcmp(status, "created") == 0) {
		ctr_start_call(c); /* Podman went away before it had begun */
	} else if (pid > 0 && c->monitor_gone) {
		end_unknown(c, "Its monitor was killed, so that its exit code is not known");
		ctr_ended(c);
		adopted(c, adopting);
	} else {
		/* when it is gone it may just have written the end: the next answer counts */
		c->monitor_gone = pid > 0 && ctr_monitor_check(c, state);
		ctr_look(c, RUNNER_INSPECT_RETRY_MS);
	}
}

void ctr_look(struct ctr *c, uint64_t delay_ms)
{
	char path[128];
	struct podman_request req = {.method = "GET", .path = path, .done = on_inspected, .arg = c};

	if (delay_ms > 0) {
		c->look_again_ms =
		        c->look_again_ms * 2 > delay_ms ? c->look_again_ms * 2 : delay_ms;
		if (c->look_again_ms > RUNNER_INSPECT_RETRY_MAX_MS)
			c->look_again_ms = RUNNER_INSPECT_RETRY_MAX_MS;
		timer_after(c->timer, c->look_again_ms);
		return;
	}
	(void)snprintf(path, sizeof path, "/containers/%s/json", c->view.id);
	ctr_call(c, &req);
}

/* ---- life of the struct ---- */

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct ctr *c = arg;

	(void)fd;
	(void)what;
	if (c->state == POD_CTR_ST_BACKOFF) {
		ctr_set_state(c, POD_CTR_ST_IDLE);
		pod_advance(c->pod);
	} else if (c->state == POD_CTR_ST_RUNNING && c->kill_due) {
		(void)syscall(SYS_pidfd_send_signal, c->pid_fd, SIGKILL, NULL, 0);
	} else if (c->call == NULL && c->state != POD_CTR_ST_ENDED) {
		ctr_look(c, 0);
	}
}

void ctr_init(struct pod *pod, struct ctr *c, const json_t *container, bool init)
{
	c->pod = pod;
	c->pid_fd = -1;
	c->monitor_fd = -1;
	c->view.container = container;
	c->view.init = init;
	c->stop_signal = SIGTERM;
	c->timer = evtimer_new(pod->runner->base, on_timer, c);
}

void ctr_done(struct ctr *c)
{
	podman_cancel(c->call);
	podman_cancel(c->hook);
	probers_stop(c);
	ctr_process_forget(c);
	volume_mounts_close(&c->mounts);
	if (c->timer != NULL)
		event_free(c->timer);
	if (c->hook_timer != NULL)
		event_free(c->hook_timer);
}
