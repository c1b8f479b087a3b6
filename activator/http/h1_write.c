/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_write - writes chunks of a body in HTTP/1.1, and whole answers of our own
 */
#include "activator/http/h1_write.h"

#include <stdio.h>
#include <string.h>

#include "activator/core/hold_policy.h"
#include "activator/core/request_id.h"

enum { HEAD_LINES_BYTES = 768 };

void h1_write_chunk(struct out *o, const char *at, size_t bytes)
{
	char size[20];
	int n = snprintf(size, sizeof size, "%zx\r\n", bytes);

	if (bytes == 0)
		return; /* it would be the last one */
	out_put(o, size, (size_t)n);
	out_put(o, at, bytes);
	out_put(o, "\r\n", 2);
}

void h1_write_last_chunk(struct out *o, const char *trailers, size_t bytes)
{
	out_put(o, "0\r\n", 3);
	out_put(o, trailers, bytes);
	out_put(o, "\r\n", 2);
}

static void put_text(struct out *o, const char *text)
{
	out_put(o, text, strlen(text));
}

static void put_head(struct out *o, const struct h1_answer *a, size_t body_bytes)
{
	unsigned status = end_reason_status(a->problem->reason);
	char text[HEAD_LINES_BYTES];
	int n;

	n = snprintf(text, sizeof text, "HTTP/1.1 %u %s\r\nX-Request-Id: %s\r\n", status,
	             status_phrase(status), a->problem->request_id);
	out_put(o, text, (size_t)n);
	if (body_bytes > 0) {
		n = snprintf(text, sizeof text,
		             "Content-Type: %s\r\nContent-Length: %zu\r\n"
		             "Cache-Control: no-store\r\n",
		             a->as_text ? "text/plain; charset=utf-8" : "application/problem+json",
		             body_bytes);
		out_put(o, text, (size_t)n);
	}
	if (status == 503) {
		n = snprintf(text, sizeof text, "Retry-After: %d\r\n", HOLD_RETRY_AFTER_S);
		out_put(o, text, (size_t)n);
	}
	if (status == 204 || status == 405)
		put_text(o, "Allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT\r\n");
	if (a->close)
		put_text(o, "Connection: close\r\n");
	else if (a->is_1_0)
		put_text(o, "Connection: keep-alive\r\n");
	put_text(o, "\r\n");
}

void h1_write_answer(struct out *o, const struct h1_answer *a)
{
	char body[PROBLEM_BYTES];
	size_t bytes = 0;

	if (end_reason_status(a->problem->reason) != 204)
		bytes = problem_write(a->problem, a->as_text, body);
	put_head(o, a, bytes);
	if (!a->is_head)
		out_put(o, body, bytes);
}
