/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service - makes the Service of a container, whose EndpointSlices lead to the activators
 */
#include "controller/core/service.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "controller/core/pods.h"
#include "lib/api/names.h"
#include "lib/base/num.h"

/* Return: false when there is no more room */
static bool add_address(struct service_target *target, enum service_family family, const char *text)
{
	struct service_addresses *of = &target->of[family];

	if (of->count == SERVICE_ADDRESSES_MAX)
		return false;
	(void)snprintf(of->list[of->count++], sizeof of->list[0], "%s", text);
	of->is_used = true;
	return true;
}

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
	if (target->port != 0 && target->port != port)
		return err_set(err, ERR_INVALID, 0, "activator address \"%s\": all need one port",
		               text);
	target->port = (uint16_t)port;
	if (!add_address(target, is_ipv6 ? SERVICE_IPV6 : SERVICE_IPV4, address))
		return err_set(err, ERR_INVALID, 0, "more than %d activator addresses",
		               SERVICE_ADDRESSES_MAX);
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

static bool is_wanted(const struct endpoint *one, bool has_ready)
{
	return has_ready ? one->ready : one->serving;
}

static bool has_ready(const struct endpoint_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->list[i].ready)
			return true;
	return false;
}

/* Of the wanted endpoints; of all when none is wanted. 0: there is no endpoint. */
static uint16_t most_used_port(const struct endpoint_set *set, bool ready)
{
	uint16_t best = 0;
	size_t best_count = 0;

	for (size_t i = 0; i < set->count; i++) {
		size_t count = 1;

		for (size_t k = 0; k < set->count; k++)
			if (set->list[k].port == set->list[i].port &&
			    is_wanted(&set->list[k], ready))
				count++;
		if (count > best_count || (count == best_count && set->list[i].port < best)) {
			best = set->list[i].port;
			best_count = count;
		}
	}
	return best;
}

void service_target_follow(struct service_target *target, const struct endpoint_set *set)
{
	bool ready = has_ready(set);
	struct service_target next = {.port = most_used_port(set, ready)};

	for (size_t i = 0; i < set->count; i++) {
		const struct endpoint *one = &set->list[i];
		enum service_family family = one->is_ipv6 ? SERVICE_IPV6 : SERVICE_IPV4;

		next.of[family].is_used = true;
		if (one->port == next.port && is_wanted(one, ready))
			(void)add_address(&next, family, one->address);
	}
	if (next.port == 0) {
		next.port = target->port;
		for (int family = 0; family < SERVICE_FAMILIES_COUNT; family++)
			next.of[family].is_used = target->of[family].is_used;
	}
	*target = next;
}

bool service_target_equal(const struct service_target *a, const struct service_target *b)
{
	for (int family = 0; family < SERVICE_FAMILIES_COUNT; family++) {
		const struct service_addresses *one = &a->of[family];
		const struct service_addresses *other = &b->of[family];

		if (one->count != other->count || one->is_used != other->is_used)
			return false;
		for (size_t i = 0; i < one->count; i++)
			if (strcmp(one->list[i], other->list[i]) != 0)
				return false;
	}
	return a->port == b->port;
}

size_t service_target_count(const struct service_target *target)
{
	return target->of[SERVICE_IPV4].count + target->of[SERVICE_IPV6].count;
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

json_t *service_make_slice(const struct resource *r, const struct service_target *target,
                           enum service_family family)
{
	const struct service_addresses *of = &target->of[family];
	char name[PODS_NAME_BYTES];
	json_t *meta, *labels, *addresses;

	if (!of->is_used)
		return NULL;
	(void)snprintf(name, sizeof name, "%s%s", service_name(r),
	               family == SERVICE_IPV6 ? "-ipv6" : "");
	meta = pods_metadata(r, name, NULL, r->object, "StoppableContainer");
	labels = json_object_get(meta, "labels");
	addresses = json_array();
	(void)json_object_set_new(labels, "kubernetes.io/service-name",
	                          json_string(service_name(r)));
	(void)json_object_set_new(labels, "endpointslice.kubernetes.io/managed-by",
	                          json_string(SC_MANAGED_BY));
	for (size_t i = 0; i < of->count; i++)
		(void)json_array_append_new(addresses,
		                            json_pack("{s:[s],s:{s:b}}", "addresses", of->list[i],
		                                      "conditions", "ready", 1));
	return json_pack("{s:s,s:s,s:o,s:s,s:o,s:[{s:s,s:s,s:i}]}", "apiVersion",
	                 "discovery.k8s.io/v1", "kind", "EndpointSlice", "metadata", meta,
	                 "addressType", family == SERVICE_IPV6 ? "IPv6" : "IPv4", "endpoints",
	                 addresses, "ports", "name", "http", "protocol", "TCP", "port",
	                 (int)target->port);
}
