/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meter - the controller's metrics
 */
#include "controller/io/meter.h"

#include <assert.h>

#include "lib/http/metrics.h"

struct meter {
	struct metric *reconciles, *seconds, *containers, *stages, *depth;
};

struct meter *meter_new(struct metrics *metrics)
{
	static const double seconds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,        0.25,
	                                 0.5,   1,      2.5,   5,    10,    30,   METRICS_INF};
	static const char *const result[] = {"result", NULL};
	static const char *const phase[] = {"phase", NULL};
	static const char *const stage[] = {"stage", NULL};
	struct meter *m = calloc(1, sizeof *m);

	if (m == NULL)
		return NULL;
	m->reconciles = metrics_counter(metrics, "sc_controller_reconciles_total",
	                                "Plans that were carried out.", result);
	m->seconds = metrics_histogram(metrics, "sc_controller_reconcile_seconds",
	                               "From making a plan to the last answer of its calls.", NULL,
	                               seconds);
	m->containers = metrics_gauge(metrics, "sc_controller_containers",
	                              "StoppableContainers by phase.", phase);
	m->stages = metrics_histogram(metrics, "sc_controller_wake_stage_seconds",
	                              "From seeing that a container is to run to each stage.",
	                              stage, seconds);
	m->depth = metrics_gauge(metrics, "sc_controller_queue_depth",
	                         "Containers that wait to be looked at.", NULL);
	return m;
}

void meter_free(struct meter *m)
{
	free(m);
}

void meter_plan(struct meter *m, uint64_t took_us, bool has_failed)
{
	const char *const values[] = {has_failed ? "failed" : "done"};

	metric_add(m->reconciles, values, 1);
	metric_observe(m->seconds, NULL, (double)took_us / 1e6);
}

void meter_depth(struct meter *m, size_t depth)
{
	metric_set(m->depth, NULL, (double)depth);
}

static void count_phase(struct meter *m, struct meter_entry *e, enum phase phase)
{
	if (e->phase == phase)
		return;
	if (e->phase != PHASE_UNSET) {
		const char *const old_values[] = {status_phase_name(e->phase)};

		metric_add(m->containers, old_values, -1);
	}
	if (phase != PHASE_UNSET) {
		const char *const new_values[] = {status_phase_name(phase)};

		metric_add(m->containers, new_values, 1);
	}
	e->phase = phase;
}

void meter_stage(struct meter *m, struct meter_entry *e, const struct plan *plan, uint64_t now_ms)
{
	static const char *const names[] = {"none",        "wanted",  "created",
	                                    "handed_over", "started", "running"};

	assert(plan->stage < ARRAY_LEN(names));
	count_phase(m, e, plan->phase);
	if (plan->stage == PLAN_STAGE_NONE) {
		e->wanted_ms = 0;
	} else if (e->stage == PLAN_STAGE_NONE) {
		e->wanted_ms = now_ms;
	} else if (plan->stage > e->stage && e->wanted_ms != 0) {
		const char *const values[] = {names[plan->stage]};

		metric_observe(m->stages, values, (double)(now_ms - e->wanted_ms) / 1e3);
	}
	if (plan->stage == PLAN_STAGE_RUNNING)
		e->wanted_ms = 0; /* what follows is a restart by the kubelet */
	e->stage = plan->stage;
}

void meter_forget(struct meter *m, struct meter_entry *e)
{
	count_phase(m, e, PHASE_UNSET);
}
