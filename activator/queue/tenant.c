/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tenant - a namespace: what its containers hold together, and who of them gives way when all room
 * is taken
 */
#include "activator/queue/tenant.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "activator/core/share.h"
#include "activator/queue/target_private.h"

static int tenant_compare(const void *a, const void *b)
{
	return strcmp(((const struct tenant *)a)->ns, ((const struct tenant *)b)->ns);
}

static struct tenant *tenant_new(struct queue *q, char *ns)
{
	struct tenant *n = calloc(1, sizeof *n);

	if (n == NULL)
		return NULL;
	n->ns = strdup(ns);
	TAILQ_INIT(&n->targets);
	if (n->ns && tsearch(n, &q->tenants_by_ns, tenant_compare))
		return n;
	free(n->ns);
	free(n);
	return NULL;
}

struct tenant *tenant_join(struct queue *q, struct target *t)
{
	const struct tenant key = {.ns = t->ns};
	struct tenant *const *found = tfind(&key, &q->tenants_by_ns, tenant_compare);
	struct tenant *n = found ? *found : tenant_new(q, t->ns);

	if (n)
		TAILQ_INSERT_TAIL(&n->targets, t, tenant_link);
	return n;
}

void tenant_leave(struct target *t)
{
	struct tenant *n = t->tenant;

	if (n == NULL)
		return;
	t->tenant = NULL;
	TAILQ_REMOVE(&n->targets, t, tenant_link);
	if (!TAILQ_EMPTY(&n->targets))
		return;
	(void)tdelete(n, &t->queue->tenants_by_ns, tenant_compare);
	free(n->ns);
	free(n);
}

void tenant_charge(struct target *t, size_t bytes)
{
	struct tenant *n = t->tenant;

	if (n->usage.requests_count == 0)
		TAILQ_INSERT_TAIL(&t->queue->holding, n, link);
	hold_charge(&n->usage, bytes);
	hold_charge(&t->usage, bytes);
	hold_charge(&t->queue->usage, bytes);
}

void tenant_discharge(struct target *t, size_t bytes)
{
	struct tenant *n = t->tenant;

	hold_discharge(&n->usage, bytes);
	hold_discharge(&t->usage, bytes);
	hold_discharge(&t->queue->usage, bytes);
	if (n->usage.requests_count == 0)
		TAILQ_REMOVE(&t->queue->holding, n, link);
}

static struct tenant *tenant_largest(const struct queue *q)
{
	struct tenant *largest = NULL;
	struct tenant *n;

	TAILQ_FOREACH(n, &q->holding, link)
		if (largest == NULL ||
		    share_of(&n->usage, &q->opts.held) > share_of(&largest->usage, &q->opts.held))
			largest = n;
	return largest;
}

static struct target *target_largest(const struct tenant *n, const struct hold_limits *all)
{
	struct target *largest = NULL;
	struct target *t;

	TAILQ_FOREACH(t, &n->targets, tenant_link)
		if (!TAILQ_EMPTY(&t->held) &&
		    (largest == NULL || share_of(&t->usage, all) > share_of(&largest->usage, all)))
			largest = t;
	return largest;
}

struct target *tenant_victim(const struct target *t, size_t bytes)
{
	const struct hold_limits *all = &t->queue->opts.held;
	struct tenant *largest = tenant_largest(t->queue);
	struct target *victim;

	if (largest == NULL)
		return NULL;
	if (largest != t->tenant &&
	    !share_may_displace(&t->tenant->usage, &largest->usage, all, bytes))
		return NULL;
	victim = target_largest(largest, all);
	if (victim == NULL ||
	    (largest == t->tenant && !share_may_displace(&t->usage, &victim->usage, all, bytes)))
		return NULL;
	return victim;
}
