/* SPDX-License-Identifier: Apache-2.0 */
/*
 * end_reason - the table of reasons for which a request ends, with each one's metric label, HTTP
 * status and text
 */
#include "activator/core/end_reason.h"

#include <assert.h>

struct end_reason_row {
	const char *label;
	unsigned status;
	const char *text;
};

static const struct end_reason_row end_reason_rows[END_REASONS_COUNT] = {
#define END_REASON(name, label, status, text) [END_##name] = {label, status, text},
#include "activator/core/end_reason.def"
#undef END_REASON
};

const char *end_reason_label(enum end_reason reason)
{
	assert(reason < END_REASONS_COUNT);
	return end_reason_rows[reason].label;
}

unsigned end_reason_status(enum end_reason reason)
{
	assert(reason < END_REASONS_COUNT);
	return end_reason_rows[reason].status;
}

const char *end_reason_text(enum end_reason reason)
{
	assert(reason < END_REASONS_COUNT);
	return end_reason_rows[reason].text;
}

const char *status_phrase(unsigned status)
{
	switch (status) {
	case 204:
		return "No Content";
	case 400:
		return "Bad Request";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 414:
		return "URI Too Long";
	case 431:
		return "Request Header Fields Too Large";
	case 500:
		return "Internal Server Error";
	case 501:
		return "Not Implemented";
	case 502:
		return "Bad Gateway";
	case 503:
		return "Service Unavailable";
	case 504:
		return "Gateway Timeout";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "";
	}
}
