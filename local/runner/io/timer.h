/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timer - starts a timer of libevent, in milliseconds from now
 */
#pragma once

#include <event2/event.h>
#include <stdint.h>

#include "lib/base/clk.h"

static inline void timer_after(struct event *timer, uint64_t ms)
{
	struct timeval tv = clk_timeval(ms);

	(void)evtimer_add(timer, &tv);
}
