/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn - a connection: a non-blocking TCP socket, and the bytes that it would not take yet
 *
 * Its one face to all protocols: read, put, flush, end of our side. A TLS session on the socket
 * would be in here, and nowhere else. The socket is registered once, edge-triggered; flags remember
 * which edges were seen, so pausing and going on cost no system call. An event marks the
 * connection, and the turn runs whoever serves it.
 */
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "activator/net/out.h"
#include "activator/net/turn.h"

struct conn {
	int fd; /* -1: closed */
	bool readable;
	bool writable;
	bool closed;           /* the peer has ended its side; there may still be bytes to read */
	bool broken;           /* conn_check() has seen that it was reset */
	uint32_t kernel_bytes; /* of its queues, when last measured */
	uint64_t read_bytes;   /* since it was opened */
	uint64_t sent_bytes;
	uint64_t measured_bytes; /* sent_bytes, when last measured */
	struct out out;
	struct turn *turn;
	struct turn_item item;
	struct event ev;
};

enum { CONN_EOF = 0, CONN_AGAIN = -1, CONN_FAILED = -2 };

/** conn_open() - takes @fd in any case; conn_serve() follows. Return: 0, or -1 with it closed */
int conn_open(struct conn *c, struct turn *turn, int fd);
/**
 * conn_dial() - begin to connect; conn_serve() follows, and conn_dialled() says what became of it
 * @crowded: there are so many that what the kernel takes in for them unasked must be little
 * Return: 0, or -1 when it did not even begin
 */
int conn_dial(struct conn *c, struct turn *turn, const struct sockaddr *address, socklen_t bytes,
              bool crowded);
/** conn_dialled() - Return: 1 connected, 0 not yet, -1 failed */
int conn_dialled(const struct conn *c);
/** conn_narrow() - while memory is short, the kernel keeps little for it */
void conn_narrow(const struct conn *c);
/** conn_serve() - whom the turn runs from now on when something happens to it */
void conn_serve(struct conn *c, void (*run)(void *arg), void *arg);
/** conn_mark() - whoever serves it runs in this turn */
void conn_mark(struct conn *c);
/** conn_spend() - bytes were moved for it. Return: true when it goes on in the next turn */
bool conn_spend(struct conn *c, size_t bytes);
void conn_close(struct conn *c);
/** conn_end() - our side has no more to say */
void conn_end(struct conn *c);
/** conn_measure() - bring what its queues take into the account, unless nothing can have changed */
void conn_measure(struct conn *c);
/** conn_taken() - how many of the bytes sent the peer's side has acknowledged */
uint64_t conn_taken(const struct conn *c);
/** conn_read() - Return: bytes, or CONN_EOF, CONN_AGAIN, CONN_FAILED */
long conn_read(struct conn *c, char *buf, size_t size);
/** conn_flush() - Return: bytes written, or CONN_FAILED; out_bytes() says what is left */
long conn_flush(struct conn *c);
/** conn_is_quiet() - whether nothing waits on it now: no byte, no end, no failure */
bool conn_is_quiet(const struct conn *c);
/** conn_has_bytes() - whether a byte waits on it now */
bool conn_has_bytes(const struct conn *c);
/** conn_waiting() - how many bytes have come that were not read */
size_t conn_waiting(const struct conn *c);
/** conn_is_gone() - whether it is broken; that the peer has ended its side is not that */
bool conn_is_gone(const struct conn *c);

/**
 * conn_check() - whether it was reset without a word
 *
 * libevent tells of a reset as of bytes; if there are bytes as well, reading them empties the
 * socket, and no edge follows. So it is asked now and then of those that we wait for.
 */
bool conn_check(struct conn *c);
