/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tenant - a namespace: what its containers hold together, and how many wakes it has left
 */
#pragma once

#include <sys/queue.h>

#include "activator/core/bucket.h"
#include "activator/core/hold_policy.h"

struct queue;
struct target;

TAILQ_HEAD(tenants, tenant);
TAILQ_HEAD(tenant_targets, target);

struct tenant {
	char *ns;
	struct hold_usage usage;
	struct bucket wakes;
	struct tenant_targets targets;
	TAILQ_ENTRY(tenant) link; /* in the list of those that hold something */
};

/** tenant_join() - @t's namespace, made when it is the first. Return: NULL without memory */
struct tenant *tenant_join(struct queue *q, struct target *t);
void tenant_leave(struct target *t);
void tenant_charge(struct target *t, size_t bytes);
void tenant_discharge(struct target *t, size_t bytes);

/**
 * tenant_victim() - the hold is full: of which target one must go in favour of @bytes of @t's
 * Return: or NULL, when nobody has more than @t would
 */
struct target *tenant_victim(const struct target *t, size_t bytes);
