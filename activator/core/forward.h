/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward - the head that goes on, made of the head that came in
 *
 * Never the bytes that came in: names, values and framing are written anew, so what the next hop
 * reads is what we understood. Request: hop-by-hop fields out, and names that a container may take
 * for those that we write (field.h: twins). X-Forwarded-* say where the request came from: of a
 * peer that is trusted they go on, and its address is appended; of any other they are ours alone.
 * Response: hop-by-hop fields out, framing and Connection ours; all else, Date too, stays.
 */
#pragma once

#include "activator/core/head.h"

/* Room to write into; @overflow is set instead of writing past the end. */
struct forward_text {
	char *at;
	size_t bytes;
	size_t capacity;
	bool overflow;
};

/* Upper bound of the result of the functions below, beyond the head's own text. */
enum { FORWARD_EXTRA_BYTES = 1024 };

void forward_put(struct forward_text *t, const char *text, size_t bytes);

/* Where a request came from. */
struct forward_origin {
	const char *address;    /* of the peer that we saw */
	bool trusted;           /* a proxy: what it says of those before it goes on */
	const char *request_id; /* X-Request-Id */
	const char *upgrades;   /* what Upgrade may name, as "a,b" */
};

void forward_request(struct forward_text *t, const struct head *h, const struct request_facts *f,
                     const struct forward_origin *origin);

/* How the answer's body goes to the client. */
enum forward_framing {
	FORWARD_NO_BODY, /* none can follow: HEAD, 1xx, 204, 304 */
	FORWARD_LENGTH,
	FORWARD_CHUNKED,
	FORWARD_UNTIL_CLOSE,
};

struct forward_response {
	enum forward_framing framing;
	bool close;         /* say "Connection: close" */
	bool client_is_1_0; /* must be told of keep-alive */
	bool upgrade;       /* 101 */
};

void forward_response(struct forward_text *t, const struct head *h,
                      const struct forward_response *how);
