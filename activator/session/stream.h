/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream - one request and its answer, as a session sees it; or, after an upgrade, a tunnel
 *
 *     client <──bytes──> session ──events──> exchange <──events── session <──bytes──> container
 *                                <──calls───          ───calls──>
 *
 * A session turns the bytes of a connection into streams; it knows a protocol, and one side only.
 * The exchange (proxy/exchange.h) couples two streams; it knows no protocol. Calls and events never
 * run anybody: they put bytes into buffers, change states and mark, and the turn runs what is
 * marked. So a session may go on after each event, by its own state.
 *
 * Credit: a session reads from its socket only after want(), and one piece for each: room() of the
 * other side's stream says that it has sent all it was given, so no more than a piece waits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "activator/core/end_reason.h"
#include "activator/core/head.h"
#include "activator/core/problem.h"

struct conn;
struct stream;

/* What an exchange asks of a stream. */
struct stream_ops {
	/* Of a client's stream only. An answer of our own, whole: the stream is over. */
	void (*answer)(struct stream *s, const struct problem *p, bool as_text);
	/* Of a client's stream only. The head of an answer; interim ones (1xx) come before it. */
	void (*head)(struct stream *s, const struct head *h);
	void (*data)(struct stream *s, const char *at, size_t bytes);
	/* The message is complete; of a client's stream: it is over. In a tunnel: the end of what
	   the other side has to say, and nothing more. */
	void (*end)(struct stream *s, const char *trailers, size_t bytes);
	/* What was read already may be delivered, and one piece more. */
	void (*want)(struct stream *s);
	/* Nothing more will be wanted: what still comes of its message is nobody's. */
	void (*stop)(struct stream *s);
	/* From now on bytes are only passed on. */
	void (*tunnel)(struct stream *s);
	/* How many bytes the peer has not taken yet. */
	size_t (*queued)(const struct stream *s);
	/* It is over. @complete: what was given is still sent, and the connection may serve another
	   one if its protocol allows that; else a client's connection ends at once. Return: of a
	   container's, whether the connection can be used again */
	bool (*close)(struct stream *s, bool complete);
};

/* What a stream tells its exchange; never from within a call. */
struct stream_events {
	/* Of a client's stream only: its head was read and given back. @kept_bytes of memory are in
	   use for what came behind it. */
	void (*begin)(void *owner, size_t kept_bytes);
	/* Of a container's stream only. */
	void (*head)(void *owner, const struct head *h);
	void (*data)(void *owner, const char *at, size_t bytes);
	/* Its message is complete; in a tunnel: the peer has ended its side. */
	void (*end)(void *owner, const char *trailers, size_t bytes);
	/* All that was given is sent. */
	void (*room)(void *owner);
	/* Of a container's stream only: it takes no more, but may answer all the same. */
	void (*deaf)(void *owner);
	/* END_CLIENT_GONE: the client's stream is over. Of others, the exchange closes it. */
	void (*lost)(void *owner, enum end_reason reason, const char *detail);
};

struct stream {
	const struct stream_ops *ops;
	const struct stream_events *events; /* NULL: it has no exchange (any more) */
	void *owner;                        /* the exchange */
	struct conn *conn;                  /* by which its bytes go: to be measured */
	bool sent;                          /* some of what was given has left */
	bool heard;                         /* some byte has come */
};

/* A request as it is sent to a container. */
struct stream_request {
	const char *text; /* its head, for the wire; copied */
	size_t bytes;
	bool is_head; /* to which no body is the answer */
	bool chunked; /* its body goes on in chunks */
};
