/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-node-agent - makes the root filesystems of one node and puts them below containers
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/io/agent.h"
#include "agent/io/mounts/overlay.h"
#include "lib/api/names.h"
#include "lib/base/log.h"
#include "lib/config/config.h"
#include "lib/http/admin.h"
#include "lib/http/metrics.h"
#include "lib/kube/client/kubeconfig.h"
#include "lib/kube/client/refusal.h"
#include "lib/program/json_memory.h"
#include "lib/program/process.h"
#include "lib/program/trim.h"

static struct {
	struct agent_config agent;
	const char *kubeconfig;
	const char *admin_listen;
	const char *admin_token_file;
} settings;

static const struct config_option options[] = {
        {.path = "kubeconfig",
         .kind = CONFIG_STR,
         .value = &settings.kubeconfig,
         .help = "file that says where the API server is (default: in-cluster)"},
        {.path = "nodeName",
         .kind = CONFIG_STR,
         .value = &settings.agent.node_name,
         .help = "name of this node, as Pods have it in spec.nodeName; required"},
        {.path = "podsDir",
         .kind = CONFIG_STR,
         .value = &settings.agent.pods_dir,
         .default_text = "/var/lib/kubelet/pods",
         .help = "the kubelet's folder of Pods"},
        {.path = "runtimeEndpoint",
         .kind = CONFIG_STR,
         .value = &settings.agent.runtime_endpoint,
         .help = "the kubelet's container runtime, for images' configurations: "
                 "unix:///run/containerd/containerd.sock"},
        {.path = "podmanSocket",
         .kind = CONFIG_STR,
         .value = &settings.agent.podman_socket,
         .help = "Podman's REST API, for images' configurations, on a machine without a kubelet"},
        {.path = "cgroupRoots",
         .kind = CONFIG_LIST,
         .value = &settings.agent.cgroup_roots,
         .default_text = "/sys/fs/cgroup",
         .help = "where to look for Pods' cgroups: hierarchies, or a folder of hierarchies"},
        {.path = "hostPathPrefixes",
         .kind = CONFIG_LIST,
         .value = &settings.agent.host_path_prefixes,
         .default_text = SC_HOST_PATH_PREFIX_DEFAULT,
         .help = "folders that a resource may name as its hostPathPrefix"},
        {.path = "layerRoot",
         .kind = CONFIG_STR,
         .value = &settings.agent.layer_root,
         .help = "folder to which a runtime's relative overlay layers belong"},
        {.path = "runtimeRoot",
         .kind = CONFIG_STR,
         .value = &settings.agent.runtime_root,
         .help = "the runtime's folder: images' layers are below it, and nothing else is mounted "
                 "as "
                 "one; default: no such check"},
        {.path = "stagingDir",
         .kind = CONFIG_STR,
         .value = &settings.agent.staging_dir,
         .default_text = "/run/sc-node-agent",
         .help = "folder for mounts that only this process sees"},
        {.path = "adminListen",
         .kind = CONFIG_STR,
         .value = &settings.admin_listen,
         .default_text = "127.0.0.1:9094",
         .help = "address of /healthz, /readyz and /metrics"},
        {.path = "adminTokenFile",
         .kind = CONFIG_STR,
         .value = &settings.admin_token_file,
         .help = "file with the bearer token that /metrics wants"},
};

static const struct config_program program = {
        .name = "sc-node-agent",
        .synopsis = "keeps the root filesystems of stoppable containers on one node",
        .options = options,
        .options_count = ARRAY_LEN(options),
};

static const char *why_not_ready(void *arg)
{
	return agent_why_not_ready(arg);
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	(void)what;
	log_event(LOG_INFO, "agent.stopping", log_i64("signal", sig));
	agent_finish(arg);
}

struct loop {
	struct event *term;
	struct event *interrupt;
};

static int loop_start(struct loop *l, struct agent *agent, struct err *err)
{
	l->term = evsignal_new(agent->base, SIGTERM, on_signal, agent);
	l->interrupt = evsignal_new(agent->base, SIGINT, on_signal, agent);
	if (l->term == NULL || l->interrupt == NULL || event_add(l->term, NULL) < 0 ||
	    event_add(l->interrupt, NULL) < 0)
		return err_set(err, ERR_NOMEM, 0, "events");
	return 0;
}

static void loop_stop(const struct loop *l)
{
	struct event *const events[] = {l->term, l->interrupt};

	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		if (events[i] != NULL)
			event_free(events[i]);
	}
}

static int serve(struct agent *agent, struct err *err)
{
	struct metrics *metrics = metrics_new();
	const struct admin_opts admin_opts = {.listen = settings.admin_listen,
	                                      .token_file = settings.admin_token_file,
	                                      .metrics = metrics,
	                                      .why_not_ready = why_not_ready,
	                                      .trouble = refusals_text,
	                                      .arg = agent};
	struct admin *admin = NULL;
	struct loop loop = {0};
	int rc = loop_start(&loop, agent, err);

	refusals_count_in(metrics);
	if (rc == 0)
		rc = agent_start(agent, metrics, err);
	if (rc == 0)
		rc = admin_new(agent->base, &admin_opts, &admin, err);
	if (rc == 0) {
		log_event(LOG_INFO, "agent.started", log_str("version", SC_VERSION),
		          log_str("node", settings.agent.node_name),
		          log_u64("admin_port", admin_port(admin)));
		trim_start(agent->base);
		rc = event_base_dispatch(agent->base) < 0
		             ? err_set(err, ERR_SYS, 0, "the event loop ended")
		             : 0;
	}
	agent_stop(agent);
	if (admin != NULL)
		admin_free(admin);
	loop_stop(&loop);
	metrics_free(metrics);
	return rc;
}

static int run(struct err *err)
{
	struct agent agent = {.config = &settings.agent, .base = event_base_new()};
	struct kubeconfig *kubeconfig = NULL;
	int rc;

	if (agent.base == NULL)
		return err_set(err, ERR_NOMEM, 0, "event loop");
	process_start();
	json_memory_or_end();
	rc = overlay_namespace(settings.agent.staging_dir, err);
	if (rc == 0)
		rc = kubeconfig_load(settings.kubeconfig, NULL, &kubeconfig, err);
	if (rc == 0)
		rc = kube_client_new(agent.base, kubeconfig, "sc-node-agent/" SC_VERSION,
		                     &agent.kube, err);
	if (rc == 0)
		rc = serve(&agent, err);
	if (agent.kube != NULL)
		kube_client_free(agent.kube);
	if (kubeconfig != NULL)
		kubeconfig_free(kubeconfig);
	event_base_free(agent.base);
	return rc;
}

int main(int argc, char **argv)
{
	struct config *config = NULL;
	struct err err;
	int rc = config_load(&program, argc, argv, &config, &err);

	if (rc == 0 && (settings.agent.node_name == NULL || settings.agent.node_name[0] == '\0'))
		rc = err_set(&err, ERR_INVALID, 0, "--node-name is required");
	if (rc < 0)
		(void)fprintf(stderr, "sc-node-agent: %s\n", err.text);
	if (rc != 0) {
		config_free(config);
		return rc < 0 ? 2 : 0;
	}
	rc = run(&err);
	if (rc < 0)
		log_event(LOG_ERROR, "agent.failed", log_err(&err));
	config_free(config);
	return rc < 0 ? 1 : 0;
}
