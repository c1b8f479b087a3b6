/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/core/service.h"

#include <arpa/inet.h>
#include <string.h>

#include "controller/core/pods.h"
#include "lib/api/names.h"
#include "lib/base/num.h"

static int parse_one(const char *text, struct service_target *target, struct err *err)
{
	const char *colon = strrchr(text, ':');
	bool is_ipv6 = *text == '[';
	const char *host = is_ipv6 ? text + 1 : text;
	const char *end = is_ipv6 ? strchr(text, ']') : colon;
	char address[SERVICE_ADDRESS_BYTES];
	unsigned char binary[16];
	uint64_t port = 0;

	if (colon == NULL || end == NULL || end > colon || (size_t)(end - host) >= sizeof address)
		return err_set(err, ERR_PARSE, 0, "activator address \"%s\": want IP:PORT", text);
	memcpy(address, host, (size_t)(end - host));
	address[end - host] = '\0';
	if (inet_pton(is_ipv6 ? AF_INET6 : AF_INET, address, binary) != 1)
		return err_set(err, ERR_PARSE, 0, "activator address \"%s\": not an IP address",
		               text);
	if (num_parse_u64(colon + 1, 1, UINT16_MAX, &port, err) < 0)
		return err_wrap(err, "activator address \"%s\"", text);
	if (target->count > 0 && (target->port != port || target->is_ipv6 != is_ipv6))
		return err_set(err, ERR_INVALID, 0,
		               "activator address \"%s\": all need one port and one address family",
		               text);
	if (target->count == SERVICE_ADDRESSES_MAX)
		return err_set(err, ERR_INVALID, 0, "more than %d activator addresses",
		               SERVICE_ADDRESSES_MAX);
	memcpy(target->addresses[target->count++], address, sizeof address);
	target->port = (uint16_t)port;
	target->is_ipv6 = is_ipv6;
	return 0;
}

int service_target_parse(const char *const *list, struct service_target *ret_target,
                         struct err *err)
{
	struct service_target target = {0};

	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		if (parse_one(list[i], &target, err) < 0)
			return -1;
	*ret_target = target;
	return 0;
}

const char *service_name(const struct resource *r)
{
	const char *name = r->activation.service_name;

	return name != NULL && *name != '\0' ? name : r->name;
}

json_t *service_make(const struct resource *r, const struct service_target *target)
{
	return json_pack("{s:s,s:s,s:o,s:{s:s,s:[{s:s,s:s,s:i,s:i}]}}", "apiVersion", "v1", "kind",
	                 "Service", "metadata",
	                 pods_metadata(r, service_name(r), NULL, r->object, "StoppableContainer"),
	                 "spec", "type", "ClusterIP", "ports", "name", "http", "protocol", "TCP",
	                 "port", (int)r->activation.port, "targetPort", (int)target->port);
}

json_t *service_make_slice(const struct resource *r, const struct service_target *target)
{
	json_t *meta = pods_metadata(r, service_name(r), NULL, r->object, "StoppableContainer");
	json_t *labels = json_object_get(meta, "labels");
	json_t *addresses = json_array();

	(void)json_object_set_new(labels, "kubernetes.io/service-name",
	                          json_string(service_name(r)));
	(void)json_object_set_new(labels, "endpointslice.kubernetes.io/managed-by",
	                          json_string(SC_MANAGED_BY));
	for (size_t i = 0; i < target->count; i++)
		(void)json_array_append_new(addresses, json_pack("{s:[s],s:{s:b}}", "addresses",
		                                                 target->addresses[i], "conditions",
		                                                 "ready", 1));
	return json_pack("{s:s,s:s,s:o,s:s,s:o,s:[{s:s,s:s,s:i}]}", "apiVersion",
	                 "discovery.k8s.io/v1", "kind", "EndpointSlice", "metadata", meta,
	                 "addressType", target->is_ipv6 ? "IPv6" : "IPv4", "endpoints", addresses,
	                 "ports", "name", "http", "protocol", "TCP", "port", (int)target->port);
}
