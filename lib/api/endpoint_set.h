/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint_set - the endpoints of one Service, joined from its EndpointSlices
 *
 * A Service has several slices: one or more for each address family. An endpoint may stand in two
 * of them while it moves; it counts once. Conditions as in discovery.k8s.io/v1: ready absent is
 * true, serving absent is what ready is, terminating absent is false.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ENDPOINTS_MAX = 64, /* both families together; past it: overflow */
	ENDPOINT_ADDRESS_BYTES = 46,
	ENDPOINT_UID_BYTES = 64,
	ENDPOINT_NAME_BYTES = 254,
};

struct endpoint {
	char pod_uid[ENDPOINT_UID_BYTES]; /* "" when no Pod is behind it */
	char pod_name[ENDPOINT_NAME_BYTES];
	char address[ENDPOINT_ADDRESS_BYTES];
	uint16_t port; /* the one of the wanted name */
	bool is_ipv6;
	bool ready, serving, terminating;
};

struct endpoint_set {
	struct endpoint
	        list[ENDPOINTS_MAX]; /* by Pod's UID, IPv4 first, then by address and port */
	size_t count;
	bool overflow; /* there are more than fit */
};

/**
 * endpoint_set_add_slice() - the endpoints of @slice at its port named @port_name
 * Slices of host names, without that port or being deleted, and what is no address add nothing.
 */
void endpoint_set_add_slice(struct endpoint_set *set, const json_t *slice, const char *port_name);

bool endpoint_set_equal(const struct endpoint_set *a, const struct endpoint_set *b);

/**
 * endpoint_service_parse() - "NAMESPACE/NAME" as of a Service
 * @ns, @name: 64 bytes each. Return: false when it is none.
 */
bool endpoint_service_parse(const char *text, char *ns, char *name);
