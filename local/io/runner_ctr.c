/* SPDX-License-Identifier: Apache-2.0 */
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
#include "lib/kube/object.h"
#include "local/core/pod_image.h"
#include "local/core/pod_spec.h"
#include "local/io/runner_private.h"

enum {
	PULL_TIMEOUT_MS = 20 * 60 * 1000,
	CONFIG_RETRY_MS = 2000,
	START_ERROR_CODE = 128, /* what containerd tells the kubelet for a start that failed */
};

static void ctr_create(struct ctr *c);

void timer_after(struct event *timer, uint64_t ms)
{
	struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	(void)evtimer_add(timer, &tv);
}

static const char *ctr_name(const struct ctr *c)
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
static void ctr_call(struct ctr *c, const struct podman_request *req)
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
	for (size_t i = 0; i < PROBE_KINDS; i++) {
		prober_free(c->probers[i]);
		c->probers[i] = NULL;
	}
}

static void process_forget(struct ctr *c)
{
	if (c->exited != NULL)
		event_free(c->exited);
	c->exited = NULL;
	fd_close_var(&c->pid_fd);
	c->pid_fd = -1;
}

void ctr_ended(struct ctr *c)
{
	struct pod_ctr_end *end = &c->view.end;
	uint64_t ran_ms = end->finished_wall_ms > end->started_wall_ms
	                          ? end->finished_wall_ms - end->started_wall_ms
	                          : 0;
	uint64_t delay_ms;
	char text[256];

	process_forget(c);
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
	          log_u64("ran_ms", ran_ms));
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
	(void)snprintf(text, sizeof text,
	               "back-off %llus restarting failed container=%s pod=%s_%s(%s)",
	               (unsigned long long)delay_ms / 1000, ctr_name(c), kube_name(c->pod->object),
	               kube_namespace(c->pod->object), c->pod->uid);
	ctr_wait(c, "CrashLoopBackOff", text, delay_ms);
}

/* A start that the runtime refused counts as a run that failed, as the kubelet has it. */
static void start_failed(struct ctr *c, const char *message)
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

static void on_exited(evutil_socket_t fd, short what, void *arg)
{
	struct ctr *c = arg;

	(void)fd;
	(void)what;
	c->look_again_ms = 0;
	/* conmon writes the exit code right after; the first look is usually not too early */
	ctr_look(c, 0);
}

static void on_verdict(void *arg, enum probe_kind kind, bool ok);

static void prober_start(struct ctr *c, enum probe_kind kind)
{
	struct runner *r = c->pod->runner;
	const struct probe_target target = {
	        .container = c->view.container,
	        .address = c->pod->net.address,
	        .id = c->view.id,
	        .on_verdict = on_verdict,
	        .arg = c,
	};
	struct err err;

	if (prober_new(r->base, r->podman, kind, &target, &c->probers[kind], &err) < 0) {
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
		probers_stop(c);
		c->view.ready = false;
		c->kill_due = true;
		timer_after(c->timer, (uint64_t)json_int_at(c->pod->first, 30, "spec",
		                                            "terminationGracePeriodSeconds", NULL) *
		                              1000);
		ctr_stop(c);
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

/* Return: true when the process is held by a descriptor */
static bool process_hold(struct ctr *c, pid_t pid)
{
	if (c->pid_fd >= 0)
		return false; /* it ended, and the runtime does not know that yet */
	c->pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (c->pid_fd < 0)
		return false;
	c->exited = event_new(c->pod->runner->base, c->pid_fd, EV_READ, on_exited, c);
	if (c->exited == NULL || event_add(c->exited, NULL) < 0) {
		process_forget(c);
		return false;
	}
	return true;
}

static void end_from_inspect(struct ctr *c, const json_t *state)
{
	struct pod_ctr_end *end = &c->view.end;

	*end = (struct pod_ctr_end){
	        .is_set = true,
	        .exit_code = (int)json_int_at(state, 0, "ExitCode", NULL),
	        .oom_killed = json_bool_at(state, false, "OOMKilled", NULL),
	        .finished_wall_ms = clk_wall_ms(),
	};
	memcpy(end->id, c->view.id, sizeof end->id);
	end->started_wall_ms = c->view.started_wall_ms;
	(void)num_parse_rfc3339(json_str_at(state, "", "FinishedAt", NULL), &end->finished_wall_ms,
	                        NULL);
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
		end_from_inspect(c, NULL);
		c->view.end.exit_code = 137;
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
	} else if (pid > 0 && process_hold(c, pid)) {
		if (adopting) {
			ctr_adopt_network(c, res->json, pid);
			ctr_set_state(c, POD_CTR_ST_STARTING);
		}
		ctr_running(c, res->json);
		adopted(c, adopting);
	} else {
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

/* ---- create and start ---- */

static void on_started(void *arg, const struct podman_result *res)
{
	struct ctr *c = arg;

	c->call = NULL;
	log_event(LOG_DEBUG, "pod.started", log_str("pod", kube_name(c->pod->object)),
	          log_str("container", ctr_name(c)),
	          log_u64("start_us", clk_now_us() - c->begun_us),
	          log_u64("since_seen_us", clk_now_us() - c->pod->seen_us));
	if (res->message != NULL && res->status >= 400) {
		start_failed(c, res->message);
		return;
	}
	c->look_again_ms = 0;
	ctr_look(c, 0);
}

static void ctr_start(struct ctr *c)
{
	char path[128];
	struct podman_request req = {.method = "POST", .path = path, .done = on_started, .arg = c};

	c->begun_us = clk_now_us();
	c->view.started_wall_ms = clk_wall_ms();
	ctr_set_state(c, POD_CTR_ST_STARTING);
	(void)snprintf(path, sizeof path, "/containers/%s/start", c->view.id);
	ctr_call(c, &req);
}

static void pull_failed(struct ctr *c, const char *error)
{
	const char *image = json_str_at(c->view.container, "", "image", NULL);
	bool first = c->pull_backoff.delay_ms == 0;
	char text[POD_CTR_MESSAGE_BYTES];
	uint64_t delay_ms = pod_backoff_next(&c->pull_backoff, 0);

	if (delay_ms == 0)
		delay_ms = pod_backoff_next(&c->pull_backoff, 0);
	if (first)
		(void)snprintf(text, sizeof text, "failed to pull image \"%s\": %s", image, error);
	else
		(void)snprintf(text, sizeof text, "Back-off pulling image \"%s\": %s", image,
		               error);
	ctr_wait(c, first ? "ErrImagePull" : "ImagePullBackOff", text, delay_ms);
}

static void on_pulled(void *arg, const struct podman_result *res)
{
	struct ctr *c = arg;
	CLEANUP(free_var) char *error = NULL;

	c->call = NULL;
	if (res->message != NULL) {
		pull_failed(c, res->message);
		return;
	}
	error = podman_stream_error(res->text);
	if (error != NULL) {
		pull_failed(c, error);
		return;
	}
	c->pulled = true;
	c->pull_backoff.delay_ms = 0;
	ctr_create(c);
}

/* Names are of the characters of image names: nothing in them needs escaping. */
static void ctr_pull(struct ctr *c)
{
	char name[POD_IMAGE_NAME_BYTES_MAX], path[POD_IMAGE_NAME_BYTES_MAX + 64];
	struct podman_request req = {
	        .method = "POST",
	        .path = path,
	        .timeout_ms = PULL_TIMEOUT_MS,
	        .done = on_pulled,
	        .arg = c,
	};

	(void)pod_image_normalize(json_str_at(c->view.container, "", "image", NULL), name,
	                          sizeof name);
	(void)snprintf(path, sizeof path, "/images/pull?reference=%s&policy=always", name);
	ctr_set_state(c, POD_CTR_ST_PULLING);
	ctr_call(c, &req);
}

static void on_name_freed(void *arg, const struct podman_result *res)
{
	struct ctr *c = arg;

	(void)res;
	c->call = NULL;
	ctr_wait(c, "ContainerCreating", "", 0);
}

/* A process that was killed between two calls left a container of this very name. */
static void name_free(struct ctr *c)
{
	char path[640];
	struct podman_request req = {
	        .method = "DELETE", .path = path, .done = on_name_freed, .arg = c};

	c->name_freed = true;
	(void)snprintf(path, sizeof path, "/containers/k8s_%s_%s_%s_%s_%u?force=true&v=true",
	               ctr_name(c), kube_name(c->pod->object), kube_namespace(c->pod->object),
	               c->pod->uid, c->view.restarts);
	ctr_call(c, &req);
}

static void create_refused(struct ctr *c, const struct podman_result *res)
{
	const char *image = json_str_at(c->view.container, "", "image", NULL);
	bool no_image = strstr(res->message, "image not known") != NULL ||
	                strstr(res->message, "no such image") != NULL;
	char text[POD_CTR_MESSAGE_BYTES];

	if (no_image && pod_image_pull_policy(c->view.container) == POD_IMAGE_NEVER) {
		(void)snprintf(text, sizeof text,
		               "Container image \"%s\" is not present with pull policy of Never",
		               image);
		ctr_wait(c, "ErrImageNeverPull", text, POD_BACKOFF_FIRST_MS);
	} else if (no_image && !c->pulled) {
		ctr_pull(c);
	} else if (strstr(res->message, "already in use") != NULL && !c->name_freed) {
		name_free(c);
	} else {
		uint64_t delay_ms = pod_backoff_next(&c->pull_backoff, 0);

		ctr_wait(c, "CreateContainerError", res->message,
		         delay_ms ? delay_ms : RUNNER_INSPECT_RETRY_MAX_MS);
	}
}

static void on_created(void *arg, const struct podman_result *res)
{
	struct ctr *c = arg;

	c->call = NULL;
	log_event(LOG_DEBUG, "pod.created", log_str("pod", kube_name(c->pod->object)),
	          log_str("container", ctr_name(c)),
	          log_u64("create_us", clk_now_us() - c->begun_us),
	          log_u64("since_seen_us", clk_now_us() - c->pod->seen_us));
	if (res->message != NULL) {
		create_refused(c, res);
		return;
	}
	(void)snprintf(c->view.id, sizeof c->view.id, "%s", json_str_at(res->json, "", "Id", NULL));
	c->name_freed = false;
	if (c->pod->deleting)
		ctr_wait(c, "ContainerCreating", "", 0);
	else
		ctr_start(c);
}

/* A short name is looked up by Podman itself; once pulled it has its full name. */
static int ctr_spec(struct ctr *c, json_t **ret_spec, struct err *err)
{
	struct pod *pod = c->pod;
	struct runner *r = pod->runner;
	char image[POD_IMAGE_NAME_BYTES_MAX], cgroup[256];
	struct pod_spec_input in = {
	        .env = pod_env_source(pod),
	        .container = c->view.container,
	        .image = json_str_at(c->view.container, "", "image", NULL),
	        .netns_path = pod->net.path,
	        .cgroup_parent = cgroup,
	        .attempt = c->view.restarts,
	        .nofile_max = r->nofile_max,
	        .nproc_max = r->nproc_max,
	        .log_bytes_max = r->opts.log_bytes_max,
	};

	if (c->pulled && pod_image_normalize(in.image, image, sizeof image))
		in.image = image;
	(void)snprintf(cgroup, sizeof cgroup, "/%s/pod%s", r->opts.cgroup_root, pod->uid);
	if (volume_mounts_open(r->volumes, &in.env, c->view.container, &c->mounts, err) < 0)
		return -1;
	in.mount_sources = c->mounts.paths;
	return pod_spec_make(&in, ret_spec, err);
}

static void ctr_create(struct ctr *c)
{
	json_t *spec = NULL;
	struct podman_request req = {
	        .method = "POST", .path = "/containers/create", .done = on_created, .arg = c};
	struct err err;

	c->begun_us = clk_now_us();
	volume_mounts_close(&c->mounts);
	if (ctr_spec(c, &spec, &err) < 0) {
		ctr_wait(c, "CreateContainerConfigError", err.text, CONFIG_RETRY_MS);
		return;
	}
	req.json = spec;
	ctr_set_state(c, POD_CTR_ST_CREATING);
	ctr_call(c, &req);
	json_decref(spec);
}

void ctr_begin(struct ctr *c)
{
	const char *image = json_str_at(c->view.container, "", "image", NULL);
	char name[POD_IMAGE_NAME_BYTES_MAX];
	struct err err;

	if (!pod_image_normalize(image, name, sizeof name)) {
		(void)snprintf(c->view.message, sizeof c->view.message,
		               "Failed to apply default image tag \"%s\": couldn't parse image "
		               "name: invalid reference format",
		               image);
		ctr_wait(c, "InvalidImageName", c->view.message, POD_BACKOFF_MAX_MS);
		return;
	}
	if (pod_network_ensure(c->pod, &err) < 0) {
		ctr_wait(c, "FailedCreatePodSandBox", err.text, CONFIG_RETRY_MS);
		return;
	}
	if (pod_image_pull_policy(c->view.container) == POD_IMAGE_ALWAYS && !c->pulled)
		ctr_pull(c);
	else
		ctr_create(c);
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
	process_forget(c);
	volume_mounts_close(&c->mounts);
	if (c->timer != NULL)
		event_free(c->timer);
	if (c->hook_timer != NULL)
		event_free(c->hook_timer);
}
