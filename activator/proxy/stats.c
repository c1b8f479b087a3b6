/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats - counts how requests ended
 */
#include "activator/proxy/internal.h"

void proxy_count(struct proxy *p, enum end_reason reason, unsigned status)
{
	p->stats.ended[reason]++;
	if (reason == END_OK && status < PROXY_STATUS_MAX)
		p->stats.answered[status]++;
}
