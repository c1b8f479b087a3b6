/* SPDX-License-Identifier: Apache-2.0 */
/*
 * end_reason - why a request ended: enum, metric label, HTTP status and text from one table
 */
#pragma once

enum end_reason {
#define END_REASON(name, label, status, text) END_##name,
#include "activator/core/end_reason.def"
#undef END_REASON
	END_REASONS_COUNT
};

const char *end_reason_label(enum end_reason reason);
/** end_reason_status() - 0 when the answer, if any, was not ours */
unsigned end_reason_status(enum end_reason reason);
const char *end_reason_text(enum end_reason reason);

/** status_phrase() - RFC 9110 section 15 reason phrase of the codes in the table */
const char *status_phrase(unsigned status);
