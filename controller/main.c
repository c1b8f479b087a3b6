/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-controller - makes what a StoppableContainer says come true
 */
#include <stdio.h>

#include "controller/io/rollout.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/config/config.h"
#include "lib/http/admin.h"
#include "lib/http/metrics.h"
#include "lib/kube/client/refusal.h"
#include "lib/program/json_memory.h"
#include "lib/program/process.h"
#include "lib/program/program.h"

/* Caches behind for longer: not ready. */
enum { READY_LOST_MS = 60000 };

struct settings {
	const char *kubeconfig, *context;
	const char *wrapper_image, *wrapper_pull_policy;
	const char *url_template;
	const char **activator_addresses, *activator_service;
	const char **host_domains, *cluster_domain, **allowed_hosts;
	bool leader_elect, watch_nodes, watch_namespaces;
	const char *leader_namespace, *leader_name;
	const char *admin_listen, *admin_token_file;
};

struct controller {
	struct settings set;
	struct program program;
	struct apply *apply;
	struct watch *watch;
	struct rollout *rollout;
};

static int settings_load(struct settings *s, int argc, char **argv, struct config **ret_config,
                         struct err *err)
{
	const struct config_option options[] = {
	        {"kubeconfig", CONFIG_STR, &s->kubeconfig, NULL, 0, 0,
	         "kubeconfig file; default: $KUBECONFIG, in-cluster, ~/.kube/config"},
	        {"context", CONFIG_STR, &s->context, NULL, 0, 0, "context of the kubeconfig"},
	        {"wrapper.image", CONFIG_STR, &s->wrapper_image, "localhost/sc-wrapper:" SC_VERSION,
	         0, 0, "image of the wrapper"},
	        {"wrapper.pullPolicy", CONFIG_STR, &s->wrapper_pull_policy, "IfNotPresent", 0, 0,
	         "imagePullPolicy of the wrapper's image"},
	        {"activatorAddresses", CONFIG_LIST, &s->activator_addresses, NULL, 0, 0,
	         "IP:PORT of each activator, for the Services; or activatorService"},
	        {"activatorService", CONFIG_STR, &s->activator_service, NULL, 0, 0,
	         "NAMESPACE/NAME of the activators' Service, whose port \"http\" clients use"},
	        {"urlTemplate", CONFIG_STR, &s->url_template, "", 0, 0,
	         "status.activation.url, with %s for the name, then %s for the namespace"},
	        {"hostDomains", CONFIG_LIST, &s->host_domains, "localhost", 0, 0,
	         "domains below which NAME.NAMESPACE is answered"},
	        {"clusterDomain", CONFIG_STR, &s->cluster_domain, "cluster.local", 0, 0,
	         "domain of Services: NAME.NAMESPACE.svc.DOMAIN is answered"},
	        {"allowedHosts", CONFIG_LIST, &s->allowed_hosts, "*=*", 0, 0,
	         "DOMAIN=NAMESPACE: who may list hosts below a domain; \"*\": any; \"*=\": none"},
	        {"watchNodes", CONFIG_BOOL, &s->watch_nodes, "true", 0, 0,
	         "tell when the node of a root filesystem is gone"},
	        {"watchNamespaces", CONFIG_BOOL, &s->watch_namespaces, "true", 0, 0,
	         "heed their annotation allowed-hosts, as allowedHosts"},
	        {"leaderElect", CONFIG_BOOL, &s->leader_elect, "true", 0, 0,
	         "act only while holding the lease"},
	        {"leaderNamespace", CONFIG_STR, &s->leader_namespace, NULL, 0, 0,
	         "namespace of the lease; default: the kubeconfig's"},
	        {"leaderName", CONFIG_STR, &s->leader_name, "sc-controller", 0, 0,
	         "name of the lease"},
	        {"admin.listen", CONFIG_STR, &s->admin_listen, "127.0.0.1:9091", 0, 0,
	         "address of /healthz, /readyz and /metrics"},
	        {"admin.tokenFile", CONFIG_STR, &s->admin_token_file, NULL, 0, 0,
	         "file with the bearer token that /metrics wants; none: no authentication"},
	};
	const struct config_program program = {
	        .name = "sc-controller",
	        .synopsis =
	                "Makes Pods and Services of StoppableContainers and tells their status.",
	        .options = options,
	        .options_count = ARRAY_LEN(options),
	};
	int result = config_load(&program, argc, argv, ret_config, err);

	if (result == 0 && (*s->activator_addresses != NULL) == (s->activator_service != NULL))
		return err_set(err, ERR_INVALID, 0,
		               "want one of activatorAddresses and activatorService");
	return result;
}

static const char *why_not_ready(void *arg)
{
	const struct controller *c = arg;

	if (c->watch == NULL || !watch_is_synced(c->watch))
		return "the caches are not filled yet";
	if (c->rollout == NULL || !rollout_is_synced(c->rollout))
		return "it is not known where the activators are";
	if (watch_lost_ms(c->watch, clk_now_ms()) > READY_LOST_MS ||
	    rollout_lost_ms(c->rollout, clk_now_ms()) > READY_LOST_MS)
		return "the API server does not answer";
	return NULL;
}

static bool may_act(void *arg)
{
	const struct controller *c = arg;

	return watch_is_synced(c->watch) && program_is_leading(&c->program);
}

static void add_key(void *arg, const char *key, uint64_t delay_ms)
{
	struct controller *c = arg;

	apply_key(c->apply, key, delay_ms);
}

static void add_now(void *arg, const char *key)
{
	add_key(arg, key, 0);
}

static void on_synced(void *arg)
{
	struct controller *c = arg;

	log_event(LOG_INFO, "controller.synced", log_str("identity", c->program.identity));
	watch_each_key(c->watch, add_now, c);
}

static void on_leader(void *arg, bool leading)
{
	struct controller *c = arg;

	if (leading)
		watch_each_key(c->watch, add_now, c);
}

static void on_end(void *arg, int signal)
{
	(void)arg;
	log_event(LOG_INFO, "controller.ending", log_i64("signal", signal));
}

static int start_admin(struct controller *c, struct err *err)
{
	const struct admin_opts opts = {
	        .listen = c->set.admin_listen,
	        .token_file = c->set.admin_token_file,
	        .metrics = c->program.metrics,
	        .why_not_ready = why_not_ready,
	        .trouble = refusals_text,
	        .arg = c,
	};

	return admin_new(c->program.base, &opts, &c->program.admin, err);
}

static int start_work(struct controller *c, struct err *err)
{
	struct apply_opts apply = {
	        .client = c->program.client,
	        .recorder = c->program.recorder,
	        .metrics = c->program.metrics,
	        .plan = {.pods = {c->set.wrapper_image, c->set.wrapper_pull_policy},
	                 .url_template = c->set.url_template},
	        .may_act = may_act,
	        .arg = c,
	};
	const struct watch_opts watch = {
	        .hosts = {(const char *const *)c->set.host_domains, c->set.cluster_domain,
	                  (const char *const *)c->set.allowed_hosts},
	        .nodes = c->set.watch_nodes,
	        .namespaces = c->set.watch_namespaces,
	        .on_key = add_key,
	        .on_synced = on_synced,
	        .arg = c,
	};
	struct rollout_opts rollout = {
	        .client = c->program.client,
	        .metrics = c->program.metrics,
	        .service = c->set.activator_service,
	};

	if (service_target_parse((const char *const *)c->set.activator_addresses, &rollout.target,
	                         err) < 0)
		return -1;
	if (apply_new(c->program.base, &apply, &c->apply, err) < 0)
		return -1;
	if (watch_new(c->program.base, c->program.client, &watch, &c->watch, err) < 0)
		return -1;
	apply_set_watch(c->apply, c->watch);
	rollout.apply = c->apply;
	rollout.watch = c->watch;
	return rollout_new(c->program.base, &rollout, &c->rollout, err);
}

static int controller_start(struct controller *c, const struct program_opts *opts, struct err *err)
{
	const struct program_lease lease = {c->set.leader_elect, c->set.leader_namespace,
	                                    c->set.leader_name};

	if (program_open(&c->program, opts, err) < 0)
		return -1;
	c->program.leading = metrics_gauge(c->program.metrics, "sc_controller_leader",
	                                   "1 while this process may act.", NULL);
	if (start_admin(c, err) < 0)
		return -1;
	if (program_connect(&c->program, c->set.kubeconfig, c->set.context, err) < 0)
		return -1;
	if (start_work(c, err) < 0)
		return -1;
	return program_lead(&c->program, &lease, err);
}

static void controller_done(struct controller *c)
{
	rollout_free(c->rollout);
	apply_free(c->apply);
	watch_free(c->watch);
	program_close(&c->program);
}

int main(int argc, char **argv)
{
	static struct controller c;
	const struct program_opts opts = {
	        .name = "sc-controller", .on_leader = on_leader, .on_end = on_end, .arg = &c};
	struct config *config = NULL;
	struct err err = {0};
	int result = settings_load(&c.set, argc, argv, &config, &err);

	if (result < 0) {
		(void)fprintf(stderr, "sc-controller: %s\n", err.text);
		config_free(config);
		return 2;
	}
	if (result > 0)
		return 0;
	process_start();
	json_memory_or_end();
	result = controller_start(&c, &opts, &err);
	if (result < 0)
		log_event(LOG_ERROR, "controller.start_failed", log_err(&err));
	else if (program_run(&c.program) < 0)
		log_event(LOG_ERROR, "controller.loop_failed",
		          log_str("identity", c.program.identity));
	controller_done(&c);
	config_free(config);
	return result < 0 ? 1 : 0;
}
