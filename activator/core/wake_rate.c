/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wake_rate - limits how many containers are woken per second: in all, of a namespace, on a node
 */
#include "activator/core/wake_rate.h"

#include <stddef.h>

static uint32_t half(uint32_t count)
{
	return count / 2 + count % 2;
}

/* What one namespace may have of a node. */
static struct bucket_limit share_of_node(const struct wake_rates *rates)
{
	return (struct bucket_limit){half(rates->of_node.per_s), half(rates->of_node.burst)};
}

enum end_reason wake_rate_check(const struct wake_rates *rates, const struct wake_buckets *buckets,
                                uint64_t now_ms)
{
	const struct bucket_limit share = share_of_node(rates);

	if (!bucket_has(buckets->all, &rates->all, now_ms))
		return END_WAKE_RATE;
	if (!bucket_has(buckets->of_namespace, &rates->of_namespace, now_ms))
		return END_WAKE_RATE_NAMESPACE;
	if (buckets->of_node != NULL && (!bucket_has(buckets->of_node, &rates->of_node, now_ms) ||
	                                 !bucket_has(buckets->of_share, &share, now_ms)))
		return END_WAKE_RATE_NODE;
	return END_NONE;
}

void wake_rate_take(const struct wake_rates *rates, const struct wake_buckets *buckets,
                    uint64_t now_ms)
{
	const struct bucket_limit share = share_of_node(rates);

	bucket_take(buckets->all, &rates->all, now_ms);
	bucket_take(buckets->of_namespace, &rates->of_namespace, now_ms);
	if (buckets->of_node == NULL)
		return;
	bucket_take(buckets->of_node, &rates->of_node, now_ms);
	bucket_take(buckets->of_share, &share, now_ms);
}
