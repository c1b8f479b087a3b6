/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wake_rate - how many containers are woken: in all, of a namespace, on a node
 *
 * Four buckets, and a wake takes from each of them or from none. What a node can start it starts
 * for everybody, so one namespace has half of it: whoever lets its containers there come and go all
 * the time does not use up what the others' need.
 */
#pragma once

#include "activator/core/bucket.h"
#include "activator/core/end_reason.h"

struct wake_rates {
	struct bucket_limit all;
	struct bucket_limit of_namespace;
	struct bucket_limit of_node;
};

/* Of one container: borrowed. */
struct wake_buckets {
	struct bucket *all;
	struct bucket *of_namespace;
	struct bucket *of_node;  /* NULL: its files are on no node yet */
	struct bucket *of_share; /* of its namespace on that node; NULL with of_node */
};

/** wake_rate_check() - Return: END_NONE when one may be woken now, else which rate is used up */
enum end_reason wake_rate_check(const struct wake_rates *rates, const struct wake_buckets *buckets,
                                uint64_t now_ms);

/** wake_rate_take() - one is woken */
void wake_rate_take(const struct wake_rates *rates, const struct wake_buckets *buckets,
                    uint64_t now_ms);
