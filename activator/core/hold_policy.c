/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold_policy - whether one more request may wait, and whether a lost one may be sent again
 */
#include "activator/core/hold_policy.h"

#include <assert.h>

static bool hold_fits(const struct hold_limits *limits, const struct hold_usage *usage,
                      size_t bytes)
{
	return usage->requests_count < limits->requests_max && usage->bytes <= limits->bytes_max &&
	       bytes <= limits->bytes_max - usage->bytes;
}

enum end_reason hold_admit(const struct hold_limits *target, const struct hold_usage *target_usage,
                           const struct hold_limits *all, const struct hold_usage *all_usage,
                           size_t bytes)
{
	if (!hold_fits(target, target_usage, bytes))
		return END_OVER_BUDGET;
	if (!hold_fits(all, all_usage, bytes))
		return END_OVERLOADED;
	return END_NONE;
}

void hold_charge(struct hold_usage *u, size_t bytes)
{
	u->requests_count++;
	u->bytes += bytes;
}

void hold_discharge(struct hold_usage *u, size_t bytes)
{
	assert(u->requests_count > 0 && u->bytes >= bytes);
	u->requests_count--;
	u->bytes -= bytes;
}

bool hold_may_retry(const struct hold_loss *loss)
{
	if (loss->answered || loss->attempts_count >= HOLD_ATTEMPTS_MAX)
		return false;
	return !loss->sent || (loss->idempotent && !loss->has_body);
}

uint64_t hold_backoff_ms(unsigned failures)
{
	return failures >= 5 ? 2000 : 100u << failures;
}
