/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_claims - which resource owns which host name
 *
 * Claims: spec.activation.hosts (exact, or "*.suffix"), and NAME.NAMESPACE with the suffixes
 * "", ".svc", ".svc.<cluster domain>" and each configured domain (".localhost"). A resource's own
 * NAME.NAMESPACE names can't be taken by another. Its Service's name, when that is another, counts
 * as NAME does, but gives way to the resource that has it. Of two that claim one host the older by
 * creationTimestamp wins, then the smaller UID: controller and activators decide the same.
 */
#pragma once

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
 * Exact names before suffixes, the longest suffix first.
 * Return: UID of the owner, borrowed until the next change; NULL for an unknown host.
 */
const char *host_claims_find(const struct host_claims *c, const char *host);
/** host_claims_conflict() - a host in @r's spec that another owns. Return: that host, or NULL;
 * *ret_owner_uid: who owns it */
const char *host_claims_conflict(const struct host_claims *c, const struct resource *r,
                                 const char **ret_owner_uid);
