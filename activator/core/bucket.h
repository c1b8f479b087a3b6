/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bucket - a rate with a burst: tokens that come back with time
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bucket_limit {
	uint32_t per_s; /* 0: no limit */
	uint32_t burst; /* what is there after a quiet while */
};

struct bucket {
	uint64_t at_ms;
	uint64_t used_milli; /* thousandths of tokens that are missing at at_ms */
};

/** bucket_has() - whether a token is there now */
bool bucket_has(const struct bucket *b, const struct bucket_limit *limit, uint64_t now_ms);

/** bucket_take() - take one that is there */
void bucket_take(struct bucket *b, const struct bucket_limit *limit, uint64_t now_ms);

/** bucket_wait_ms() - until the next token is there; 0 when one is */
uint64_t bucket_wait_ms(const struct bucket *b, const struct bucket_limit *limit, uint64_t now_ms);
