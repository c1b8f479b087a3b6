/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_write - what we send in HTTP/1.1 besides heads that go on (core/forward.h): chunks of a body,
 * RFC 9112 section 7.1, and answers of our own
 */
#pragma once

#include "activator/core/problem.h"
#include "activator/net/out.h"

void h1_write_chunk(struct out *o, const char *at, size_t bytes);
/** h1_write_last_chunk() - @trailers: lines that end in CRLF, or nothing */
void h1_write_last_chunk(struct out *o, const char *trailers, size_t bytes);

struct h1_answer {
	const struct problem *problem;
	bool as_text; /* the body: not as JSON */
	bool is_head; /* no body follows, whatever the head says */
	bool is_1_0;  /* must be told of keep-alive */
	bool close;
};

void h1_write_answer(struct out *o, const struct h1_answer *a);
