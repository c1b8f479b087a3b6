/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_domains - the domains below which names are ours to give, and whose a name below them is
 *
 * They are "svc", "svc.<cluster domain>" and the configured ones ("localhost"). What stands before
 * such a domain is a Service's name and its namespace, so each name there belongs to a namespace,
 * and only a container of that one may list it.
 */
#pragma once

#include <stdbool.h>

struct host_domains;

/** host_domains_new() - e.g. { "localhost", NULL } and "cluster.local" (NULL or "": that)
 * Return: NULL out of memory */
struct host_domains *host_domains_new(const char *const *domains, const char *cluster_domain);
void host_domains_free(struct host_domains *d);

/** host_domains_list() - NULL-terminated, lower case, without a final dot
 * @is_public: the configured ones alone */
char *const *host_domains_list(const struct host_domains *d, bool is_public);

/** host_domains_is_inner() - @host is below "svc", alone or in the cluster's domain */
bool host_domains_is_inner(const struct host_domains *d, const char *host);

/** host_domains_of() - Return: where in @host its longest domain begins, or NULL */
const char *host_domains_of(const struct host_domains *d, const char *host);

/**
 * host_domains_refusal() - may a container in @ns list @host (lower case, or "*.suffix") at all
 * Return: NULL when it may; else why not, to follow "host … "
 */
const char *host_domains_refusal(const struct host_domains *d, const char *ns, const char *host);
