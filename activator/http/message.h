/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message - reads one HTTP/1.1 message: its head, then pieces of its body, then its end
 *
 * llhttp parses; this keeps the head as slices of its text, and hands each piece of the body to a
 * callback, without the chunk sizes and extensions around it. Trailers that may go on
 * (RFC 9110 section 6.5.1) are kept as lines. How the body is framed for the next hop is not its
 * business: see h1_write.h.
 */
#pragma once

#include <llhttp.h>

#include "activator/core/head.h"
#include "activator/net/out.h"

/* The storage of a head while it is read, and of what came behind it. */
struct head_buf {
	struct head_buf *next; /* in the free list */
	char *data;
	uint32_t bytes;  /* read from the socket */
	uint32_t parsed; /* given to the parser */
	uint32_t capacity;
	struct head head;
};

struct head_buf *head_buf_take(void); /* NULL: out of memory */
void head_buf_give(struct head_buf *b);
/** head_buf_room() - make room to read into. Return: bytes of room; 0 at HEAD_BYTES_MAX, or when
 *  there is no memory for more of it */
size_t head_buf_room(struct head_buf *b);
/** head_buf_put() - add bytes that were read already. Return: false as above; then none is added */
bool head_buf_put(struct head_buf *b, const char *data, size_t bytes);
/** head_buf_compact() - drop what was parsed: another head begins at what is left */
void head_buf_compact(struct head_buf *b);
/** head_buf_pool_drop() - free what is kept for reuse, messages as well */
void head_buf_pool_drop(void);

enum message_step {
	MESSAGE_MORE, /* all was read, more is needed */
	MESSAGE_HEAD, /* the head is complete */
	MESSAGE_DONE, /* the message is complete */
	MESSAGE_BAD,
	MESSAGE_TOO_MANY, /* fields */
};

struct message {
	struct message *next; /* in the free list */
	llhttp_t parser;
	struct head_buf *head; /* borrowed: while the head is read */
	/* Each piece of the body, without its framing; NULL: thrown away. */
	void (*on_body)(void *arg, const char *at, size_t bytes);
	void *arg;
	struct out trailers;
	size_t trailers_bytes; /* read, kept or not */
	size_t events_count;   /* of the parser, in the last piece of the body */
	size_t piece_bytes;    /* how much to read at once, by the last one; 0: there was none */
	bool value_open;
	bool skip_body; /* answer to HEAD */
	bool head_done;
	bool done;
	bool too_many;
	char last;              /* byte of the body's piece before */
	const char *trailer_at; /* where the trailers begin in this piece; NULL: not in it */
};

void message_init(struct message *m, llhttp_type_t type);
void message_done(struct message *m);
/** message_take() - one of a pool, initialised; message_give() it back. Return: NULL, no memory */
struct message *message_take(llhttp_type_t type);
void message_give(struct message *m); /* NULL: nothing */
/** message_head() - go on reading the head in @b, up to its end */
enum message_step message_head(struct message *m, struct head_buf *b);
/** message_body() - @ret_used: how many bytes belonged to this message */
enum message_step message_body(struct message *m, const char *data, size_t bytes, size_t *ret_used);
/** message_trailers() - of a complete message: lines that end in CRLF, or nothing */
const char *message_trailers(const struct message *m, size_t *ret_bytes);
/**
 * message_piece() - how much of a body to read at once, of @most_bytes: little of one that comes in
 * crumbs, since a piece is parsed to its end before others are asked
 */
size_t message_piece(const struct message *m, size_t most_bytes);
/** message_cost() - what the last @bytes of a body cost, in bytes of one that is only passed on */
size_t message_cost(const struct message *m, size_t bytes);
/** message_eof() - the connection ended. Return: MESSAGE_DONE when that ends the body in order */
enum message_step message_eof(struct message *m);
