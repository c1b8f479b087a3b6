/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clk - the one place where time is read
 *
 * Arithmetic uses monotonic milliseconds; wall time is only for printing and lease records.
 * Modules below core/ never call this: time is an argument there.
 */
#pragma once

#include <stdint.h>
#include <sys/time.h>

uint64_t clk_now_ms(void); /* CLOCK_MONOTONIC */
uint64_t clk_now_us(void); /* CLOCK_MONOTONIC, for stage timings */
uint64_t clk_wall_ms(void); /* CLOCK_REALTIME since 1970 */

/** clk_timeval() - a duration as libevent takes it; reads no clock */
static inline struct timeval clk_timeval(uint64_t ms)
{
	return (struct timeval){(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
}
