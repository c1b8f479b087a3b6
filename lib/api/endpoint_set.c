/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint_set - reads EndpointSlices and joins them into one sorted list of endpoints
 */
#include "lib/api/endpoint_set.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/kube/client/object.h"

enum { LABEL_BYTES = 64 }; /* RFC 1123, with its end */

/* A port without a number stands for all of them: nothing to dial. Return: 0 when there is none */
static uint16_t slice_port(const json_t *slice, const char *name)
{
	const json_t *port;
	size_t i;

	json_array_foreach(json_object_get(slice, "ports"), i, port) {
		int64_t number = json_int_at(port, 0, "port", NULL);

		if (strcmp(json_str_at(port, "", "name", NULL), name) == 0 &&
		    strcmp(json_str_at(port, "TCP", "protocol", NULL), "TCP") == 0 && number > 0 &&
		    number <= UINT16_MAX)
			return (uint16_t)number;
	}
	return 0;
}

static int endpoint_compare(const struct endpoint *a, const struct endpoint *b)
{
	int order = strcmp(a->pod_uid, b->pod_uid);

	if (order == 0)
		order = (int)a->is_ipv6 - (int)b->is_ipv6;
	if (order == 0)
		order = strcmp(a->address, b->address);
	return order != 0 ? order : (int)a->port - (int)b->port;
}

static void endpoint_set_add(struct endpoint_set *set, const struct endpoint *one)
{
	size_t at = 0;
	int order = 1;

	while (at < set->count && (order = endpoint_compare(&set->list[at], one)) < 0)
		at++;
	if (at < set->count && order == 0) {
		set->list[at].ready |= one->ready;
		set->list[at].serving |= one->serving;
		set->list[at].terminating &= one->terminating;
		return;
	}
	if (set->count == ENDPOINTS_MAX) {
		set->overflow = true;
		return;
	}
	memmove(&set->list[at + 1], &set->list[at], (set->count - at) * sizeof *one);
	set->list[at] = *one;
	set->count++;
}

/* Only the first address means anything, by the API's own words; all are of one endpoint. */
static bool endpoint_read(const json_t *from, struct endpoint *one)
{
	const json_t *conditions = json_object_get(from, "conditions");
	const json_t *pod = json_object_get(from, "targetRef");
	const char *address =
	        json_string_value(json_array_get(json_object_get(from, "addresses"), 0));
	unsigned char binary[16];

	if (address == NULL || strlen(address) >= sizeof one->address ||
	    inet_pton(one->is_ipv6 ? AF_INET6 : AF_INET, address, binary) != 1)
		return false;
	(void)snprintf(one->address, sizeof one->address, "%s", address);
	if (strcmp(json_str_at(pod, "", "kind", NULL), "Pod") == 0) {
		(void)snprintf(one->pod_uid, sizeof one->pod_uid, "%s",
		               json_str_at(pod, "", "uid", NULL));
		(void)snprintf(one->pod_name, sizeof one->pod_name, "%s",
		               json_str_at(pod, "", "name", NULL));
	}
	one->ready = json_bool_at(conditions, true, "ready", NULL);
	one->serving = json_bool_at(conditions, one->ready, "serving", NULL);
	one->terminating = json_bool_at(conditions, false, "terminating", NULL);
	return true;
}

void endpoint_set_add_slice(struct endpoint_set *set, const json_t *slice, const char *port_name)
{
	const char *family = json_str_at(slice, "", "addressType", NULL);
	bool is_ipv6 = strcmp(family, "IPv6") == 0;
	uint16_t port = slice_port(slice, port_name);
	const json_t *from;
	size_t i;

	if ((!is_ipv6 && strcmp(family, "IPv4") != 0) || port == 0 || kube_is_deleting(slice))
		return;
	json_array_foreach(json_object_get(slice, "endpoints"), i, from) {
		struct endpoint one = {.port = port, .is_ipv6 = is_ipv6};

		if (endpoint_read(from, &one))
			endpoint_set_add(set, &one);
	}
}

bool endpoint_set_equal(const struct endpoint_set *a, const struct endpoint_set *b)
{
	if (a->count != b->count || a->overflow != b->overflow)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct endpoint *one = &a->list[i];
		const struct endpoint *other = &b->list[i];

		if (endpoint_compare(one, other) != 0 ||
		    strcmp(one->pod_name, other->pod_name) != 0 || one->ready != other->ready ||
		    one->serving != other->serving || one->terminating != other->terminating)
			return false;
	}
	return true;
}

static bool is_label(const char *text, size_t bytes)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

	return bytes > 0 && bytes < LABEL_BYTES && strspn(text, allowed) >= bytes &&
	       text[0] != '-' && text[bytes - 1] != '-';
}

bool endpoint_service_parse(const char *text, char *ns, char *name)
{
	const char *slash = strchr(text, '/');

	if (slash == NULL || !is_label(text, (size_t)(slash - text)) ||
	    !is_label(slash + 1, strlen(slash + 1)))
		return false;
	(void)snprintf(ns, LABEL_BYTES, "%.*s", (int)(slash - text), text);
	(void)snprintf(name, LABEL_BYTES, "%s", slash + 1);
	return true;
}
