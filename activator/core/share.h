/* SPDX-License-Identifier: Apache-2.0 */
/*
 * share - who may wait when not everybody can: max-min between namespaces, then containers
 *
 * While there is room anybody may use all of it up to a container's own limit. Once it is full, a
 * claimant with less than the largest takes a place from it, one at a time, until all who want
 * more than an equal share have an equal share.
 */
#pragma once

#include "activator/core/hold_policy.h"

/** share_cap() - what one container may hold at most: the manifest's word, and @pct of the whole */
struct hold_limits share_cap(const struct hold_limits *says, const struct hold_limits *all,
                             unsigned pct);

/**
 * share_may_displace() - whether a request of @bytes may take a place of the largest
 * @mine: what the claimant holds; @largest: what the other one holds; of @all
 * Only when the claimant has less with it than the other has now, so places do not go to and fro.
 */
bool share_may_displace(const struct hold_usage *mine, const struct hold_usage *largest,
                        const struct hold_limits *all, size_t bytes);

/** share_of() - the part of @all that @u is, of requests or bytes, whichever is more */
uint64_t share_of(const struct hold_usage *u, const struct hold_limits *all);
