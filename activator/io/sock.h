/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sock - a non-blocking TCP socket, edge-triggered, and the bytes that it would not take yet
 *
 * Registered once for everything; the flags remember which edges were seen, so pausing and going
 * on cost no system call. A buffer exists only while bytes are in it.
 */
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>

struct sock {
	int fd; /* -1: closed */
	bool readable;
	bool writable;
	uint32_t kernel_bytes; /* of its queues, when last measured */
	uint64_t read_bytes;   /* since it was opened */
	uint64_t sent_bytes;
	uint64_t measured_bytes; /* sent_bytes, when last measured */
	bool closed;             /* the peer has ended its side; there may still be bytes to read */
	bool broken;             /* sock_check() has seen that it was reset */
	struct event ev;
};

enum { SOCK_EOF = 0, SOCK_AGAIN = -1, SOCK_FAILED = -2 };

/**
 * sock_narrow() - while memory is short, the kernel keeps little for a socket
 * @crowded: there are so many that what the kernel takes in for them unasked must be little anyway
 */
void sock_narrow(int fd, bool crowded);
/** sock_open() - takes @fd in any case. Return: 0, or -1 with it closed */
int sock_open(struct sock *s, struct event_base *base, int fd, event_callback_fn on_event,
              void *arg);
void sock_close(struct sock *s);
/** sock_note() - keep what an event callback was told */
void sock_note(struct sock *s, short what);
/** sock_measure() - bring what its queues take into the account, unless nothing can have changed */
void sock_measure(struct sock *s);
/** sock_taken() - how many of the bytes sent the peer's side has acknowledged */
uint64_t sock_taken(const struct sock *s);
/** sock_read() - Return: bytes, or SOCK_EOF, SOCK_AGAIN, SOCK_FAILED */
long sock_read(struct sock *s, char *buf, size_t size);
/** sock_is_quiet() - whether nothing waits on it now: no byte, no end, no failure */
bool sock_is_quiet(const struct sock *s);
/** sock_is_gone() - whether the connection is broken; that the peer has ended its side is not that
 */
bool sock_is_gone(const struct sock *s);

/**
 * sock_check() - whether it was reset without a word
 *
 * libevent tells of a reset as of bytes; if there are bytes as well, reading them empties the
 * socket, and no edge follows. So it is asked now and then of those that we wait for.
 */
bool sock_check(struct sock *s);

struct out {
	char *data;
	size_t at;
	size_t end;
	size_t capacity;
	bool failed; /* out of memory: bytes are missing, the connection must end */
};

void out_put(struct out *o, const char *data, size_t bytes);
size_t out_bytes(const struct out *o);
/** out_shrink() - give back what is allocated beyond the bytes that are left */
void out_shrink(struct out *o);
void out_done(struct out *o);
/** out_flush() - Return: bytes written, or SOCK_FAILED; out_bytes() says what is left */
long out_flush(struct out *o, struct sock *s);
