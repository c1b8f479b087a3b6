/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-controller - makes what a StoppableContainer says come true
 */
#include <event2/event.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "controller/io/rollout.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/config/config.h"
#include "lib/http/admin.h"
#include "lib/http/metrics.h"
#include "lib/kube/client/kubeconfig.h"
#include "lib/kube/client/refusal.h"
#include "lib/kube/control/leader.h"
#include "lib/kube/control/recorder.h"
#include "lib/program/json_memory.h"
#include "lib/program/process.h"
#include "lib/program/trim.h"

enum {
	LEADER_LEASE_MS = 15000,
	LEADER_RENEW_MS = 5000,
	LEADER_RETRY_MS = 2000,
	READY_LOST_MS = 60000, /* caches behind for longer: not ready */
	END_WAIT_S = 2,        /* for giving the lease up */
};

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
	struct event_base *base;
	struct kubeconfig *kubeconfig;
	struct kube_client *client;
	struct metrics *metrics;
	struct metric *leading;
	struct admin *admin;
	struct recorder *recorder;
	struct apply *apply;
	struct watch *watch;
	struct rollout *rollout;
	struct leader *leader; /* NULL: no election */
	struct event *on_term, *on_int;
	char identity[128];
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
	int operands;
	int result = config_load(&program, argc, argv, ret_config, &operands, err);

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

static bool is_leading(void *arg)
{
	const struct controller *c = arg;

	return !c->set.leader_elect ||
	       (c->leader != NULL && leader_is_leading(c->leader, clk_now_ms()));
}

static bool may_act(void *arg)
{
	const struct controller *c = arg;

	return watch_is_synced(c->watch) && is_leading(arg);
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

	log_event(LOG_INFO, "controller.synced", log_str("identity", c->identity));
	watch_each_key(c->watch, add_now, c);
}

static void on_leader(void *arg, bool leading)
{
	struct controller *c = arg;

	metric_set(c->leading, NULL, leading ? 1 : 0);
	log_event(LOG_INFO, leading ? "leader.gained" : "leader.lost",
	          log_str("identity", c->identity));
	if (leading && c->watch != NULL)
		watch_each_key(c->watch, add_now, c);
}

static void end_loop(void *arg)
{
	struct controller *c = arg;

	(void)event_base_loopexit(c->base, NULL);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	const struct timeval wait = {END_WAIT_S, 0};
	struct controller *c = arg;

	log_event(LOG_INFO, "controller.ending", log_i64("signal", number));
	if (c->leader == NULL) {
		end_loop(c);
		return;
	}
	(void)event_base_loopexit(c->base, &wait);
	leader_release(c->leader, end_loop, c);
}

static int identity_make(struct controller *c, struct err *err)
{
	unsigned char random[4];
	char host[65] = "";

	if (RAND_bytes(random, sizeof random) != 1)
		return err_set(err, ERR_SYS, 0, "no random numbers");
	(void)gethostname(host, sizeof host - 1);
	(void)snprintf(c->identity, sizeof c->identity, "%s_%02x%02x%02x%02x", host, random[0],
	               random[1], random[2], random[3]);
	return 0;
}

static int start_admin(struct controller *c, struct err *err)
{
	const struct admin_opts opts = {
	        .listen = c->set.admin_listen,
	        .token_file = c->set.admin_token_file,
	        .metrics = c->metrics,
	        .why_not_ready = why_not_ready,
	        .trouble = refusals_text,
	        .arg = c,
	};

	return admin_new(c->base, &opts, &c->admin, err);
}

static int start_leader(struct controller *c, struct err *err)
{
	const char *ns = c->set.leader_namespace;
	const struct leader_opts opts = {
	        .ns = ns != NULL ? ns : kubeconfig_namespace(c->kubeconfig),
	        .name = c->set.leader_name,
	        .identity = c->identity,
	        .lease_ms = LEADER_LEASE_MS,
	        .renew_ms = LEADER_RENEW_MS,
	        .retry_ms = LEADER_RETRY_MS,
	        .on_change = on_leader,
	        .arg = c,
	};

	metric_set(c->leading, NULL, c->set.leader_elect ? 0 : 1);
	if (!c->set.leader_elect)
		return 0;
	return leader_new(c->base, c->client, &opts, &c->leader, err);
}

static int start_work(struct controller *c, struct err *err)
{
	struct apply_opts apply = {
	        .client = c->client,
	        .recorder = c->recorder,
	        .metrics = c->metrics,
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
	        .client = c->client,
	        .metrics = c->metrics,
	        .service = c->set.activator_service,
	};

	if (service_target_parse((const char *const *)c->set.activator_addresses, &rollout.target,
	                         err) < 0)
		return -1;
	if (apply_new(c->base, &apply, &c->apply, err) < 0)
		return -1;
	if (watch_new(c->base, c->client, &watch, &c->watch, err) < 0)
		return -1;
	apply_set_watch(c->apply, c->watch);
	rollout.apply = c->apply;
	rollout.watch = c->watch;
	if (rollout_new(c->base, &rollout, &c->rollout, err) < 0)
		return -1;
	return start_leader(c, err);
}

static int controller_start(struct controller *c, struct err *err)
{
	c->base = event_base_new();
	c->metrics = metrics_new();
	if (c->base == NULL || c->metrics == NULL)
		return err_set(err, ERR_NOMEM, 0, "start");
	refusals_count_in(c->metrics);
	c->leading = metrics_gauge(c->metrics, "sc_controller_leader",
	                           "1 while this process may act.", NULL);
	c->on_term = evsignal_new(c->base, SIGTERM, on_signal, c);
	c->on_int = evsignal_new(c->base, SIGINT, on_signal, c);
	if (c->on_term == NULL || c->on_int == NULL || event_add(c->on_term, NULL) < 0 ||
	    event_add(c->on_int, NULL) < 0)
		return err_set(err, ERR_NOMEM, 0, "signals");
	if (identity_make(c, err) < 0 || start_admin(c, err) < 0)
		return -1;
	if (kubeconfig_load(c->set.kubeconfig, c->set.context, &c->kubeconfig, err) < 0)
		return -1;
	if (kube_client_new(c->base, c->kubeconfig, "sc-controller/" SC_VERSION, &c->client, err) <
	    0)
		return -1;
	kube_client_guard(c->client, is_leading, c);
	if (recorder_new(c->base, c->client, "sc-controller", &c->recorder, err) < 0)
		return -1;
	return start_work(c, err);
}

static void controller_done(struct controller *c)
{
	leader_free(c->leader);
	rollout_free(c->rollout);
	apply_free(c->apply);
	watch_free(c->watch);
	recorder_free(c->recorder);
	kube_client_free(c->client);
	kubeconfig_free(c->kubeconfig);
	admin_free(c->admin);
	metrics_free(c->metrics);
	if (c->on_term != NULL)
		event_free(c->on_term);
	if (c->on_int != NULL)
		event_free(c->on_int);
	if (c->base != NULL)
		event_base_free(c->base);
}

int main(int argc, char **argv)
{
	struct controller c = {0};
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
	result = controller_start(&c, &err);
	if (result == 0)
		trim_start(c.base);
	if (result < 0)
		log_event(LOG_ERROR, "controller.start_failed", log_err(&err));
	else if (event_base_dispatch(c.base) < 0)
		log_event(LOG_ERROR, "controller.loop_failed", log_str("identity", c.identity));
	controller_done(&c);
	config_free(config);
	return result < 0 ? 1 : 0;
}
