/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-idle-monitor - puts containers to sleep that nobody uses
 */
#include <event2/event.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "idle-monitor/core/defaults.h"
#include "idle-monitor/io/monitor.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/config/config.h"
#include "lib/http/admin.h"
#include "lib/http/metrics.h"
#include "lib/kube/client/client.h"
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
	STOP_LEASE_MS = 5000,
	STOP_MARGIN_MS = 2000,
	STOP_BACKOFF_MS = 500,
	END_WAIT_S = 2, /* for giving the lease up */
};

struct settings {
	const char *kubeconfig, *context;
	const char **activators, *activator_service;
	const char **namespaces;
	const char *activator_token_file;
	const char *activator_key_file;
	struct defaults defaults;
	uint64_t scrape_interval_ms;
	bool leader_elect;
	const char *leader_namespace, *leader_name;
	const char *admin_listen, *admin_token_file;
};

struct program {
	struct settings set;
	struct event_base *base;
	struct kubeconfig *kubeconfig;
	struct kube_client *client;
	struct metrics *metrics;
	struct metric *leading;
	struct admin *admin;
	struct recorder *recorder;
	struct monitor *monitor;
	struct leader *leader; /* NULL: no election */
	struct event *on_term, *on_int;
	char identity[128];
	bool is_ending;
};

static int settings_load(struct settings *s, int argc, char **argv, struct config **ret_config,
                         struct err *err)
{
	const uint64_t year_ms = 365ull * 24 * 3600 * 1000;
	const struct config_option options[] = {
	        {"kubeconfig", CONFIG_STR, &s->kubeconfig, NULL, 0, 0,
	         "kubeconfig file; default: $KUBECONFIG, in-cluster, ~/.kube/config"},
	        {"context", CONFIG_STR, &s->context, NULL, 0, 0, "context of the kubeconfig"},
	        {"idle.timeout", CONFIG_DURATION, &s->defaults.timeout_ms, "5m", 0, year_ms,
	         "stop after so long without use, where the manifest says nothing; 0s: never"},
	        {"idle.startupGrace", CONFIG_DURATION, &s->defaults.startup_grace_ms, "30s", 0,
	         year_ms, "no stop so soon after a start, where the manifest says nothing"},
	        {"idle.namespaces", CONFIG_LIST, &s->namespaces, NULL, 0, 0,
	         "these two for one namespace: \"NAMESPACE timeout=10m startupGrace=1m\""},
	        {"activators", CONFIG_LIST, &s->activators, NULL, 0, 0,
	         "URL of each activator's admin server; or activatorService"},
	        {"activatorService", CONFIG_STR, &s->activator_service, NULL, 0, 0,
	         "NAMESPACE/NAME of the activators' Service, with their admin port as \"admin\""},
	        {"activatorTokenFile", CONFIG_STR, &s->activator_token_file, NULL, 0, 0,
	         "file with a bearer token that the activators want; sent in clear text"},
	        {"activatorKeyFile", CONFIG_STR, &s->activator_key_file, NULL, 0, 0,
	         "file with the key that questions to the activators and their answers are sealed "
	         "with; instead of a token"},
	        {"scrape.interval", CONFIG_DURATION, &s->scrape_interval_ms, "1s", 50, 60000,
	         "ask every activator so often"},
	        {"leaderElect", CONFIG_BOOL, &s->leader_elect, "true", 0, 0,
	         "act only while holding the lease"},
	        {"leaderNamespace", CONFIG_STR, &s->leader_namespace, NULL, 0, 0,
	         "namespace of the lease; default: the kubeconfig's"},
	        {"leaderName", CONFIG_STR, &s->leader_name, "sc-idle-monitor", 0, 0,
	         "name of the lease"},
	        {"admin.listen", CONFIG_STR, &s->admin_listen, "127.0.0.1:9093", 0, 0,
	         "address of /healthz, /readyz, /metrics and /v1/decisions"},
	        {"admin.tokenFile", CONFIG_STR, &s->admin_token_file, NULL, 0, 0,
	         "file with the bearer token that the admin server wants; none: no authentication"},
	};
	const struct config_program program = {
	        .name = "sc-idle-monitor",
	        .synopsis = "Stops containers that nobody has used for their idle timeout.",
	        .options = options,
	        .options_count = ARRAY_LEN(options),
	};
	int operands;
	int result = config_load(&program, argc, argv, ret_config, &operands, err);

	if (result != 0)
		return result;
	if ((*s->activators != NULL) == (s->activator_service != NULL))
		return err_set(err, ERR_INVALID, 0, "want one of activators and activatorService");
	return defaults_parse(&s->defaults, (const char *const *)s->namespaces, year_ms, err);
}

static const char *why_not_ready(void *arg)
{
	const struct program *p = arg;

	return p->monitor != NULL && monitor_is_synced(p->monitor)
	               ? NULL
	               : "containers or activators are not known yet";
}

static bool on_admin(void *arg, const struct admin_request *req)
{
	const struct program *p = arg;
	json_t *body;
	char *text;

	if (strcmp(req->method, "GET") != 0 || strcmp(req->path, "/v1/decisions") != 0)
		return false;
	body = p->monitor != NULL ? monitor_describe(p->monitor) : NULL;
	text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	admin_reply(req->reply, text != NULL ? 200 : 503, text);
	free(text);
	json_decref(body);
	return true;
}

static bool is_leading(void *arg)
{
	const struct program *p = arg;

	if (p->is_ending)
		return false;
	return !p->set.leader_elect ||
	       (p->leader != NULL && leader_is_leading(p->leader, clk_now_ms()));
}

static void on_leader(void *arg, bool leading)
{
	struct program *p = arg;

	metric_set(p->leading, NULL, leading ? 1 : 0);
	log_event(LOG_INFO, leading ? "leader.gained" : "leader.lost",
	          log_str("identity", p->identity));
	if (p->monitor != NULL && !p->is_ending)
		monitor_evaluate(p->monitor);
}

static void end_loop(void *arg)
{
	struct program *p = arg;

	(void)event_base_loopexit(p->base, NULL);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	const struct timeval wait = {END_WAIT_S, 0};
	struct program *p = arg;

	(void)what;
	if (p->is_ending)
		return;
	log_event(LOG_INFO, "monitor.ending", log_i64("signal", number));
	p->is_ending = true;
	monitor_cancel(p->monitor);
	if (p->leader == NULL) {
		end_loop(p);
		return;
	}
	(void)event_base_loopexit(p->base, &wait);
	leader_release(p->leader, end_loop, p);
}

static int identity_make(struct program *p, struct err *err)
{
	unsigned char random[4];
	char host[65] = "";

	if (RAND_bytes(random, sizeof random) != 1)
		return err_set(err, ERR_SYS, 0, "no random numbers");
	(void)gethostname(host, sizeof host - 1);
	(void)snprintf(p->identity, sizeof p->identity, "%s_%02x%02x%02x%02x", host, random[0],
	               random[1], random[2], random[3]);
	return 0;
}

static int start_admin(struct program *p, struct err *err)
{
	const struct admin_opts opts = {
	        .listen = p->set.admin_listen,
	        .token_file = p->set.admin_token_file,
	        .metrics = p->metrics,
	        .why_not_ready = why_not_ready,
	        .trouble = refusals_text,
	        .on_request = on_admin,
	        .arg = p,
	};

	return admin_new(p->base, &opts, &p->admin, err);
}

static int start_leader(struct program *p, struct err *err)
{
	const char *ns = p->set.leader_namespace;
	const struct leader_opts opts = {
	        .ns = ns != NULL ? ns : kubeconfig_namespace(p->kubeconfig),
	        .name = p->set.leader_name,
	        .identity = p->identity,
	        .lease_ms = LEADER_LEASE_MS,
	        .renew_ms = LEADER_RENEW_MS,
	        .retry_ms = LEADER_RETRY_MS,
	        .on_change = on_leader,
	        .arg = p,
	};

	metric_set(p->leading, NULL, p->set.leader_elect ? 0 : 1);
	if (!p->set.leader_elect)
		return 0;
	return leader_new(p->base, p->client, &opts, &p->leader, err);
}

static int start_monitor(struct program *p, struct err *err)
{
	const struct settings *s = &p->set;
	const struct monitor_opts opts = {
	        .client = p->client,
	        .recorder = p->recorder,
	        .metrics = p->metrics,
	        .activators = (const char *const *)s->activators,
	        .activator_service = s->activator_service,
	        .activator_key_file = s->activator_key_file,
	        .activator_token_file = s->activator_token_file,
	        .scrape_interval_ms = s->scrape_interval_ms,
	        .defaults = &s->defaults,
	        .limits = {STOP_LEASE_MS, STOP_MARGIN_MS, STOP_BACKOFF_MS},
	        .is_leading = is_leading,
	        .arg = p,
	};

	return monitor_new(p->base, &opts, &p->monitor, err);
}

static int program_start(struct program *p, struct err *err)
{
	p->base = event_base_new();
	p->metrics = metrics_new();
	if (p->base == NULL || p->metrics == NULL)
		return err_set(err, ERR_NOMEM, 0, "start");
	refusals_count_in(p->metrics);
	p->leading = metrics_gauge(p->metrics, "sc_idle_monitor_leader",
	                           "1 while this process may act.", NULL);
	if (identity_make(p, err) < 0 || start_admin(p, err) < 0)
		return -1;
	if (kubeconfig_load(p->set.kubeconfig, p->set.context, &p->kubeconfig, err) < 0)
		return -1;
	if (kube_client_new(p->base, p->kubeconfig, "sc-idle-monitor/" SC_VERSION, &p->client,
	                    err) < 0)
		return -1;
	kube_client_guard(p->client, is_leading, p);
	if (recorder_new(p->base, p->client, "sc-idle-monitor", &p->recorder, err) < 0)
		return -1;
	if (start_monitor(p, err) < 0 || start_leader(p, err) < 0)
		return -1;
	p->on_term = evsignal_new(p->base, SIGTERM, on_signal, p);
	p->on_int = evsignal_new(p->base, SIGINT, on_signal, p);
	if (p->on_term == NULL || p->on_int == NULL || event_add(p->on_term, NULL) < 0 ||
	    event_add(p->on_int, NULL) < 0)
		return err_set(err, ERR_NOMEM, 0, "signals");
	return 0;
}

static void program_done(struct program *p)
{
	leader_free(p->leader);
	monitor_free(p->monitor);
	recorder_free(p->recorder);
	kube_client_free(p->client);
	kubeconfig_free(p->kubeconfig);
	admin_free(p->admin);
	metrics_free(p->metrics);
	if (p->on_term != NULL)
		event_free(p->on_term);
	if (p->on_int != NULL)
		event_free(p->on_int);
	if (p->base != NULL)
		event_base_free(p->base);
}

int main(int argc, char **argv)
{
	static struct program p;
	struct config *config = NULL;
	struct err err = {0};
	int result = settings_load(&p.set, argc, argv, &config, &err);

	if (result < 0) {
		(void)fprintf(stderr, "sc-idle-monitor: %s\n", err.text);
		config_free(config);
		return 2;
	}
	if (result > 0)
		return 0;
	process_start();
	json_memory_or_end();
	result = program_start(&p, &err);
	if (result == 0)
		trim_start(p.base);
	if (result < 0)
		log_event(LOG_ERROR, "monitor.start_failed", log_err(&err));
	else if (event_base_dispatch(p.base) < 0)
		log_event(LOG_ERROR, "monitor.loop_failed", log_str("identity", p.identity));
	program_done(&p);
	config_free(config);
	return result < 0 ? 1 : 0;
}
