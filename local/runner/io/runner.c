/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner - opens the Pod runner step by step, then watches Pods and keeps the Node
 */
#include "local/runner.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/api/kinds.h"
#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"
#include "lib/text/json_ref.h"
#include "local/runner/io/runner_private.h"

enum { HEARTBEAT_MS = 30000 };

static void on_registry_change(void *arg, const json_t *old_object, const json_t *new_object)
{
	pod_on_change(arg, old_object, new_object);
}

static void on_timer(evutil_socket_t fd, short what, void *arg);

/* The last step of opening: from here Pods are run. */
static void runner_begin(struct runner *r)
{
	r->watch = registry_watch_start(r->registry, &KUBE_PODS, on_registry_change, r);
	if (r->watch == NULL) {
		r->not_ready = "no watch on the registry";
		runner_try_later(r);
		return;
	}
	r->not_ready = NULL;
	runner_node_update(r);
	timer_after(r->timer, HEARTBEAT_MS);
	log_event(LOG_INFO, "runner.ready", log_str("node", r->opts.node_name),
	          log_u64("containers_found", json_array_size(r->found)));
}

static void on_listed(void *arg, const struct podman_result *res)
{
	struct runner *r = arg;
	struct err err;

	r->call = NULL;
	if (res->message != NULL || !json_is_array(res->json)) {
		runner_try_later(r);
		return;
	}
	json_decref(r->found);
	r->found = json_incref(json_ref(res->json));
	if (runner_remove_unknown(r, &err) < 0) {
		log_event(LOG_ERROR, "runner.registry", log_err(&err));
		timer_after(r->timer, RUNNER_INSPECT_RETRY_MAX_MS);
		return;
	}
	runner_wrapper_image(r, runner_begin);
}

static void runner_list(struct runner *r)
{
	/* filters={"label":["io.kubernetes.pod.uid"]} */
	const struct podman_request req = {
	        .method = "GET",
	        .path = "/containers/json?all=true&filters="
	                "%7B%22label%22%3A%5B%22io.kubernetes.pod.uid%22%5D%7D",
	        .done = on_listed,
	        .arg = r,
	};
	struct err err;

	r->call = podman_start(r->podman, &req, &err);
	if (r->call == NULL)
		runner_try_later(r);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct runner *r = arg;

	if (r->watch == NULL) {
		runner_pulls(r, runner_list);
		return;
	}
	runner_node_update(r);
	timer_after(r->timer, HEARTBEAT_MS);
}

static uint64_t hard_limit(__rlimit_resource_t which, uint64_t most)
{
	struct rlimit limit;

	if (getrlimit(which, &limit) < 0 || limit.rlim_max == RLIM_INFINITY ||
	    limit.rlim_max > most)
		return most;
	return limit.rlim_max;
}

/* Podman lowers its own limit of processes to the kernel's highest process id; what it starts can
 * not have more than that without CAP_SYS_RESOURCE. */
static uint64_t pid_max(void)
{
	CLEANUP(fclose_var) FILE *f = fopen("/proc/sys/kernel/pid_max", "re");
	char text[32] = "";
	uint64_t value = 32768;

	if (f != NULL && fgets(text, sizeof text, f) != NULL) {
		text[strcspn(text, "\n")] = '\0';
		(void)num_parse_u64(text, 1, 4194304, &value, NULL);
	}
	return value;
}

/* What runs no more is still named by its status, and requests go there until somebody has looked:
 * nobody else is to be found at that address. */
static bool address_rest(void *arg, const json_t *object)
{
	struct network *n = arg;

	network_rest(n, json_str_at(object, "", "status", "podIP", NULL));
	network_rest(n, json_str_at(object, "", "status", "consumer", "address", NULL));
	return true;
}

static int network_start(struct runner *r, struct err *err)
{
	const struct registry_ref pods = {.type = &KUBE_PODS};
	const struct registry_ref instances = {.type = &KUBE_STOPPABLECONTAINERINSTANCES};
	struct err none;
	const struct network_opts opts = {
	        .bridge = r->opts.bridge,
	        .subnet = r->opts.subnet,
	        .pool_count = r->opts.netns_pool_count,
	        .masquerade = r->opts.masquerade,
	        .owner = r->opts.owner,
	        .forward_state = r->forward_state,
	};

	(void)snprintf(r->forward_state, sizeof r->forward_state, "%s/ip_forward", r->opts.run_dir);
	if (network_open(r->base, &opts, &r->network, err) < 0 ||
	    registry_foreach(r->registry, &pods, address_rest, r->network, err) < 0)
		return -1;
	/* an engine that never had our types has none of these */
	(void)registry_foreach(r->registry, &instances, address_rest, r->network, &none);
	return 0;
}

int runner_open(struct event_base *base, struct registry *registry, const struct runner_opts *opts,
                struct runner **ret_runner, struct err *err)
{
	CLEANUP(runner_free_var) struct runner *r = calloc(1, sizeof *r);

	assert(opts->wrapper_image != NULL);
	if (r == NULL)
		return err_set(err, ERR_NOMEM, 0, "runner");
	r->opts = *opts;
	r->base = base;
	r->registry = registry;
	r->not_ready = "waiting for podman";
	r->nofile_max = hard_limit(RLIMIT_NOFILE, 1048576);
	r->nproc_max = hard_limit(RLIMIT_NPROC, pid_max());
	runner_log_source_init(r);
	r->timer = evtimer_new(base, on_timer, r);
	if (r->timer == NULL)
		return err_set(err, ERR_NOMEM, 0, "runner");
	if (volume_store_open(opts->pods_dir, &r->volumes, err) < 0 ||
	    podman_new(base, opts->podman_socket, &r->podman, err) < 0 || network_start(r, err) < 0)
		return err_wrap(err, "runner");
	timer_after(r->timer, 0);
	*ret_runner = TAKE_PTR(r);
	return 0;
}

void runner_free(struct runner *r)
{
	if (r == NULL)
		return;
	runner_logs_end(r);
	if (r->watch != NULL)
		registry_watch_stop(r->watch);
	while (r->pods != NULL)
		pod_free(r->pods);
	podman_free(r->podman);
	network_close(r->network);
	volume_store_close(r->volumes);
	if (r->timer != NULL)
		event_free(r->timer);
	json_decref(r->found);
	free(r);
}

const char *runner_why_not_ready(const struct runner *r)
{
	return r->not_ready;
}

const struct pod_log_source *runner_log_source(struct runner *r)
{
	return &r->log_source;
}
