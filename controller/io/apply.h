/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply - carries plans out: one at a time per container, all its calls at once
 *
 * A key is done when all calls of its plan were answered. The answers go into the caches, and the
 * key is planned again until there is nothing to do. What the API server refuses is remembered, and
 * the status says why. Any other failed call is tried again after a back-off.
 */
#pragma once

#include "controller/io/watch.h"

struct apply;
struct event_base;
struct metrics;
struct recorder;

struct apply_opts {
	struct kube_client *client;
	struct recorder *recorder;
	struct metrics *metrics;
	struct plan_config plan; /* strings borrowed */
	/* Only the leader acts: asked before each plan. */
	bool (*may_act)(void *arg);
	void *arg;
};

int apply_new(struct event_base *base, const struct apply_opts *opts, struct apply **ret_apply,
              struct err *err);
void apply_free(struct apply *a);
/** apply_set_watch() - before the first apply_key(): each of the two needs the other */
void apply_set_watch(struct apply *a, struct watch *watch);
/** apply_set_target() - where Services lead; containers that are planned from now on follow it */
void apply_set_target(struct apply *a, const struct service_target *target);
/** apply_key() - plan for it in so long; 0: now */
void apply_key(struct apply *a, const char *key, uint64_t delay_ms);
