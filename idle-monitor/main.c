/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-idle-monitor - puts containers to sleep that nobody uses
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "idle-monitor/core/defaults.h"
#include "idle-monitor/io/monitor.h"
#include "lib/base/log.h"
#include "lib/config/config.h"
#include "lib/http/admin.h"
#include "lib/http/metrics.h"
#include "lib/kube/client/refusal.h"
#include "lib/program/json_memory.h"
#include "lib/program/process.h"
#include "lib/program/program.h"

enum {
	STOP_LEASE_MS = 5000,
	STOP_MARGIN_MS = 2000,
	STOP_BACKOFF_MS = 500,
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

struct idle_monitor {
	struct settings set;
	struct program program;
	struct monitor *monitor; /* NULL until it is started */
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
	int result = config_load(&program, argc, argv, ret_config, err);

	if (result != 0)
		return result;
	if ((*s->activators != NULL) == (s->activator_service != NULL))
		return err_set(err, ERR_INVALID, 0, "want one of activators and activatorService");
	return defaults_parse(&s->defaults, (const char *const *)s->namespaces, year_ms, err);
}

static const char *why_not_ready(void *arg)
{
	const struct idle_monitor *m = arg;

	return m->monitor != NULL && monitor_is_synced(m->monitor)
	               ? NULL
	               : "containers or activators are not known yet";
}

static bool on_admin(void *arg, const struct admin_request *req)
{
	const struct idle_monitor *m = arg;
	json_t *body;
	char *text;

	if (strcmp(req->method, "GET") != 0 || strcmp(req->path, "/v1/decisions") != 0)
		return false;
	body = m->monitor != NULL ? monitor_describe(m->monitor) : NULL;
	text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
	admin_reply(req->reply, text != NULL ? 200 : 503, text);
	free(text);
	json_decref(body);
	return true;
}

static bool is_leading(void *arg)
{
	const struct idle_monitor *m = arg;

	return program_is_leading(&m->program);
}

static void on_leader(void *arg, bool leading)
{
	struct idle_monitor *m = arg;

	(void)leading;
	monitor_evaluate(m->monitor);
}

/* What it has begun is not ended any more by a process that goes. */
static void on_end(void *arg, int signal)
{
	struct idle_monitor *m = arg;

	log_event(LOG_INFO, "monitor.ending", log_i64("signal", signal));
	if (m->monitor != NULL)
		monitor_cancel(m->monitor);
}

static int start_admin(struct idle_monitor *m, struct err *err)
{
	const struct admin_opts opts = {
	        .listen = m->set.admin_listen,
	        .token_file = m->set.admin_token_file,
	        .metrics = m->program.metrics,
	        .why_not_ready = why_not_ready,
	        .trouble = refusals_text,
	        .on_request = on_admin,
	        .arg = m,
	};

	return admin_new(m->program.base, &opts, &m->program.admin, err);
}

static int start_monitor(struct idle_monitor *m, struct err *err)
{
	const struct settings *s = &m->set;
	const struct monitor_opts opts = {
	        .client = m->program.client,
	        .recorder = m->program.recorder,
	        .metrics = m->program.metrics,
	        .activators = (const char *const *)s->activators,
	        .activator_service = s->activator_service,
	        .activator_key_file = s->activator_key_file,
	        .activator_token_file = s->activator_token_file,
	        .scrape_interval_ms = s->scrape_interval_ms,
	        .defaults = &s->defaults,
	        .limits = {STOP_LEASE_MS, STOP_MARGIN_MS, STOP_BACKOFF_MS},
	        .is_leading = is_leading,
	        .arg = m,
	};

	return monitor_new(m->program.base, &opts, &m->monitor, err);
}

static int idle_monitor_start(struct idle_monitor *m, const struct program_opts *opts,
                              struct err *err)
{
	const struct program_lease lease = {m->set.leader_elect, m->set.leader_namespace,
	                                    m->set.leader_name};

	if (program_open(&m->program, opts, err) < 0)
		return -1;
	m->program.leading = metrics_gauge(m->program.metrics, "sc_idle_monitor_leader",
	                                   "1 while this process may act.", NULL);
	if (start_admin(m, err) < 0)
		return -1;
	if (program_connect(&m->program, m->set.kubeconfig, m->set.context, err) < 0)
		return -1;
	if (start_monitor(m, err) < 0)
		return -1;
	return program_lead(&m->program, &lease, err);
}

static void idle_monitor_done(struct idle_monitor *m)
{
	monitor_free(m->monitor);
	program_close(&m->program);
}

int main(int argc, char **argv)
{
	static struct idle_monitor m;
	const struct program_opts opts = {
	        .name = "sc-idle-monitor", .on_leader = on_leader, .on_end = on_end, .arg = &m};
	struct config *config = NULL;
	struct err err = {0};
	int result = settings_load(&m.set, argc, argv, &config, &err);

	if (result < 0) {
		(void)fprintf(stderr, "sc-idle-monitor: %s\n", err.text);
		config_free(config);
		return 2;
	}
	if (result > 0)
		return 0;
	process_start();
	json_memory_or_end();
	result = idle_monitor_start(&m, &opts, &err);
	if (result < 0)
		log_event(LOG_ERROR, "monitor.start_failed", log_err(&err));
	else if (program_run(&m.program) < 0)
		log_event(LOG_ERROR, "monitor.loop_failed",
		          log_str("identity", m.program.identity));
	idle_monitor_done(&m);
	config_free(config);
	return result < 0 ? 1 : 0;
}
