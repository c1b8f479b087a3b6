/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clk - reads the monotonic and the wall clock
 */
#include "lib/base/clk.h"

#include <time.h>

static uint64_t clk_read_us(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clk_now_ms(void)
{
	return clk_read_us(CLOCK_MONOTONIC) / 1000;
}

uint64_t clk_now_us(void)
{
	return clk_read_us(CLOCK_MONOTONIC);
}

uint64_t clk_wall_ms(void)
{
	return clk_read_us(CLOCK_REALTIME) / 1000;
}
