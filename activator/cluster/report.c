/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report - publishes the data path's counters as Prometheus metrics
 */
#include "activator/cluster/report.h"

#include <stdio.h>

#include "activator/net/account.h"
#include "lib/base/cleanup.h"

static const double bounds[] = {0.001, 0.005, 0.025, 0.1, 0.25, 0.5,        1,
                                2.5,   5,     10,    30,  60,   METRICS_INF};

void report_init(struct report *r)
{
	static const char *const request_labels[] = {"code", "reason", NULL};
	static const char *const wake_labels[] = {"result", NULL};
	static const char *const stage_labels[] = {"stage", NULL};
	static const char *const memory_labels[] = {"in", NULL};
	struct metrics *m = metrics_new();

	r->metrics = m;
	r->requests = metrics_counter(m, "sc_activator_requests_total",
	                              "Requests that ended, by status and reason", request_labels);
	r->wakes = metrics_counter(m, "sc_activator_wakes_total", "Wakes asked of the API",
	                           wake_labels);
	r->held = metrics_gauge(m, "sc_activator_held_requests", "Requests that wait now", NULL);
	r->hold_seconds = metrics_histogram(m, "sc_activator_hold_seconds",
	                                    "How long released requests had waited", NULL, bounds);
	r->stage_seconds =
	        metrics_histogram(m, "sc_activator_wake_stage_seconds",
	                          "Time up to each stage of a wake", stage_labels, bounds);
	r->clients = metrics_gauge(m, "sc_activator_client_connections",
	                           "Open connections of clients", NULL);
	r->upstreams = metrics_gauge(m, "sc_activator_upstream_connections",
	                             "Open connections to containers", NULL);
	r->upstreams_opened = metrics_counter(m, "sc_activator_upstream_dials_total",
	                                      "Connections dialled to containers", NULL);
	r->unsolicited =
	        metrics_counter(m, "sc_activator_upstream_unsolicited_total",
	                        "Idle connections closed for bytes that nobody asked for", NULL);
	r->retries = metrics_counter(m, "sc_activator_retries_total",
	                             "Requests that were queued again", NULL);
	r->memory = metrics_gauge(m, "sc_activator_connections_memory_bytes",
	                          "What connections take, by where", memory_labels);
	r->memory_max = metrics_gauge(m, "sc_activator_connections_memory_max_bytes",
	                              "What connections may take together", NULL);
}

void report_done(struct report *r)
{
	metrics_free(r->metrics);
}

static void publish_requests(struct report *r, const struct proxy_stats *s)
{
	for (unsigned i = 100; i < PROXY_STATUS_MAX; i++) {
		char code[16];
		const char *values[] = {code, end_reason_label(END_OK)};

		if (s->answered[i] == r->last.answered[i])
			continue;
		(void)snprintf(code, sizeof code, "%u", i);
		metric_add(r->requests, values, (double)(s->answered[i] - r->last.answered[i]));
	}
	for (enum end_reason e = END_OK + 1; e < END_REASONS_COUNT; e++) {
		char code[16];
		const char *values[] = {code, end_reason_label(e)};

		if (s->ended[e] == r->last.ended[e])
			continue;
		(void)snprintf(code, sizeof code, "%u", end_reason_status(e));
		metric_add(r->requests, values, (double)(s->ended[e] - r->last.ended[e]));
	}
}

static void publish_memory(struct report *r)
{
	static const char *const names[ACCOUNT_KINDS_COUNT] = {
	        [ACCOUNT_BUFFERS] = "buffers",
	        [ACCOUNT_SOCKETS] = "sockets",
	};

	for (enum account_kind k = 0; k < ACCOUNT_KINDS_COUNT; k++)
		metric_set(r->memory, &names[k], (double)account_bytes(k));
	metric_set(r->memory_max, NULL, (double)account_max());
}

void report_publish(struct report *r, struct proxy *p)
{
	const struct proxy_stats *s = proxy_stats(p);

	publish_requests(r, s);
	metric_set(r->held, NULL, proxy_held_count(p));
	metric_set(r->clients, NULL, s->clients_count);
	publish_memory(r);
	metric_set(r->upstreams, NULL, s->upstreams_count);
	metric_add(r->upstreams_opened, NULL,
	           (double)(s->upstreams_opened - r->last.upstreams_opened));
	metric_add(r->unsolicited, NULL,
	           (double)(s->upstreams_unsolicited - r->last.upstreams_unsolicited));
	metric_add(r->retries, NULL, (double)(s->retries - r->last.retries));
	r->last = *s;
}

void report_stage(struct report *r, enum proxy_stage stage, uint64_t ms)
{
	static const char *const names[PROXY_STAGES_COUNT] = {
	        [PROXY_STAGE_PATCH] = "patch",
	        [PROXY_STAGE_READY] = "ready",
	        [PROXY_STAGE_DIAL] = "dial",
	        [PROXY_STAGE_FIRST_BYTE] = "first_byte",
	};

	if (stage == PROXY_STAGE_HOLD)
		metric_observe(r->hold_seconds, NULL, (double)ms / 1000.0);
	else
		metric_observe(r->stage_seconds, &names[stage], (double)ms / 1000.0);
}
