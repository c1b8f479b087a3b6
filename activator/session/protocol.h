/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol - what is spoken on a connection: the one table that a new protocol adds a line to
 *
 * A listener names the protocol of its clients. HTTP/1.1 is the only one in the product;
 * tests/flow/activator/test_protocol.c adds another one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "activator/core/end_reason.h"

struct client;
struct conn;
struct stream;
struct stream_request;

struct protocol {
	const char *name;
	/* Towards clients. A session's struct begins with a struct client, and is zeroed. */
	size_t session_bytes;
	void (*open)(struct client *c);
	void (*run)(void *session); /* something has happened to its connection, or it was marked */
	/* An answer that no request was made for; a protocol without answers drops the client. */
	void (*refuse)(struct client *c, enum end_reason reason, const char *detail);
	/* Whether it waits for bytes of a request that is under way; NULL: never. */
	bool (*owes)(const struct client *c);
	/* How much memory it keeps for what was read; NULL: none. */
	size_t (*kept_bytes)(const struct client *c);
	/* The connection is closed, and the turn over: give back what it has, not the struct. */
	void (*done)(struct client *c);
	/* Towards containers; NULL: none of these. Serves @conn until the stream is closed. Return:
	   NULL when there is no memory */
	struct stream *(*ask)(struct conn *conn, const struct stream_request *r);
};

/* RFC 9112 */
extern const struct protocol protocol_h1;
