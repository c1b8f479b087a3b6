/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings - the options of sc-activator: file, environment and flags
 */
#include "activator/settings.h"

#include <string.h>

#include "lib/base/cleanup.h"

/* Where the options of the table go. */
static struct settings values;
static const char *answer_details;
static const char **trusted_proxies;

static const struct config_option options[] = {
        {"listen", CONFIG_LIST, &values.listen, "127.0.0.1:8080", 0, 0,
         "address:port for clients; repeatable"},
        {"listenPublic", CONFIG_LIST, &values.listen_public, NULL, 0, 0,
         "the same for strangers: no NAME.NAMESPACE alone, and none below svc"},
        {"domains", CONFIG_LIST, &values.domains, "localhost", 0, 0,
         "domains below which NAME.NAMESPACE is answered for"},
        {"clusterDomain", CONFIG_STR, &values.cluster_domain, "cluster.local", 0, 0,
         "domain of Services: NAME.NAMESPACE.svc.DOMAIN is answered for"},
        {"kubeconfig", CONFIG_STR, &values.kubeconfig, NULL, 0, 0,
         "kubeconfig file; default: $KUBECONFIG, in-cluster, ~/.kube/config"},
        {"adminListen", CONFIG_STR, &values.admin_listen, "127.0.0.1:9091", 0, 0,
         "address:port of the admin server"},
        {"adminTokenFile", CONFIG_STR, &values.admin_token_file, NULL, 0, 0,
         "file with the admin server's bearer token"},
        {"idleMonitorKeyFile", CONFIG_STR, &values.idle_monitor_key_file, NULL, 0, 0,
         "file with the key that it shares; the token is for /metrics alone then"},
        {"identity", CONFIG_STR, &values.identity, NULL, 0, 0, "in wakes; default: random"},
        {"connections.max", CONFIG_U64, &values.connections_max, "8000", 1, 1000000,
         "client connections; lowered at the start to what memory and files allow"},
        {"connections.memory", CONFIG_SIZE, &values.connections_memory, "0", 0, 0,
         "bytes of all connections; 0: 60 % of the memory limit, or a quarter of memory"},
        {"connections.maxPerAddress", CONFIG_U64, &values.connections_per_address, "0", 0, 1000000,
         "connections from one address or /64 of IPv6; 0: any number"},
        {"minRate.bytesPerSecond", CONFIG_U64, &values.min_rate, "240", 0, 1000000000,
         "slower heads and bodies get 408, slower readers are cut off; 0: no minimum"},
        {"minRate.grace", CONFIG_DURATION, &values.min_rate_grace_ms, "10s", 1000, 3600000,
         "the minimum rate is looked at over so long"},
        {"heldRequests.max", CONFIG_U64, &values.held_requests_max, "4000", 1, 1000000,
         "requests held for all containers together"},
        {"heldBytes.max", CONFIG_SIZE, &values.held_bytes_max, "64Mi", 1, 0,
         "bytes held for all containers together"},
        {"hold.timeout", CONFIG_DURATION, &values.hold_timeout_ms, "60s", 1, 86400000,
         "hold a request so long (504), where the manifest says nothing"},
        {"hold.maxPendingRequests", CONFIG_U64, &values.pending_requests_max, "1000", 1, 100000,
         "requests held for one container, where the manifest says nothing"},
        {"hold.maxPendingBytes", CONFIG_SIZE, &values.pending_bytes_max, "16Mi", 1, 0,
         "bytes held for one container, where the manifest says nothing"},
        {"hold.timeoutMax", CONFIG_DURATION, &values.hold_timeout_max_ms, "10m", 1, 86400000,
         "the longest hold that a manifest may ask for"},
        {"hold.sharePercent", CONFIG_U64, &values.hold_share_pct, "25", 1, 100,
         "of heldRequests.max and heldBytes.max, what one container may have at most"},
        {"wakes.perSecond", CONFIG_U64, &values.wakes_per_s, "50", 0, 1000000,
         "containers woken for requests, in all (503); 0: no limit"},
        {"wakes.burst", CONFIG_U64, &values.wakes_burst, "500", 1, 1000000, "so many at once"},
        {"wakes.namespacePerSecond", CONFIG_U64, &values.namespace_wakes_per_s, "10", 0, 1000000,
         "containers woken for requests, of one namespace (503); 0: no limit"},
        {"wakes.namespaceBurst", CONFIG_U64, &values.namespace_wakes_burst, "200", 1, 1000000,
         "so many at once of one namespace, after a quiet while"},
        {"wakes.nodePerSecond", CONFIG_U64, &values.node_wakes_per_s, "10", 0, 1000000,
         "the same of one node, and half of it of one namespace on it (503); 0: no limit"},
        {"wakes.nodeBurst", CONFIG_U64, &values.node_wakes_burst, "60", 1, 1000000,
         "so many at once on one node, after a quiet while"},
        {"idleTimeout", CONFIG_DURATION, &values.idle_timeout_ms, "75s", 1, 3600000,
         "a client connection without a request is closed"},
        {"headTimeout", CONFIG_DURATION, &values.head_timeout_ms, "30s", 1, 3600000,
         "a request's head must arrive within (408)"},
        {"responseTimeout", CONFIG_DURATION, &values.response_timeout_ms, "300s", 1, 86400000,
         "no byte from or to a container ends a request (504)"},
        {"drainTimeout", CONFIG_DURATION, &values.drain_timeout_ms, "30s", 1, 3600000,
         "requests may go on so long after SIGTERM and the shutdown delay"},
        {"shutdownDelay", CONFIG_DURATION, &values.shutdown_delay_ms, "0s", 0, 3600000,
         "after SIGTERM not ready, but new connections are still taken for so long"},
        {"lostWatchTimeout", CONFIG_DURATION, &values.lost_watch_timeout_ms, "10m", 0, 86400000,
         "503 after so long without a watch: addresses may be others' by now; 0s: never"},
        {"trustedProxies", CONFIG_LIST, &trusted_proxies, "private", 0, 0,
         "addresses, ranges, \"private\" or \"none\": whose X-Forwarded-* go on"},
        {"answerDetails", CONFIG_STR, &answer_details, "none", 0, 0,
         "\"none\", \"loopback\" or \"all\": who is told in a 503 or 504 why, in full"},
        {"accessLog", CONFIG_BOOL, &values.access_log, "false", 0, 0, "log each request"},
};

static int details_parse(const char *text, struct trust *ret_details, struct err *err)
{
	static const struct {
		const char *name;
		const char *ranges[3];
	} rows[] = {
	        {"none", {NULL}},
	        {"loopback", {"127.0.0.0/8", "::1", NULL}},
	        {"all", {"::/0", NULL}}, /* v4 too: it is mapped */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(text, rows[i].name) == 0)
			return trust_parse(rows[i].ranges, ret_details, err);
	return err_set(err, ERR_PARSE, 0, "answer-details \"%s\": want none, loopback or all",
	               text);
}

int settings_load(int argc, char **argv, struct settings *ret_settings, struct config **ret_config,
                  struct err *err)
{
	const struct config_program program = {
	        .name = "sc-activator",
	        .synopsis = "Hold HTTP requests for sleeping containers, and wake them.",
	        .options = options,
	        .options_count = ARRAY_LEN(options),
	};
	int result = config_load(&program, argc, argv, ret_config, err);

	if (result != 0)
		return result;
	if (details_parse(answer_details, &values.details, err) < 0)
		return -1;
	if (trust_parse((const char *const *)trusted_proxies, &values.trusted, err) < 0)
		return err_wrap(err, "trusted-proxies");
	*ret_settings = values;
	return 0;
}
