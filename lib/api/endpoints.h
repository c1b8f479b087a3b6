/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoints - follows the endpoints of one Service through its EndpointSlices
 */
#pragma once

#include "lib/api/endpoint_set.h"
#include "lib/kube/client/client.h"

struct endpoints;

struct endpoints_opts {
	const char *service;   /* "NAMESPACE/NAME" */
	const char *port_name; /* borrowed */
	/* Another set than before; also once when it is known first, even when it is empty. */
	void (*on_change)(void *arg);
	void *arg;
};

int endpoints_new(struct event_base *base, struct kube_client *client,
                  const struct endpoints_opts *opts, struct endpoints **ret_endpoints,
                  struct err *err);
void endpoints_free(struct endpoints *e);
/** endpoints_is_synced() - the set is known */
bool endpoints_is_synced(const struct endpoints *e);
/** endpoints_lost_ms() - for how long the set may have been behind; 0: it is not */
uint64_t endpoints_lost_ms(const struct endpoints *e, uint64_t now_ms);
/** endpoints_set() - as it is now; borrowed, the same pointer for good */
const struct endpoint_set *endpoints_set(const struct endpoints *e);
const char *endpoints_namespace(const struct endpoints *e);
