/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resource - reads a StoppableContainer out of its JSON, with the defaults of the CRD
 */
#include "lib/api/resource.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lib/api/names.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"
#include "lib/text/json_ref.h"

enum {
	RESOURCE_HOST_BYTES_MAX = 253, /* RFC 1123 section 2.1, DNS name */
	RESOURCE_LABEL_BYTES_MAX = 63,
};

/* What the programs' own defaults are, unless somebody sets them. */
#define RESOURCE_HOLD_TIMEOUT "60s"
#define RESOURCE_PENDING_BYTES "16Mi"
#define RESOURCE_STARTUP_GRACE "30s"
#define RESOURCE_UPGRADES "websocket"
enum { RESOURCE_PENDING_REQUESTS = 1000 };

static const uint64_t resource_duration_max_ms = 366ULL * 24 * 3600 * 1000;

DEFINE_CLEANUP(struct resource *, resource_free);

static int resource_wrong(const char *path, const char *want, struct err *err)
{
	return err_set(err, ERR_INVALID, 0, "%s: want %s", path, want);
}

static int resource_duration(const json_t *value, const char *path, const char *fallback,
                             uint64_t *ret_ms, struct err *err)
{
	const char *text = value == NULL ? fallback : json_string_value(value);

	if (text == NULL)
		return resource_wrong(path, "a duration such as \"5m\"", err);
	if (num_parse_duration_ms(text, resource_duration_max_ms, ret_ms, err) < 0)
		return err_wrap(err, "%s", path);
	return 0;
}

static int resource_count(const json_t *value, const char *path, uint32_t fallback,
                          uint32_t *ret_count, struct err *err)
{
	json_int_t n = value == NULL ? fallback : json_integer_value(value);

	if ((value != NULL && !json_is_integer(value)) || n < 0 || n > INT32_MAX)
		return resource_wrong(path, "a whole number from 0 to 2147483647", err);
	*ret_count = (uint32_t)n;
	return 0;
}

/* A quantity is a text or a number (apimachinery's resource.Quantity). */
static int resource_bytes(const json_t *value, const char *path, size_t *ret_bytes, struct err *err)
{
	const char *text = value == NULL ? RESOURCE_PENDING_BYTES : json_string_value(value);
	uint64_t milli = 0;

	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*ret_bytes = (size_t)json_integer_value(value);
		return 0;
	}
	if (text == NULL)
		return resource_wrong(path, "a quantity such as \"16Mi\"", err);
	if (num_parse_quantity_milli(text, &milli, err) < 0)
		return err_wrap(err, "%s", path);
	*ret_bytes = (size_t)(milli / 1000);
	return 0;
}

/* Letters, digits and inner hyphens, in labels of at most 63 (RFC 1123). Writes lower case. */
bool resource_host(const char *text, char ret_host[RESOURCE_HOST_BYTES])
{
	size_t label = 0;
	size_t len = strlen(text);
	bool wildcard = strncmp(text, "*.", 2) == 0;

	if (len == 0 || len > RESOURCE_HOST_BYTES_MAX)
		return false;
	for (size_t i = 0; i <= len; i++) {
		ret_host[i] = (char)tolower((unsigned char)text[i]);
		if (wildcard && i < 2)
			continue;
		if (text[i] == '.' || text[i] == '\0') {
			if (label == 0 || label > RESOURCE_LABEL_BYTES_MAX || text[i - 1] == '-')
				return false;
			label = 0;
		} else if (isalnum((unsigned char)text[i]) || (text[i] == '-' && label > 0)) {
			label++;
		} else {
			return false;
		}
	}
	return true;
}

bool resource_hosts_unjudged(const json_t *object)
{
	return json_at(object, "status", "activation", "hosts", NULL) == NULL &&
	       json_int_at(object, -1, "status", "observedGeneration", NULL) ==
	               kube_generation(object);
}

static void resource_read_admitted(struct resource *r)
{
	struct resource_activation *a = &r->activation;
	const json_t *admitted = json_at(r->object, "status", "activation", "hosts", NULL);
	const json_t *one;
	size_t k;

	a->hosts_judged = !resource_hosts_unjudged(r->object);
	for (size_t i = 0; a->hosts[i] != NULL; i++) {
		if (!a->hosts_judged)
			a->hosts_admitted |= UINT64_C(1) << i;
		json_array_foreach(admitted, k, one) {
			if (json_is_string(one) && strcmp(json_string_value(one), a->hosts[i]) == 0)
				a->hosts_admitted |= UINT64_C(1) << i;
		}
	}
}

static int resource_parse_hosts(struct resource *r, const json_t *hosts, struct err *err)
{
	size_t count = json_array_size(hosts);
	const json_t *host;
	size_t i;

	if (hosts != NULL && (!json_is_array(hosts) || count > RESOURCE_HOSTS_MAX))
		return resource_wrong("spec.activation.hosts", "a list of at most 64 host names",
		                      err);
	r->activation.hosts = calloc(count + 1, sizeof *r->activation.hosts);
	if (r->activation.hosts == NULL)
		abort(); /* as in resource_parse() */
	json_array_foreach(hosts, i, host) {
		char name[RESOURCE_HOST_BYTES];

		if (!json_is_string(host) || !resource_host(json_string_value(host), name))
			return err_set(err, ERR_INVALID, 0,
			               "spec.activation.hosts[%zu]: want a host name such as "
			               "\"shop.example.com\" or \"*.example.com\"",
			               i);
		r->activation.hosts[i] = strdup(name);
		if (r->activation.hosts[i] == NULL)
			abort(); /* as in resource_parse() */
	}
	resource_read_admitted(r);
	return 0;
}

/* "name" or "name/version" (RFC 9110 section 7.8) */
static bool resource_upgrade(const char *text, char ret_name[RESOURCE_UPGRADE_BYTES + 1])
{
	size_t len = strlen(text);

	if (len == 0 || len > RESOURCE_UPGRADE_BYTES || text[0] == '/' || text[len - 1] == '/')
		return false;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && !isalnum((unsigned char)text[i]) && strchr("-._/", text[i]) == NULL)
			return false;
		ret_name[i] = (char)tolower((unsigned char)text[i]);
	}
	return strchr(text, '/') == strrchr(text, '/');
}

/*
 * Clients offer HTTP/2 and TLS to any server (RFC 9113 section 3.1, RFC 2817). What followed would
 * be requests that nobody counts, in a tunnel that keeps the container awake for good.
 */
static bool resource_upgrade_is_never(const char *name)
{
	static const char *const never[] = {"h2", "h2c", "http", "tls"};
	size_t len = strcspn(name, "/");

	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		if (strlen(never[i]) == len && strncmp(never[i], name, len) == 0)
			return true;
	return false;
}

static int resource_parse_upgrades(struct resource *r, const json_t *upgrades, struct err *err)
{
	char *to = r->activation.upgrades;
	const json_t *one;
	size_t i;

	if (upgrades == NULL)
		(void)snprintf(to, RESOURCE_UPGRADES_BYTES, "%s", RESOURCE_UPGRADES);
	else if (!json_is_array(upgrades) || json_array_size(upgrades) > RESOURCE_UPGRADES_MAX)
		return resource_wrong("spec.activation.upgrades", "a list of at most 8 protocols",
		                      err);
	json_array_foreach(upgrades, i, one) {
		char name[RESOURCE_UPGRADE_BYTES + 1];
		size_t at = strlen(to);

		if (!json_is_string(one) || !resource_upgrade(json_string_value(one), name))
			return err_set(err, ERR_INVALID, 0,
			               "spec.activation.upgrades[%zu]: want a protocol such as "
			               "\"websocket\", of at most 32 characters",
			               i);
		if (resource_upgrade_is_never(name))
			return err_set(err, ERR_INVALID, 0,
			               "spec.activation.upgrades[%zu]: \"%s\" is never passed on",
			               i, name);
		(void)snprintf(to + at, RESOURCE_UPGRADES_BYTES - at, "%s%s", at > 0 ? "," : "",
		               name);
	}
	return 0;
}

static bool resource_port_is_valid(json_int_t port)
{
	return port >= 1 && port <= UINT16_MAX;
}

/* The container's port of that name, or its first for NULL; 0 when there is none. */
static uint16_t resource_container_port(const json_t *container, const char *name)
{
	const json_t *port;
	size_t i;

	json_array_foreach(json_object_get(container, "ports"), i, port) {
		json_int_t number = json_int_at(port, 0, "containerPort", NULL);

		if (!resource_port_is_valid(number) ||
		    strcmp(json_str_at(port, "TCP", "protocol", NULL), "TCP") != 0)
			continue;
		if (name == NULL || strcmp(json_str_at(port, "", "name", NULL), name) == 0)
			return (uint16_t)number;
	}
	return 0;
}

static int resource_parse_port(struct resource *r, const json_t *port, struct err *err)
{
	static const char path[] = "spec.activation.port";

	if (port == NULL) {
		r->activation.port = resource_container_port(r->container, NULL);
	} else if (json_is_integer(port) && resource_port_is_valid(json_integer_value(port))) {
		r->activation.port = (uint16_t)json_integer_value(port);
	} else if (json_is_string(port)) {
		r->activation.port = resource_container_port(r->container, json_string_value(port));
		if (r->activation.port == 0)
			return err_set(err, ERR_INVALID, 0,
			               "%s: the main container has no TCP port named \"%s\"", path,
			               json_string_value(port));
	} else {
		return resource_wrong(path, "a number from 1 to 65535 or a port's name", err);
	}
	return 0;
}

static int resource_parse_activation(struct resource *r, const json_t *spec, struct err *err)
{
	const json_t *from = json_object_get(spec, "activation");
	struct resource_activation *a = &r->activation;

	if (resource_parse_port(r, json_object_get(from, "port"), err) < 0 ||
	    resource_duration(json_object_get(from, "holdTimeout"), "spec.activation.holdTimeout",
	                      RESOURCE_HOLD_TIMEOUT, &a->hold_timeout_ms, err) < 0 ||
	    resource_count(json_object_get(from, "maxPendingRequests"),
	                   "spec.activation.maxPendingRequests", RESOURCE_PENDING_REQUESTS,
	                   &a->pending_requests_max, err) < 0 ||
	    resource_bytes(json_object_get(from, "maxPendingBytes"),
	                   "spec.activation.maxPendingBytes", &a->pending_bytes_max, err) < 0 ||
	    resource_count(json_object_get(from, "maxConcurrency"),
	                   "spec.activation.maxConcurrency", 0, &a->concurrency_max, err) < 0 ||
	    resource_parse_upgrades(r, json_object_get(from, "upgrades"), err) < 0 ||
	    resource_parse_hosts(r, json_object_get(from, "hosts"), err) < 0)
		return -1;
	a->hold_timeout_set = json_object_get(from, "holdTimeout") != NULL;
	a->pending_requests_set = json_object_get(from, "maxPendingRequests") != NULL;
	a->pending_bytes_set = json_object_get(from, "maxPendingBytes") != NULL;
	a->enabled = json_bool_at(from, true, "enabled", NULL) && a->port != 0;
	a->service_name = json_str_at(from, "", "serviceName", NULL);
	if (*a->service_name == '\0')
		a->service_name = r->name;
	return 0;
}

static int resource_parse_idle(struct resource *r, const json_t *spec, struct err *err)
{
	const json_t *from = json_object_get(spec, "idle");
	const json_t *timeout = json_object_get(from, "timeout");
	const json_t *grace = json_object_get(from, "startupGrace");
	const json_t *http = json_at(from, "signals", "http", NULL);
	struct resource_idle *idle = &r->idle;

	if (resource_duration(timeout, "spec.idle.timeout", "0s", &idle->timeout_ms, err) < 0 ||
	    resource_duration(grace, "spec.idle.startupGrace", RESOURCE_STARTUP_GRACE,
	                      &idle->startup_grace_ms, err) < 0)
		return -1;
	idle->timeout_set = timeout != NULL;
	idle->startup_grace_set = grace != NULL;
	/* "http: false", or "http: {enabled: false}" */
	idle->signal_http = json_is_object(http) ? json_bool_at(http, true, "enabled", NULL)
	                                         : !json_is_false(http);
	return 0;
}

static int resource_parse_template(struct resource *r, const json_t *spec, struct err *err)
{
	const json_t *container;

	r->template = json_object_get(spec, "template");
	if (!json_is_object(r->template))
		return resource_wrong("spec.template", "an object", err);
	container = json_object_get(r->template, "container");
	r->pod_spec = json_object_get(r->template, "spec");
	if ((container != NULL) == (r->pod_spec != NULL))
		return resource_wrong("spec.template", "one of \"container\" and \"spec\"", err);
	if (r->pod_spec != NULL)
		container = json_array_get(json_object_get(r->pod_spec, "containers"), 0);
	if (*json_str_at(container, "", "image", NULL) == '\0')
		return resource_wrong(r->pod_spec != NULL ? "spec.template.spec.containers[0].image"
		                                          : "spec.template.container.image",
		                      "an image", err);
	r->container = container;
	return 0;
}

int resource_parse(const json_t *object, struct resource **ret_resource, struct err *err)
{
	CLEANUP(resource_free_var) struct resource *r = calloc(1, sizeof *r);
	const json_t *spec = json_object_get(object, "spec");

	if (r == NULL)
		abort(); /* what is wrong with an object is thought over when it changes */
	r->object = json_incref(json_ref(object));
	r->ns = kube_namespace(object);
	r->name = kube_name(object);
	r->uid = kube_uid(object);
	r->generation = kube_generation(object);
	r->deleting = kube_is_deleting(object);
	if (*r->ns == '\0' || *r->name == '\0' || *r->uid == '\0')
		return resource_wrong("metadata", "a namespace, a name and a uid", err);
	if (!json_is_object(spec))
		return resource_wrong("spec", "an object", err);
	r->running = json_bool_at(spec, false, "running", NULL);
	r->is_application =
	        strcmp(json_str_at(spec, "Wrapper", "processOne", NULL), "Application") == 0;
	r->host_path_prefix =
	        json_str_at(spec, SC_HOST_PATH_PREFIX_DEFAULT, "hostPathPrefix", NULL);
	if (resource_parse_template(r, spec, err) < 0 ||
	    resource_parse_activation(r, spec, err) < 0 || resource_parse_idle(r, spec, err) < 0)
		return -1;
	*ret_resource = TAKE_PTR(r);
	return 0;
}

void resource_free(struct resource *r)
{
	if (r == NULL)
		return;
	for (const char **h = r->activation.hosts; h != NULL && *h != NULL; h++)
		free((char *)(uintptr_t)*h);
	free(r->activation.hosts);
	json_decref(json_ref(r->object));
	free(r);
}
