/* SPDX-License-Identifier: Apache-2.0 */
/*
 * share - fair shares of the room for waiting requests between namespaces and containers
 */
#include "activator/core/share.h"

struct hold_limits share_cap(const struct hold_limits *says, const struct hold_limits *all,
                             unsigned pct)
{
	uint32_t requests = (uint32_t)((uint64_t)all->requests_max * pct / 100);
	size_t bytes = all->bytes_max / 100 * pct;
	struct hold_limits cap = *says;

	if (cap.requests_max > requests)
		cap.requests_max = requests > 0 ? requests : 1;
	if (cap.bytes_max > bytes)
		cap.bytes_max = bytes;
	return cap;
}

uint64_t share_of(const struct hold_usage *u, const struct hold_limits *all)
{
	/* As a fraction of 2^32; of bytes a KiB is as fine as it need be. */
	uint64_t requests = ((uint64_t)u->requests_count << 32) / all->requests_max;
	uint64_t bytes = ((uint64_t)(u->bytes >> 10) << 32) / ((all->bytes_max >> 10) + 1);

	return requests > bytes ? requests : bytes;
}

bool share_may_displace(const struct hold_usage *mine, const struct hold_usage *largest,
                        const struct hold_limits *all, size_t bytes)
{
	const struct hold_usage after = {mine->requests_count + 1, mine->bytes + bytes};

	return share_of(&after, all) < share_of(largest, all);
}
