/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service - the Service without selector whose EndpointSlice leads to the activator
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/api/resource.h"
#include "lib/base/err.h"

enum { SERVICE_ADDRESSES_MAX = 16, SERVICE_ADDRESS_BYTES = 46 };

/* Where the activators listen; all on one port and of one address family. */
struct service_target {
	char addresses[SERVICE_ADDRESSES_MAX][SERVICE_ADDRESS_BYTES];
	size_t count; /* 0: no Services are made */
	uint16_t port;
	bool is_ipv6;
};

/** service_target_parse() - "10.0.0.5:8080" or "[fd00::5]:8080" each; @list NULL-terminated */
int service_target_parse(const char *const *list, struct service_target *ret_target,
                         struct err *err);

/** service_name() - of the Service and its EndpointSlice */
const char *service_name(const struct resource *r);

/* Return: new reference */
json_t *service_make(const struct resource *r, const struct service_target *target);
json_t *service_make_slice(const struct resource *r, const struct service_target *target);
