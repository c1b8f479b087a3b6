/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-local serve - the Kubernetes-compatible API and, unless told otherwise, the Pod runner
 */
#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/config/config.h"
#include "lib/program/json_memory.h"
#include "lib/program/process.h"
#include "lib/program/trim.h"
#include "local/api/io/api.h"
#include "local/commands.h"
#include "local/engine/io/installed.h"
#include "local/engine/io/pki.h"
#include "local/engine/io/state_dir.h"
#include "local/runner.h"

DEFINE_CLEANUP(struct config *, config_free);

struct serve_opts {
	const char *state_dir;
	const char *run_dir;
	const char *listen;
	const char *crds_dir;
	uint64_t change_log_count;
	bool runner;
	struct runner_opts run;
	uint64_t netns_pool_count;
};

struct serve {
	struct serve_opts opts;
	int lock_fd;
	struct pki pki;
	char *token;
	struct event_base *base;
	struct event *signals[3];
	struct registry *registry;
	struct runner *runner;
	struct api *api;
	char database_file[PATH_MAX];
	char pods_dir[PATH_MAX];
	char pulls_dir[PATH_MAX];
	char podman_socket[PATH_MAX];
	char crds_dir[PATH_MAX];
};

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct serve *s = arg;

	(void)what;
	log_event(LOG_INFO, "serve.stopping", log_i64("signal", number));
	(void)event_base_loopbreak(s->base);
}

static int start_loop(struct serve *s, struct err *err)
{
	s->base = event_base_new();
	if (s->base == NULL)
		return err_set(err, ERR_SYS, 0, "event loop");
	s->signals[0] = evsignal_new(s->base, SIGTERM, on_signal, s);
	s->signals[1] = evsignal_new(s->base, SIGINT, on_signal, s);
	s->signals[2] = evsignal_new(s->base, SIGHUP, on_signal, s);
	for (size_t i = 0; i < ARRAY_LEN(s->signals); i++) {
		if (s->signals[i] == NULL || evsignal_add(s->signals[i], NULL) < 0)
			return err_set(err, ERR_SYS, 0, "signals");
	}
	process_start();
	json_memory_or_end();
	return 0;
}

static const char *why_not_ready(void *arg)
{
	return runner_why_not_ready(arg);
}

static int start_runner(struct serve *s, struct err *err)
{
	struct runner_opts *run = &s->opts.run;

	if (!s->opts.runner)
		return 0;
	if (run->podman_socket == NULL)
		run->podman_socket = s->podman_socket;
	run->pods_dir = s->pods_dir;
	run->pulls_dir = s->pulls_dir;
	run->run_dir = s->opts.run_dir;
	run->netns_pool_count = (unsigned)s->opts.netns_pool_count;
	if (runner_open(s->base, s->registry, run, &s->runner, err) < 0)
		return err_wrap(err, "Pod runner");
	api_set_logs(s->api, runner_log_source(s->runner));
	api_set_ready(s->api, why_not_ready, s->runner);
	return 0;
}

static int start(struct serve *s, struct err *err)
{
	struct serve_opts *opts = &s->opts;
	struct registry_opts registry = {
	        .database_file = s->database_file,
	        .crds_dir = opts->crds_dir,
	        .change_log_max = (uint32_t)opts->change_log_count,
	        .node_name = opts->runner ? opts->run.node_name : NULL,
	};
	struct api_opts api = {.http.listen = opts->listen};
	struct state_dir_access access;
	bool any;

	if (state_dir_open(opts->state_dir, &s->lock_fd, err) < 0 ||
	    pki_open(&s->pki, opts->state_dir, err) < 0 ||
	    pki_token(opts->state_dir, &s->token, err) < 0 || start_loop(s, err) < 0)
		return -1;
	(void)snprintf(s->database_file, sizeof s->database_file, "%s/objects.sqlite",
	               opts->state_dir);
	(void)snprintf(s->pods_dir, sizeof s->pods_dir, "%s/pods", opts->state_dir);
	(void)snprintf(s->pulls_dir, sizeof s->pulls_dir, "%s/pulls", opts->state_dir);
	opts->run.owner = opts->state_dir;
	if (opts->crds_dir == NULL) {
		installed_crds(NULL, s->crds_dir);
		registry.crds_dir = s->crds_dir;
	}
	(void)snprintf(s->podman_socket, sizeof s->podman_socket, "%s/podman.sock", opts->run_dir);
	api.http.tls = s->pki.server;
	api.token = s->token;
	if (registry_open(s->base, &registry, &s->registry, err) < 0 ||
	    api_new(s->base, s->registry, &api, &s->api, err) < 0 || start_runner(s, err) < 0)
		return -1;
	any = strncmp(opts->listen, "0.0.0.0:", 8) == 0;
	access.host = any || *opts->listen != '[' ? "127.0.0.1" : "[::1]";
	access.port = api_port(s->api);
	access.ca_pem = s->pki.ca_pem;
	access.token = s->token;
	return state_dir_write_kubeconfig(opts->state_dir, &access, err);
}

static void stop(struct serve *s)
{
	runner_free(s->runner);
	api_free(s->api);
	if (s->base) /* libevent frees connections in the next turn */
		(void)event_base_loop(s->base, EVLOOP_NONBLOCK);
	registry_close(s->registry);
	for (size_t i = 0; i < ARRAY_LEN(s->signals); i++) {
		if (s->signals[i])
			event_free(s->signals[i]);
	}
	if (s->base)
		event_base_free(s->base);
	free(s->token);
	pki_close(&s->pki);
	if (s->lock_fd >= 0)
		(void)close(s->lock_fd);
}

static int serve_run(struct serve *s)
{
	struct err err = {0};

	if (start(s, &err) < 0) {
		log_event(LOG_ERROR, "serve.failed", log_err(&err));
		return 1;
	}
	log_event(LOG_INFO, "serve.ready", log_str("state_dir", s->opts.state_dir),
	          log_u64("port", api_port(s->api)), log_bool("runner", s->opts.runner));
	trim_start(s->base);
	return event_base_dispatch(s->base) < 0 ? 1 : 0;
}

int cmd_serve(int argc, char **argv)
{
	struct serve s = {.lock_fd = -1, .opts.run.node_name = "local"};
	struct serve_opts *o = &s.opts;
	const struct config_option options[] = {
	        {"stateDir", CONFIG_STR, &o->state_dir, "/var/lib/sc-local", 0, 0,
	         "folder of the engine's state"},
	        {"runDir", CONFIG_STR, &o->run_dir, "/run/sc-local", 0, 0,
	         "folder of what does not outlive a boot"},
	        {"listen", CONFIG_STR, &o->listen, "127.0.0.1:6443", 0, 0,
	         "address and port of the API; port 0: any free one"},
	        {"crdsDir", CONFIG_STR, &o->crds_dir, NULL, 0, 0,
	         "folder of the CustomResourceDefinitions to serve; default: the installed ones"},
	        {"changeLog", CONFIG_U64, &o->change_log_count, "2000", 64, 1000000,
	         "changes that a watch can go back; past them 410 Gone"},
	        {"runner", CONFIG_BOOL, &o->runner, "true", 0, 0, "run Pods; false: the API alone"},
	        {"podmanSocket", CONFIG_STR, &o->run.podman_socket, NULL, 0, 0,
	         "Podman's REST socket; default: podman.sock in the run folder"},
	        {"cgroupRoot", CONFIG_STR, &o->run.cgroup_root, "sc-local", 0, 0,
	         "cgroup below which Pods run"},
	        {"bridge", CONFIG_STR, &o->run.bridge, "sclocal0", 0, 0,
	         "network bridge of the Pods"},
	        {"subnet", CONFIG_STR, &o->run.subnet, "10.213.0.1/16", 0, 0,
	         "the bridge's address and the Pods' network"},
	        {"masquerade", CONFIG_BOOL, &o->run.masquerade, "true", 0, 0,
	         "let Pods reach other networks"},
	        {"netnsPool", CONFIG_U64, &o->netns_pool_count, "4", 0, 64,
	         "network namespaces that are made ahead"},
	        {"logBytes", CONFIG_SIZE, &o->run.log_bytes_max, "10Mi", 1024, 0,
	         "size of one container's log"},
	        {"wrapperBinary", CONFIG_STR, &o->run.wrapper_binary, NULL, 0, 0,
	         "static sc-wrapper to make the wrapper's image of"},
	        {"wrapperImage", CONFIG_STR, &o->run.wrapper_image,
	         "localhost/sc-wrapper:" SC_VERSION, 0, 0, "name of the wrapper's image"},
	};
	const struct config_program program = {
	        .name = "sc-local serve",
	        .synopsis = "Answer the Kubernetes API and run Pods on this machine.",
	        .options = options,
	        .options_count = ARRAY_LEN(options),
	};
	CLEANUP(config_free_var) struct config *config = NULL;
	struct err err = {0};
	int code = config_load(&program, argc, argv, &config, &err);

	if (code < 0)
		fprintf(stderr, "sc-local: %s\n", err.text);
	if (code != 0)
		return code < 0 ? 2 : 0;
	code = serve_run(&s);
	stop(&s);
	return code;
}
