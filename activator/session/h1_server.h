/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h1_server - HTTP/1.1 towards clients, as its two files see it: h1_server.c reads requests from a
 * connection, one after the other, and hands each to an exchange as a stream; h1_answer.c writes
 * the answers. Others use it through struct protocol.
 */
#pragma once

#include "activator/core/forward.h"
#include "activator/http/message.h"
#include "activator/session/client.h"

struct h1_server {
	struct client client; /* first: the turn runs the session by it */
	struct stream stream;
	struct message *message; /* while a head or a body is read */
	struct head_buf *head;   /* while bytes are in it */
	enum forward_framing framing;
	bool close;    /* after this answer */
	bool accepted; /* these are of a request that has an exchange */
	bool has_body;
	bool is_head;
	bool is_1_0;
	bool keep_alive;
	bool body_done;
	bool body_wanted; /* it was asked for some of it */
	bool wanted;      /* a piece may be read */
	bool stopped;     /* no more of the body is wanted */
	bool half_closed; /* in a tunnel: the client is still to be told of the end */
	bool ended;       /* in a tunnel: the client has no more to say */
};

/* What the exchange may call. */
extern const struct stream_ops h1_server_ops;

/** h1_refuse() - of struct protocol: an answer that no request was made for */
void h1_refuse(struct client *c, enum end_reason reason, const char *detail);
/** h1_half_close() - in a tunnel: all is sent, and the container has ended its side */
void h1_half_close(struct h1_server *h);
