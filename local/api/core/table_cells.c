/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_cells - the columns that `kubectl get` shows of the built-in types
 */
#include "local/api/core/table_cells.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/num.h"
#include "lib/kube/client/object.h"
#include "local/api/core/table.h"

json_t *table_age_cell(const char *time, uint64_t now_wall_ms)
{
	char buf[NUM_AGE_BYTES];
	uint64_t then;

	if (num_parse_rfc3339(time, &then, NULL) < 0)
		return json_string("<unknown>");
	return json_string(num_format_age(now_wall_ms > then ? now_wall_ms - then : 0, buf));
}

static json_t *cell_age(const json_t *object, uint64_t now_wall_ms)
{
	return table_age_cell(json_str_at(object, "", "metadata", "creationTimestamp", NULL),
	                      now_wall_ms);
}

static json_t *pod_ready(const json_t *pod, uint64_t now_wall_ms)
{
	const json_t *statuses = json_at(pod, "status", "containerStatuses", NULL), *status;
	size_t i, ready = 0;

	(void)now_wall_ms;
	json_array_foreach(statuses, i, status) {
		ready += json_is_true(json_object_get(status, "ready"));
	}
	return json_sprintf("%zu/%zu", ready,
	                    json_array_size(json_at(pod, "spec", "containers", NULL)));
}

/* printers/internalversion's printPod: the reason of a waiting or ended container over the phase.
 */
static json_t *pod_status(const json_t *pod, uint64_t now_wall_ms)
{
	const char *text = json_str_at(pod, "Unknown", "status", "phase", NULL), *reason;
	const json_t *statuses = json_at(pod, "status", "containerStatuses", NULL), *status;
	size_t i;

	(void)now_wall_ms;
	if (kube_is_deleting(pod))
		return json_string("Terminating");
	text = json_str_at(pod, text, "status", "reason", NULL);
	json_array_foreach(statuses, i, status) {
		reason = json_str_at(status, "", "state", "waiting", "reason", NULL);
		if (*reason == 0)
			reason = json_str_at(status, "", "state", "terminated", "reason", NULL);
		if (*reason)
			text = reason;
	}
	return json_string(text);
}

static json_t *pod_restarts(const json_t *pod, uint64_t now_wall_ms)
{
	const json_t *statuses = json_at(pod, "status", "containerStatuses", NULL), *status;
	int64_t restarts = 0;
	size_t i;

	(void)now_wall_ms;
	json_array_foreach(statuses, i, status) {
		restarts += json_int_at(status, 0, "restartCount", NULL);
	}
	return json_integer(restarts);
}

static json_t *service_ports(const json_t *service, uint64_t now_wall_ms)
{
	const json_t *ports = json_at(service, "spec", "ports", NULL), *port;
	char text[256] = "";
	size_t i, used = 0;

	(void)now_wall_ms;
	json_array_foreach(ports, i, port) {
		if (used < sizeof text)
			used += (size_t)snprintf(text + used, sizeof text - used, "%s%lld/%s",
			                         i ? "," : "",
			                         (long long)json_int_at(port, 0, "port", NULL),
			                         json_str_at(port, "TCP", "protocol", NULL));
	}
	return json_string(*text ? text : "<none>");
}

static json_t *event_last_seen(const json_t *event, uint64_t now_wall_ms)
{
	const char *time = json_str_at(event, "", "series", "lastObservedTime", NULL);

	if (*time == 0)
		time = json_str_at(event, "", "lastTimestamp", NULL);
	if (*time == 0)
		time = json_str_at(event, "", "eventTime", NULL);
	return table_age_cell(time, now_wall_ms);
}

static json_t *event_object(const json_t *event, uint64_t now_wall_ms)
{
	char kind[128];

	(void)now_wall_ms;
	(void)snprintf(kind, sizeof kind, "%s",
	               json_str_at(event, "", "involvedObject", "kind", NULL));
	for (char *c = kind; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	}
	return json_sprintf("%s/%s", kind, json_str_at(event, "", "involvedObject", "name", NULL));
}

static json_t *node_status(const json_t *node, uint64_t now_wall_ms)
{
	const json_t *ready = kube_condition(node, "Ready");

	(void)now_wall_ms;
	return json_string(
	        strcmp(json_str_at(ready, "", "status", NULL), "True") == 0 ? "Ready" : "NotReady");
}

static json_t *data_count(const json_t *object, uint64_t now_wall_ms)
{
	(void)now_wall_ms;
	return json_integer((json_int_t)(json_object_size(json_object_get(object, "data")) +
	                                 json_object_size(json_object_get(object, "binaryData"))));
}

static json_t *slice_endpoints(const json_t *slice, uint64_t now_wall_ms)
{
	const json_t *list = json_object_get(slice, "endpoints"), *endpoint;
	char text[256] = "";
	size_t i, used = 0;

	(void)now_wall_ms;
	json_array_foreach(list, i, endpoint) {
		const char *address = json_string_value(
		        json_array_get(json_object_get(endpoint, "addresses"), 0));

		if (used < sizeof text)
			used += (size_t)snprintf(text + used, sizeof text - used, "%s%s",
			                         i ? "," : "", address ? address : "");
	}
	return json_string(*text ? text : "<unset>");
}

static json_t *slice_ports(const json_t *slice, uint64_t now_wall_ms)
{
	const json_t *port = json_array_get(json_object_get(slice, "ports"), 0);

	(void)now_wall_ms;
	return port ? json_sprintf("%lld", (long long)json_int_at(port, 0, "port", NULL))
	            : json_string("<unset>");
}

/* clang-format off */
#define NAME_COLUMN { "Name", "string", "name", 0, ".metadata.name", NULL }
#define AGE_COLUMN { "Age", "string", "", 0, NULL, cell_age }

static const struct table_column pods[] = {
	NAME_COLUMN,
	{ "Ready", "string", "", 0, NULL, pod_ready },
	{ "Status", "string", "", 0, NULL, pod_status },
	{ "Restarts", "integer", "", 0, NULL, pod_restarts },
	AGE_COLUMN,
	{ "IP", "string", "", 1, ".status.podIP", NULL },
	{ "Node", "string", "", 1, ".spec.nodeName", NULL },
	{ 0 },
};
static const struct table_column services[] = {
	NAME_COLUMN,
	{ "Type", "string", "", 0, ".spec.type", NULL },
	{ "Cluster-IP", "string", "", 0, ".spec.clusterIP", NULL },
	{ "External-IP", "string", "", 0, ".spec.externalName", NULL },
	{ "Port(s)", "string", "", 0, NULL, service_ports },
	AGE_COLUMN,
	{ 0 },
};
static const struct table_column events[] = {
	{ "Last Seen", "string", "", 0, NULL, event_last_seen },
	{ "Type", "string", "", 0, ".type", NULL },
	{ "Reason", "string", "", 0, ".reason", NULL },
	{ "Object", "string", "", 0, NULL, event_object },
	{ "Message", "string", "", 0, ".message", NULL },
	{ "Name", "string", "name", 1, ".metadata.name", NULL },
	{ 0 },
};
static const struct table_column nodes[] = {
	NAME_COLUMN,
	{ "Status", "string", "", 0, NULL, node_status },
	AGE_COLUMN,
	{ "Version", "string", "", 0, ".status.nodeInfo.kubeletVersion", NULL },
	{ 0 },
};
static const struct table_column namespaces[] = {
	NAME_COLUMN, { "Status", "string", "", 0, ".status.phase", NULL }, AGE_COLUMN, { 0 },
};
static const struct table_column leases[] = {
	NAME_COLUMN, { "Holder", "string", "", 0, ".spec.holderIdentity", NULL }, AGE_COLUMN, { 0 },
};
static const struct table_column configmaps[] = {
	NAME_COLUMN, { "Data", "integer", "", 0, NULL, data_count }, AGE_COLUMN, { 0 },
};
static const struct table_column secrets[] = {
	NAME_COLUMN, { "Type", "string", "", 0, ".type", NULL },
	{ "Data", "integer", "", 0, NULL, data_count }, AGE_COLUMN, { 0 },
};
static const struct table_column slices[] = {
	NAME_COLUMN,
	{ "AddressType", "string", "", 0, ".addressType", NULL },
	{ "Ports", "string", "", 0, NULL, slice_ports },
	{ "Endpoints", "string", "", 0, NULL, slice_endpoints },
	AGE_COLUMN,
	{ 0 },
};
static const struct table_column crds[] = {
	NAME_COLUMN, { "Created At", "date", "", 0, ".metadata.creationTimestamp", NULL }, { 0 },
};
static const struct table_column others[] = { NAME_COLUMN, AGE_COLUMN, { 0 } };

static const struct {
	const char *plural;
	const struct table_column *columns;
} tables[] = {
	{ "pods", pods }, { "services", services }, { "events", events }, { "nodes", nodes },
	{ "namespaces", namespaces }, { "leases", leases }, { "configmaps", configmaps },
	{ "secrets", secrets }, { "endpointslices", slices },
	{ "customresourcedefinitions", crds },
};
/* clang-format on */

const struct table_column *table_columns_of(const char *plural)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (strcmp(tables[i].plural, plural) == 0)
			return tables[i].columns;
	}
	return others;
}
