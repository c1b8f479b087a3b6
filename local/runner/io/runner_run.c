/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner_run - a container that runs: what Podman says of it, its probes, its process and its end
 */
#include <assert.h>
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

/* Asks it to end, and kills it when its grace period is over. */
static void ctr_condemn(struct ctr *c)
{
	ctr_probers_stop(c);
	c->view.ready = false;
	timer_after(c->grace_timer, (uint64_t)json_int_at(c->pod->first, 30, "spec",
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

	assert(c->pid_fd >= 0);
	pod_image_repository(json_str_at(inspect, "", "ImageName", NULL), repository,
	                     sizeof repository);
	(void)snprintf(c->view.image_id, sizeof c->view.image_id, "%s@%s", repository,
	               json_str_at(inspect, "", "ImageDigest", NULL));
	c->running_since_ms = clk_now_ms();
	ctr_waiting_set(c, "", "");
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

/* As the kubelet reports a container that the runtime does not know any more. */
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
	if (!was_adopting)
		return;
	assert(c->pod->adopting > 0);
	if (--c->pod->adopting == 0)
		pod_advance_soon(c->pod);
}

/* Nobody reads what it writes and learns how it ends: it is ended, to be made anew. */
static void ctr_monitor_lost(struct ctr *c)
{
	if (c->state != POD_CTR_ST_RUNNING || c->pod->deleting)
		return; /* it ends anyhow, and is looked at then */
	log_event(LOG_WARN, "container.monitor_lost", log_str("pod", kube_name(c->pod->object)),
	          log_str("container", json_str_at(c->view.container, "", "name", NULL)));
	ctr_condemn(c);
}

static void on_exited(evutil_socket_t fd, short what, void *arg)
{
	struct ctr *c = arg;

	/* the folder goes in a moment: then there is only the Pod's, of all its containers */
	ctr_oom_note(c);
	(void)evtimer_del(c->grace_timer);
	c->look_again_ms = 0;
	/* conmon writes the exit code right after; the first look is usually not too early */
	ctr_look(c, 0);
}

static void on_unwatched(evutil_socket_t fd, short what, void *arg)
{
	if (ctr_outlives_monitor(arg))
		ctr_monitor_lost(arg);
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
	} else if (ctr_process_hold(c, state, on_exited)) {
		if (adopting) {
			ctr_adopt_network(c, res->json, pid);
			ctr_oom_mark(c);
			ctr_set_state(c, POD_CTR_ST_STARTING);
		}
		ctr_running(c, res->json);
		adopted(c, adopting);
		if (ctr_monitor_check(c, state, on_unwatched))
			ctr_monitor_lost(c);
	} else if (c->state == POD_CTR_ST_STARTING && strcmp(status, "created") == 0) {
		ctr_start_call(c); /* Podman went away before it had begun */
	} else if (pid > 0 && c->monitor_gone) {
		end_unknown(c, "Its monitor was killed, so that its exit code is not known");
		ctr_ended(c);
		adopted(c, adopting);
	} else {
		/* when it is gone it may just have written the end: the next answer counts */
		c->monitor_gone = pid > 0 && ctr_monitor_check(c, state, on_unwatched);
		ctr_look(c, RUNNER_INSPECT_RETRY_MS);
	}
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct ctr *c = arg;
	char path[128];
	const struct podman_request req = {
	        .method = "GET", .path = path, .done = on_inspected, .arg = c};

	if (c->call != NULL || c->state == POD_CTR_ST_ENDED)
		return;
	(void)snprintf(path, sizeof path, "/containers/%s/json", c->view.id);
	ctr_call(c, &req);
}

static void on_backoff_over(evutil_socket_t fd, short what, void *arg)
{
	struct ctr *c = arg;

	assert(c->state == POD_CTR_ST_BACKOFF);
	ctr_set_state(c, POD_CTR_ST_IDLE);
	pod_advance_soon(c->pod);
}

static void on_grace_over(evutil_socket_t fd, short what, void *arg)
{
	struct ctr *c = arg;

	if (c->state == POD_CTR_ST_RUNNING && c->pid_fd >= 0)
		(void)syscall(SYS_pidfd_send_signal, c->pid_fd, SIGKILL, NULL, 0);
}

void ctr_init(struct pod *pod, struct ctr *c, const json_t *container, bool init)
{
	c->pod = pod;
	c->pid_fd = -1;
	c->monitor_fd = -1;
	c->view.container = container;
	c->view.init = init;
	c->stop_signal = SIGTERM;
	c->backoff_timer = evtimer_new(pod->runner->base, on_backoff_over, c);
	c->look_timer = evtimer_new(pod->runner->base, on_look, c);
	c->grace_timer = evtimer_new(pod->runner->base, on_grace_over, c);
}
