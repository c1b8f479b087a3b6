/* SPDX-License-Identifier: Apache-2.0 */
/*
 * defaults - idle timeouts of containers whose manifest has none, for all or by namespace
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum { DEFAULTS_NAMESPACES_MAX = 256, DEFAULTS_NAMESPACE_BYTES = 64 };

struct defaults_namespace {
	char ns[DEFAULTS_NAMESPACE_BYTES];
	bool timeout_set, startup_grace_set;
	uint64_t timeout_ms, startup_grace_ms;
};

struct defaults {
	uint64_t timeout_ms; /* 0: never */
	uint64_t startup_grace_ms;
	struct defaults_namespace namespaces[DEFAULTS_NAMESPACES_MAX];
	size_t namespaces_count;
};

/**
 * defaults_parse() - "NAMESPACE timeout=10m startupGrace=1m" each, one of the two or both
 * @list: NULL-terminated; @max_ms: of each duration
 * Return: 0; negative with err naming the text that is wrong, or the namespace that is there twice.
 */
int defaults_parse(struct defaults *d, const char *const *list, uint64_t max_ms, struct err *err);

uint64_t defaults_timeout_ms(const struct defaults *d, const char *ns);
uint64_t defaults_startup_grace_ms(const struct defaults *d, const char *ns);
