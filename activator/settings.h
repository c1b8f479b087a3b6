/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings - the options of sc-activator: file, environment and flags
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "activator/core/trust.h"
#include "activator/proxy/proxy.h"
#include "lib/base/err.h"
#include "lib/config/config.h"

struct settings {
	const char **listen, **listen_public;
	const char **domains, *cluster_domain;
	const char *kubeconfig;
	const char *admin_listen;
	const char *admin_token_file;
	const char *idle_monitor_key_file;
	uint64_t lost_watch_timeout_ms;
	const char *identity;
	uint64_t connections_max;
	uint64_t connections_memory, connections_per_address;
	uint64_t min_rate, min_rate_grace_ms;
	uint64_t held_requests_max;
	uint64_t held_bytes_max;
	uint64_t idle_timeout_ms;
	uint64_t head_timeout_ms;
	uint64_t response_timeout_ms;
	uint64_t drain_timeout_ms, shutdown_delay_ms;
	uint64_t hold_timeout_max_ms, hold_share_pct;
	uint64_t wakes_per_s, wakes_burst;
	uint64_t namespace_wakes_per_s, namespace_wakes_burst;
	uint64_t node_wakes_per_s, node_wakes_burst;
	uint64_t hold_timeout_ms, pending_requests_max, pending_bytes_max;
	bool access_log;
	struct trust trusted; /* proxies */
	struct trust details; /* clients that are told in full */
};

/**
 * settings_load() - config_load() with the program's options, and the same outcomes
 * @ret_config: owns the texts; in an error set as well, once the options could be read
 */
int settings_load(int argc, char **argv, struct settings *ret_settings, struct config **ret_config,
                  struct err *err);
