/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gone - whether an activator that left its Service's endpoints has surely ended
 */
#include "idle-monitor/core/gone.h"

#include <string.h>

#include "lib/kube/client/object.h"

/* A Pod that says nothing of its addresses may have any. */
static bool has_address(const json_t *pod, const char *address)
{
	const json_t *ips = json_at(pod, "status", "podIPs", NULL);
	const char *first = json_str_at(pod, "", "status", "podIP", NULL);
	const json_t *ip;
	size_t i;

	if (*first == '\0' || strcmp(first, address) == 0)
		return true;
	json_array_foreach(ips, i, ip) {
		if (strcmp(json_str_at(ip, "", "ip", NULL), address) == 0)
			return true;
	}
	return false;
}

const char *gone_pod(const json_t *pod, const char *uid, const char *address)
{
	const char *phase = json_str_at(pod, "", "status", "phase", NULL);

	if (strcmp(kube_uid(pod), uid) != 0)
		return "another Pod has its name";
	if (strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0)
		return "its Pod has ended";
	if (!has_address(pod, address))
		return "its Pod has another address";
	return NULL;
}
