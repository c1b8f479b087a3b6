/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance_prefix - where below a node's folders an instance's root filesystem is
 */
#include <string.h>

#include "agent/io/instance.h"
#include "lib/api/names.h"
#include "lib/kube/client/object.h"

const char *instance_find_prefix(const struct instance *inst)
{
	const char *wanted = json_str_at(inst->object, SC_HOST_PATH_PREFIX_DEFAULT, "spec",
	                                 "hostPathPrefix", NULL);
	const char *made = json_str_at(inst->object, "", "status", "rootfs", "hostPath", NULL);
	const char *found = NULL;

	for (const char **p = inst->agent->config->host_path_prefixes; *p != NULL; p++) {
		size_t len = strlen(*p);

		if (strncmp(made, *p, len) == 0 && made[len] == '/')
			return *p;
		if (strcmp(*p, wanted) == 0)
			found = *p;
	}
	return found;
}

void instance_prefix_refusal(const struct instance *inst, char *text, size_t size)
{
	size_t at = (size_t)snprintf(text, size,
	                             "hostPathPrefix \"%.200s\" is not allowed on node %s; its "
	                             "--host-path-prefixes are:",
	                             json_str_at(inst->object, SC_HOST_PATH_PREFIX_DEFAULT, "spec",
	                                         "hostPathPrefix", NULL),
	                             inst->agent->config->node_name);

	for (const char **p = inst->agent->config->host_path_prefixes; *p && at < size; p++)
		at += (size_t)snprintf(text + at, size - at, " %s", *p);
}
