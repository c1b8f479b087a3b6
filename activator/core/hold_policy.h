/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold_policy - how much may wait, and when a lost request may be sent again
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "activator/core/end_reason.h"

struct hold_limits {
	uint32_t requests_max;
	size_t bytes_max;
};

struct hold_usage {
	uint32_t requests_count;
	size_t bytes;
};

enum { HOLD_ATTEMPTS_MAX = 3, HOLD_RETRY_AFTER_S = 5 };

/**
 * hold_admit() - whether a request of @bytes may wait
 * Return: END_NONE, or why not: END_OVER_BUDGET of its target, END_OVERLOADED of the process
 */
enum end_reason hold_admit(const struct hold_limits *target, const struct hold_usage *target_usage,
                           const struct hold_limits *all, const struct hold_usage *all_usage,
                           size_t bytes);

void hold_charge(struct hold_usage *u, size_t bytes);
void hold_discharge(struct hold_usage *u, size_t bytes);

/* What became of a request before its connection to the backend ended. */
struct hold_loss {
	bool sent;       /* any byte of it */
	bool answered;   /* any byte of an answer was seen */
	bool idempotent; /* its method (RFC 9110 section 9.2.2) */
	bool has_body;
	unsigned attempts_count; /* how often it was lost before */
};

/** hold_may_retry() - the rule of docs/protocols.md, section "Wake" */
bool hold_may_retry(const struct hold_loss *loss);

/** hold_backoff_ms() - wait before wake attempt @failures + 1: 100 ms doubling to 2 s */
uint64_t hold_backoff_ms(unsigned failures);
