/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor - all targets: fed by the caches, evaluated when an answer, a change or a time comes
 *
 * Every replica decides, and only the leader acts. So a new leader knows all it needs at once.
 */
#pragma once

#include <jansson.h>

#include "idle-monitor/core/stop.h"
#include "lib/base/err.h"

struct defaults;
struct event_base;
struct kube_client;
struct metrics;
struct monitor;
struct recorder;

struct monitor_opts {
	struct kube_client *client;
	struct recorder *recorder;
	struct metrics *metrics;
	const char *const *activators; /* URLs, NULL-terminated; none with activator_service */
	const char *activator_service; /* "NAMESPACE/NAME", or NULL */
	const char *activator_token_file;
	const char *activator_key_file;
	uint64_t scrape_interval_ms;
	const struct defaults *defaults;
	struct stop_limits limits;
	bool (*is_leading)(void *arg); /* now */
	void *arg;
};

int monitor_new(struct event_base *base, const struct monitor_opts *opts,
                struct monitor **ret_monitor, struct err *err);
void monitor_free(struct monitor *m);
/** monitor_is_synced() - containers and activators are known */
bool monitor_is_synced(const struct monitor *m);
/** monitor_evaluate() - all targets, now: after a change of the leadership */
void monitor_evaluate(struct monitor *m);
/** monitor_cancel() - end every attempt to stop, for an orderly end */
void monitor_cancel(struct monitor *m);
/** monitor_describe() - GET /v1/decisions. Return: new reference, NULL out of memory */
json_t *monitor_describe(const struct monitor *m);
