/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service - makes the Service of a container, whose EndpointSlices lead to the activators
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/api/endpoint_set.h"
#include "lib/api/resource.h"
#include "lib/base/err.h"

enum { SERVICE_ADDRESSES_MAX = ENDPOINTS_MAX, SERVICE_ADDRESS_BYTES = ENDPOINT_ADDRESS_BYTES };
enum service_family { SERVICE_IPV4, SERVICE_IPV6, SERVICE_FAMILIES_COUNT };

struct service_addresses {
	char list[SERVICE_ADDRESSES_MAX][SERVICE_ADDRESS_BYTES];
	size_t count;
	bool is_used; /* a slice is made, be it an empty one */
};

/* Where the activators listen, all on one port. */
struct service_target {
	struct service_addresses of[SERVICE_FAMILIES_COUNT];
	uint16_t port; /* 0: not known yet: Services stay as they are */
};

/** service_target_parse() - "10.0.0.5:8080" or "[fd00::5]:8080" each; @list NULL-terminated */
int service_target_parse(const char *const *list, struct service_target *ret_target,
                         struct err *err);

/**
 * service_target_follow() - @target becomes what the activators' own endpoints say
 *
 * The ready ones; when none is, those that still serve while they end, as kube-proxy does. The
 * port is that of most addresses, and those with another are left out. Port and families stay
 * known when there are no endpoints at all.
 */
void service_target_follow(struct service_target *target, const struct endpoint_set *set);
bool service_target_equal(const struct service_target *a, const struct service_target *b);
size_t service_target_count(const struct service_target *target);

/** service_name() - of the Service */
const char *service_name(const struct resource *r);

/* Return: new reference */
json_t *service_make(const struct resource *r, const struct service_target *target);
/** service_make_slice() - of one family. Return: NULL when that family is not used */
json_t *service_make_slice(const struct resource *r, const struct service_target *target,
                           enum service_family family);
