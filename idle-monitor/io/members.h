/* SPDX-License-Identifier: Apache-2.0 */
/*
 * members - finds the activators that have to agree to a stop, by their Service
 *
 * Every endpoint in the Service's EndpointSlices counts, ready or not, and also while it
 * terminates, since it may hold connections. One that vanishes from them counts until it is surely
 * gone: its Pod does not exist any more, has another UID, has ended, or has another address. An
 * endpoint without a Pod is gone when it does not answer either. A question that fails proves
 * nothing: the activator counts.
 */
#pragma once

#include "idle-monitor/io/scrape.h"

struct event_base;
struct kube_client;
struct members;

struct members_opts {
	struct kube_client *client;
	struct scrape *scrape;
	const char *service;              /* "NAMESPACE/NAME" */
	void (*before_change)(void *arg); /* an activator is about to be added or taken away */
	/* No call to it may be left when this returns. */
	void (*before_removal)(void *arg, const struct http_client *client);
	void (*on_change)(void *arg);
	void *arg;
};

int members_new(struct event_base *base, const struct members_opts *opts,
                struct members **ret_members, struct err *err);
void members_free(struct members *m); /* the scrape lives longer */
/** members_is_synced() - the EndpointSlices have been listed and every activator in them was added
 */
bool members_is_synced(const struct members *m);
uint64_t members_lost_ms(const struct members *m, uint64_t now_ms);
