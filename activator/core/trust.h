/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust - a set of addresses: of proxies whose word on who asked is taken, of clients that are told
 * more
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

enum { TRUST_RANGES_MAX = 64, TRUST_ADDRESS_BYTES = 16 };

struct trust_range {
	unsigned char address[TRUST_ADDRESS_BYTES]; /* of v4: as one that is mapped to v6 */
	unsigned bits;
};

struct trust {
	struct trust_range ranges[TRUST_RANGES_MAX];
	unsigned ranges_count;
};

/**
 * trust_parse() - @list: NULL-terminated; an address, a range ("10.0.0.0/8", "fd00::/8"), "private"
 * for all that no stranger on the internet can have, or "none"
 */
int trust_parse(const char *const *list, struct trust *ret_trust, struct err *err);

bool trust_has(const struct trust *t, const unsigned char address[TRUST_ADDRESS_BYTES]);
