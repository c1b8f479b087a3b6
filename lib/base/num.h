/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num - parses numbers, durations and quantities with bounds; no other file parses digits
 */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"

/** num_parse_u64() - decimal digits only. Return: 0, or -1 with err naming @text and the bounds. */
int num_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value,
                  struct err *err);

/**
 * num_parse_duration_ms() - Go's duration text as Kubernetes uses it: "5m", "1h30m", "250ms", "0s"
 * Units: ns (truncated to ms), us, ms, s, m, h; "0" alone is allowed; a fraction ("1.5s") too.
 */
int num_parse_duration_ms(const char *text, uint64_t max_ms, uint64_t *ret_ms, struct err *err);

/**
 * num_parse_quantity() - a Kubernetes resource quantity, in thousandths of its unit
 * "16Mi", "1G", "100m", "0.5", "2e3" (apimachinery's resource.Quantity).
 */
int num_parse_quantity_milli(const char *text, uint64_t *ret_milli, struct err *err);

/** num_format_duration() - milliseconds as Go prints them ("5m0s", "1.5s", "250ms") into @buf */
const char *num_format_duration(uint64_t ms, char *buf, size_t size);

/** num_parse_rfc3339() - "2026-01-02T03:04:05[.frac]Z" to milliseconds since 1970 (metav1.Time) */
int num_parse_rfc3339(const char *text, uint64_t *ret_wall_ms, struct err *err);

enum { NUM_RFC3339_BYTES = 32 };

/** num_format_rfc3339() - seconds precision, UTC (metav1.Time); @micro: 6 digits (MicroTime) */
const char *num_format_rfc3339(uint64_t wall_ms, _Bool micro, char buf[NUM_RFC3339_BYTES]);

enum { NUM_AGE_BYTES = 24 };

/** num_format_age() - a duration as kubectl prints ages: "5s", "3m10s", "2d4h" (HumanDuration) */
const char *num_format_age(uint64_t ms, char buf[NUM_AGE_BYTES]);
