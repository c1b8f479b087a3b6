/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner_node - keeps the Node object: made once, its Ready condition renewed
 */
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"
#include "local/runner/io/runner_private.h"

static json_t *capacity(void)
{
	char cpu[24], memory[32];
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	(void)snprintf(cpu, sizeof cpu, "%ld", sysconf(_SC_NPROCESSORS_ONLN));
	(void)snprintf(memory, sizeof memory, "%ldKi", pages / 1024 * page);
	return json_pack("{s:s, s:s, s:s}", "cpu", cpu, "memory", memory, "pods", "1000");
}

static json_t *node_status(const struct runner *r, const json_t *old)
{
	const json_t *old_conditions = json_at(old, "status", "conditions", NULL);
	json_t *conditions = old_conditions ? json_deep_copy(old_conditions) : json_array();
	char now[NUM_RFC3339_BYTES];
	struct utsname name = {0};
	json_t *ready;

	(void)uname(&name);
	(void)kube_condition_set(
	        conditions,
	        &(struct kube_condition_words){"Ready", true, "RunnerReady", "Podman answers"}, 0,
	        clk_wall_ms());
	ready = json_array_get(conditions, 0);
	json_object_set_new(ready, "lastHeartbeatTime",
	                    json_string(num_format_rfc3339(clk_wall_ms(), false, now)));
	return json_pack("{s:{s:o, s:[{s:s, s:s}, {s:s, s:s}], s:o, s:o, s:{s:s, s:s, s:s, s:s, "
	                 "s:s}}}",
	                 "status", "conditions", conditions, "addresses", "type", "InternalIP",
	                 "address", network_gateway(r->network), "type", "Hostname", "address",
	                 r->opts.node_name, "capacity", capacity(), "allocatable", capacity(),
	                 "nodeInfo", "kernelVersion", name.release, "operatingSystem", "linux",
	                 "architecture", name.machine, "kubeletVersion", "sc-local " SC_VERSION,
	                 "containerRuntimeVersion", "podman");
}

void runner_node_update(struct runner *r)
{
	const char *name = r->opts.node_name;
	const struct registry_ref ref = {.type = &KUBE_NODES, .name = name};
	const struct registry_ref its_status = {
	        .type = &KUBE_NODES, .name = name, .subresource = "status"};
	json_t *node = NULL, *status, *out = NULL;
	struct err err;
	int result = registry_get(r->registry, &ref, &node, &err);

	if (result < 0 && err.code == ERR_NOT_FOUND) {
		json_t *fresh =
		        json_pack("{s:s, s:s, s:{s:s, s:{s:s, s:s}}}", "apiVersion", "v1", "kind",
		                  "Node", "metadata", "name", name, "labels",
		                  "kubernetes.io/hostname", name, "kubernetes.io/os", "linux");

		result = registry_create(r->registry, &ref, fresh, &node, &err);
		json_decref(fresh);
	}
	if (result == 0) {
		status = node_status(r, node);
		result = registry_merge_patch(r->registry, &its_status, status, &out, &err);
		json_decref(status);
	}
	if (result < 0)
		log_event(LOG_WARN, "node.update_failed", log_err(&err));
	json_decref(node);
	json_decref(out);
}
