/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_claims - which resource owns which host name
 *
 * Claims: NAME.NAMESPACE with the suffixes "", ".svc", ".svc.<cluster domain>" and each configured
 * domain (".localhost"), and of spec.activation.hosts (exact, or "*.suffix") what the controller
 * admitted. A resource's own NAME.NAMESPACE names can't be taken by another. Its Service's name,
 * when that is another, counts as NAME does, but gives way to the resource that has it. While a
 * controller from before there was admission is at work, of two that claim one host the older by
 * creationTimestamp has it, then the smaller UID.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/err.h"

struct resource;
struct host_claims;

/** host_claims_new() - e.g. { "localhost", NULL } and "cluster.local" (NULL or "": that) */
struct host_claims *host_claims_new(const char *const *domains, const char *cluster_domain);
void host_claims_free(struct host_claims *c);
/** host_claims_set() - replaces what that resource claimed; copies what it needs */
int host_claims_set(struct host_claims *c, const struct resource *r, struct err *err);
void host_claims_remove(struct host_claims *c, const char *uid);
/**
 * host_claims_find() - @host as in the Host field: a port and the letters' case do not count
 * Exact names before suffixes, the longest suffix first. @is_public: asked by a stranger, to whom
 * NAME.NAMESPACE is nothing, alone and below "svc": only hosts and what the domains are behind.
 * Return: UID of the owner, borrowed until the next change; NULL for an unknown host.
 */
const char *host_claims_find(const struct host_claims *c, const char *host, bool is_public);
