/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout - brings a change of the activators' endpoints to every container's Service
 *
 * Changes that come close together are one. Containers are planned again a few at a time, so that
 * ten thousand of them do not delay one that is woken meanwhile; a plan that finds its slice as it
 * should be writes nothing.
 */
#pragma once

#include "controller/io/apply.h"

struct rollout;

struct rollout_opts {
	struct kube_client *client;
	struct metrics *metrics;
	struct apply *apply;
	struct watch *watch;
	const char *service;          /* "NAMESPACE/NAME", or NULL: nothing to follow */
	struct service_target target; /* at first: the configured addresses, or none */
};

int rollout_new(struct event_base *base, const struct rollout_opts *opts,
                struct rollout **ret_rollout, struct err *err);
void rollout_free(struct rollout *r);
/** rollout_is_synced() - it is known where the activators are */
bool rollout_is_synced(const struct rollout *r);
uint64_t rollout_lost_ms(const struct rollout *r, uint64_t now_ms);
