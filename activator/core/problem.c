/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem - writes the body of an error answer: problem details in JSON (RFC 9457), or a line of
 * text
 */
#include "activator/core/problem.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool accepts(const struct head *h, const char *type)
{
	struct head_list list = {0};

	while (head_list_next(h, FIELD_ACCEPT, &list)) {
		const char *semicolon = memchr(list.text, ';', list.bytes);
		size_t n = semicolon ? (size_t)(semicolon - list.text) : list.bytes;

		while (n > 0 && (list.text[n - 1] == ' ' || list.text[n - 1] == '\t'))
			n--;
		if (n == strlen(type) && strncasecmp(list.text, type, n) == 0)
			return true;
	}
	return false;
}

bool problem_as_text(const struct head *h)
{
	return (accepts(h, "text/html") || accepts(h, "text/plain")) &&
	       !accepts(h, "application/problem+json") && !accepts(h, "application/json");
}

/* Bytes of a well-formed character of UTF-8 at @text; 0: there is none */
static size_t utf8_bytes(const unsigned char *text)
{
	size_t n = text[0] < 0x80   ? 1
	           : text[0] < 0xc2 ? 0
	           : text[0] < 0xe0 ? 2
	           : text[0] < 0xf0 ? 3
	           : text[0] < 0xf5 ? 4
	                            : 0;

	for (size_t i = 1; i < n; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* The detail as the body of a JSON string, or as text in one line: what it says is not ours. */
static void put_detail(const char *detail, bool as_text, char buf[2 * PROBLEM_DETAIL_MAX + 1])
{
	const char *end = detail + strnlen(detail, PROBLEM_DETAIL_MAX);
	size_t at = 0;

	while (detail < end) {
		size_t n = utf8_bytes((const unsigned char *)detail);

		if (n == 0 || detail + n > end || (unsigned char)*detail < 0x20 ||
		    *detail == 0x7f) {
			buf[at++] = n == 1 ? ' ' : '?';
			detail++;
			continue;
		}
		if (!as_text && (*detail == '"' || *detail == '\\'))
			buf[at++] = '\\';
		memcpy(buf + at, detail, n);
		at += n;
		detail += n;
	}
	buf[at] = '\0';
}

size_t problem_write(const struct problem *p, bool as_text, char buf[PROBLEM_BYTES])
{
	unsigned status = end_reason_status(p->reason);
	char detail[2 * PROBLEM_DETAIL_MAX + 1] = "";
	const char *colon;
	int n;

	if (p->detail)
		put_detail(p->detail, as_text, detail);
	colon = detail[0] ? ": " : "";
	if (as_text)
		n = snprintf(buf, PROBLEM_BYTES, "%s%s%s\n\nRequest %s%s\n",
		             end_reason_text(p->reason), colon, detail, p->request_id,
		             status < 502   ? "."
		             : p->delivered ? "; the container may have seen it."
		                            : "; the container has not seen it.");
	else
		n = snprintf(buf, PROBLEM_BYTES,
		             "{\"title\":\"%s\",\"status\":%u,\"detail\":\"%s%s%s\","
		             "\"reason\":\"%s\",\"delivered\":%s,\"requestId\":\"%s\"}\n",
		             status_phrase(status), status, end_reason_text(p->reason), colon,
		             detail, end_reason_label(p->reason), p->delivered ? "true" : "false",
		             p->request_id);
	return n < PROBLEM_BYTES ? (size_t)n : PROBLEM_BYTES - 1;
}
