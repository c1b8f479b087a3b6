/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-activator - holds requests for sleeping containers, wakes them, and passes the requests on
 */
#include <event2/event.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "activator/cluster/api.h"
#include "activator/cluster/cluster.h"
#include "activator/cluster/report.h"
#include "activator/net/account.h"
#include "activator/net/memory_limit.h"
#include "activator/proxy/proxy.h"
#include "activator/settings.h"
#include "lib/base/clk.h"
#include "lib/base/fds.h"
#include "lib/base/log.h"
#include "lib/config/config.h"
#include "lib/http/admin.h"
#include "lib/kube/client/client.h"
#include "lib/kube/client/kubeconfig.h"
#include "lib/kube/client/refusal.h"
#include "lib/program/process.h"
#include "lib/program/trim.h"

/* Started anew it asks the API first: who comes meanwhile waits in the kernel's queue, so long. */
enum { PUBLISH_MS = 500, INSTANCE_BYTES = 8, ACCEPT_LATEST_S = 5 };

struct program {
	struct settings settings;
	struct config *config;
	struct event_base *base;
	struct kubeconfig *kubeconfig;
	struct kube_client *client;
	struct cluster *cluster;
	struct proxy *proxy;
	struct admin *admin;
	struct api api;
	struct report report;
	struct event *publish;
	struct event *accept;
	struct event *delay; /* after SIGTERM, until it drains */
	bool is_ending;
	struct event *term;
	struct event *interrupt;
	char instance[2 * INSTANCE_BYTES + 1];
};

static void on_stage(void *arg, enum proxy_stage stage, uint64_t ms)
{
	struct program *p = arg;

	report_stage(&p->report, stage, ms);
}

static struct target *on_route(void *arg, const char *host, bool is_public,
                               enum end_reason *ret_reason)
{
	struct program *p = arg;

	return cluster_route(p->cluster, host, is_public, ret_reason);
}

static const char *why_not_ready(void *arg)
{
	struct program *p = arg;

	if (p->is_ending)
		return "it is shutting down";
	return cluster_is_synced(p->cluster) ? NULL : "the caches are not filled yet";
}

static bool on_admin(void *arg, const struct admin_request *req)
{
	struct program *p = arg;

	return api_on_request(&p->api, req);
}

static void on_publish(evutil_socket_t fd, short what, void *arg)
{
	struct program *p = arg;

	report_publish(&p->report, p->proxy);
}

static void on_drained(void *arg)
{
	struct program *p = arg;

	(void)event_base_loopbreak(p->base);
}

static void on_delayed(evutil_socket_t fd, short what, void *arg)
{
	struct program *p = arg;

	(void)event_del(p->delay);
	log_event(LOG_INFO, "activator.draining",
	          log_u64("timeout_ms", p->settings.drain_timeout_ms));
	proxy_drain(p->proxy, p->settings.drain_timeout_ms, on_drained, p);
}

/* Not ready at once, so that nobody is sent here any more; a second signal waits for nothing. */
static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct program *p = arg;
	const struct timeval delay = clk_timeval(p->settings.shutdown_delay_ms);

	log_event(LOG_INFO, "activator.ending", log_i64("signal", number));
	if (p->is_ending || p->settings.shutdown_delay_ms == 0)
		on_delayed(-1, 0, p);
	else
		(void)event_add(p->delay, &delay);
	p->is_ending = true;
}

static void on_synced(void *arg)
{
	struct program *p = arg;

	proxy_accept(p->proxy);
}

static void on_accept_latest(evutil_socket_t fd, short what, void *arg)
{
	on_synced(arg);
}

static int open_cluster(struct program *p, struct err *err)
{
	const struct settings *s = &p->settings;
	const struct cluster_opts opts = {
	        .identity = s->identity ? s->identity : p->instance,
	        .domains = s->domains,
	        .cluster_domain = s->cluster_domain,
	        .limits = {.held = {(uint32_t)s->pending_requests_max,
	                            (size_t)s->pending_bytes_max},
	                   .hold_timeout_ms = s->hold_timeout_ms},
	        .held = {(uint32_t)s->held_requests_max, (size_t)s->held_bytes_max},
	        .share_pct = (unsigned)s->hold_share_pct,
	        .hold_timeout_max_ms = s->hold_timeout_max_ms,
	        .lost_max_ms = s->lost_watch_timeout_ms,
	        .wakes_total = p->report.wakes,
	        .on_synced = on_synced,
	        .arg = p};
	struct cluster_opts with_client = opts;

	if (kubeconfig_load(s->kubeconfig, NULL, &p->kubeconfig, err) < 0 ||
	    kube_client_new(p->base, p->kubeconfig, "sc-activator/" SC_VERSION, &p->client, err) <
	            0)
		return -1;
	with_client.client = p->client;
	p->cluster = cluster_new(p->base, &with_client, err);
	return p->cluster ? cluster_start(p->cluster, p->proxy, err) : -1;
}

/* How many connections there may be is no promise without memory and descriptors for them. */
static uint32_t connections_that_fit(struct settings *s)
{
	uint32_t wanted = (uint32_t)s->connections_max;
	uint32_t fit;

	if (s->connections_memory == 0)
		s->connections_memory = budget_bytes(memory_limit_of_cgroup(), memory_of_machine());
	account_set_max((size_t)s->connections_memory);
	fit = budget_connections((size_t)s->connections_memory, fds_for_clients(), wanted);
	if (fit < wanted)
		log_event(LOG_WARN, "activator.connections_lowered",
		          log_u64("connections_max", wanted), log_u64("now", fit),
		          log_u64("connections_memory", s->connections_memory),
		          log_u64("descriptors", fds_for_clients()),
		          log_str("do", "raise the limit of memory or of descriptors, or lower "
		                        "connections.max"));
	return fit;
}

static int open_proxy(struct program *p, struct err *err)
{
	struct settings *s = &p->settings;
	struct proxy_opts opts = {
	        .connections_max = connections_that_fit(s),
	        .connections_of_address_max = (uint32_t)s->connections_per_address,
	        .pace = {s->min_rate, s->min_rate_grace_ms},
	        .held = {(uint32_t)s->held_requests_max, (size_t)s->held_bytes_max},
	        .wakes = {.all = {(uint32_t)s->wakes_per_s, (uint32_t)s->wakes_burst},
	                  .of_namespace = {(uint32_t)s->namespace_wakes_per_s,
	                                   (uint32_t)s->namespace_wakes_burst},
	                  .of_node = {(uint32_t)s->node_wakes_per_s,
	                              (uint32_t)s->node_wakes_burst}},
	        .idle_timeout_ms = s->idle_timeout_ms,
	        .head_timeout_ms = s->head_timeout_ms,
	        .response_timeout_ms = s->response_timeout_ms,
	        .access_log = s->access_log,
	        .details = s->details,
	        .trusted = s->trusted,
	        .accept_later = true,
	        .route = on_route,
	        .on_stage = on_stage,
	        .arg = p,
	};

	return proxy_new(p->base, &opts, &p->proxy, err);
}

static int listen_on(struct program *p, const char **list, bool is_public, struct err *err)
{
	for (const char **address = list; address != NULL && *address; address++) {
		unsigned port;

		if (proxy_listen(p->proxy, *address, is_public, &port, err) < 0)
			return -1;
		log_event(LOG_INFO, is_public ? "activator.public" : "activator.listening",
		          log_str("address", *address), log_u64("port", port),
		          log_u64("admin_port", admin_port(p->admin)));
	}
	return 0;
}

static int open_listeners(struct program *p, struct err *err)
{
	const struct settings *s = &p->settings;
	const struct admin_opts admin = {.listen = s->admin_listen,
	                                 .token_file = s->admin_token_file,
	                                 .seal_key_file = s->idle_monitor_key_file,
	                                 .metrics = p->report.metrics,
	                                 .why_not_ready = why_not_ready,
	                                 .trouble = refusals_text,
	                                 .on_request = on_admin,
	                                 .arg = p};

	p->api = (struct api){p->cluster, p->instance, clk_now_ms()};
	if (admin_new(p->base, &admin, &p->admin, err) < 0)
		return -1;
	if (listen_on(p, s->listen, false, err) < 0 ||
	    listen_on(p, s->listen_public, true, err) < 0)
		return -1;
	return 0;
}

static int run(struct program *p, struct err *err)
{
	const struct timeval publish = {.tv_usec = PUBLISH_MS * 1000};
	const struct timeval accept = {.tv_sec = ACCEPT_LATEST_S};
	unsigned char random[INSTANCE_BYTES];

	if (RAND_bytes(random, sizeof random) != 1)
		return err_set(err, ERR_UNAVAILABLE, 0, "random numbers");
	for (unsigned i = 0; i < INSTANCE_BYTES; i++)
		(void)snprintf(p->instance + 2 * i, 3, "%02x", random[i]);
	process_start();
	report_init(&p->report);
	refusals_count_in(p->report.metrics);
	p->base = event_base_new();
	if (p->base == NULL)
		return err_set(err, ERR_NOMEM, 0, "event base");
	if (open_proxy(p, err) < 0 || open_cluster(p, err) < 0 || open_listeners(p, err) < 0)
		return -1;
	p->publish = event_new(p->base, -1, EV_PERSIST, on_publish, p);
	p->accept = evtimer_new(p->base, on_accept_latest, p);
	p->delay = evtimer_new(p->base, on_delayed, p);
	p->term = evsignal_new(p->base, SIGTERM, on_signal, p);
	p->interrupt = evsignal_new(p->base, SIGINT, on_signal, p);
	if (p->publish == NULL || p->accept == NULL || p->delay == NULL || p->term == NULL ||
	    p->interrupt == NULL)
		return err_set(err, ERR_NOMEM, 0, "events");
	(void)event_add(p->publish, &publish);
	(void)event_add(p->accept, &accept);
	(void)event_add(p->term, NULL);
	(void)event_add(p->interrupt, NULL);
	trim_start(p->base);
	(void)event_base_dispatch(p->base);
	return 0;
}

static void close_all(struct program *p)
{
	admin_free(p->admin);
	cluster_free(p->cluster);
	proxy_free(p->proxy);
	kube_client_free(p->client);
	kubeconfig_free(p->kubeconfig);
	for (struct event **e = (struct event *[]){p->publish, p->accept, p->delay, p->term,
	                                           p->interrupt, NULL};
	     *e; e++)
		event_free(*e);
	if (p->base)
		event_base_free(p->base);
	if (p->report.metrics)
		report_done(&p->report);
	config_free(p->config);
}

int main(int argc, char **argv)
{
	static struct program program;
	struct err err;
	int loaded = settings_load(argc, argv, &program.settings, &program.config, &err);
	int result;

	if (loaded != 0) {
		if (loaded < 0)
			(void)fprintf(stderr, "sc-activator: %s\n", err.text);
		return loaded < 0 ? 2 : 0;
	}
	result = run(&program, &err);
	if (result < 0)
		log_event(LOG_ERROR, "activator.failed", log_err(&err));
	close_all(&program);
	return result < 0 ? 1 : 0;
}
