/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leader - leader election by a coordination.k8s.io/v1 Lease
 *
 * The rules of client-go's leaderelection: a candidate takes a lease whose record it has not seen
 * change for lease_ms by its own monotonic clock; the leader renews each renew_ms with a
 * resourceVersion precondition and stops acting when it could not for lease_ms - 1/3.
 */
#pragma once

#include "lib/kube/client/client.h"

struct leader;

struct leader_opts {
	const char *ns;
	const char *name;
	const char *identity;
	uint64_t lease_ms; /* 15000 */
	uint64_t renew_ms; /* 5000 */
	uint64_t retry_ms; /* 2000 */
	void (*on_change)(void *arg, bool leading);
	void *arg;
};

int leader_new(struct event_base *base, struct kube_client *client, const struct leader_opts *opts,
               struct leader **ret_leader, struct err *err);
/** leader_release() - give the lease up (holderIdentity "") and call @done; for an orderly end */
void leader_release(struct leader *l, void (*done)(void *arg), void *arg);
void leader_free(struct leader *l);
/** leader_is_leading() - true only while the lease is ours by the monotonic clock, now */
bool leader_is_leading(const struct leader *l, uint64_t now_ms);
