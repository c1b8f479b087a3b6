/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pause - how long to wait before the next try: twice as long each time, up to a limit
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct pause_limit {
	uint64_t first_ms;
	uint64_t max_ms;
	uint64_t forget_ms; /* without a try for so long it begins anew; 0: never */
};

struct pause {
	uint64_t ms;    /* the last one; 0: none yet */
	uint64_t at_ms; /* when it began */
};

/** pause_next() - Return: how long the one is that begins now */
uint64_t pause_next(struct pause *p, const struct pause_limit *limit, uint64_t now_ms);

/** pause_over() - what was tried has succeeded: the next one is short again */
void pause_over(struct pause *p);

/**
 * pause_helps() - what failed for want of descriptors, memory or processes, or was interrupted, may
 * do later as it is
 */
bool pause_helps(const struct err *err);
bool pause_helps_with(int sys_errno);
