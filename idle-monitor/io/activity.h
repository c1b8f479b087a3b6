/* SPDX-License-Identifier: Apache-2.0 */
/*
 * activity - reads what an activator answers to GET /v1/activity
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum {
	ACTIVITY_TARGETS_MAX = 50000,
	ACTIVITY_BYTES_MAX = 16 << 20,
	ACTIVITY_UID_BYTES = 64,
	ACTIVITY_CLIENT_BYTES = 48, /* an IPv6 address with its zone */
};

struct activity_target {
	char uid[ACTIVITY_UID_BYTES];
	char client[ACTIVITY_CLIENT_BYTES]; /* who sent the last request, "": unknown */
	bool busy;                          /* requests in flight or held */
	bool upgraded_open;
	bool has_request;
	uint64_t request_age_ms; /* since the last request or upgraded byte ended */
};

struct activity {
	uint64_t uptime_ms;
	size_t targets_count;
	struct activity_target targets[]; /* ascending by uid */
};

/** activity_parse() - Return: 0; negative with err saying what is wrong with the answer */
int activity_parse(const char *text, size_t bytes, struct activity **ret_activity, struct err *err);
void activity_free(struct activity *a);

/** activity_find() - Return: borrowed; NULL when that activator knows nothing of the container */
const struct activity_target *activity_find(const struct activity *a, const char *uid);

DEFINE_CLEANUP(struct activity *, activity_free);
