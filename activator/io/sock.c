/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/io/sock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	OUT_FIRST_BYTES = 4096,
	KEEP_IDLE_S = 60,
	KEEP_INTERVAL_S = 10,
	KEEP_PROBES_COUNT = 6,
};

/* A peer that vanished is noticed, so that a tunnel to it does not count as use for ever. */
static void sock_keep(int fd)
{
	const int on = 1;
	const int idle = KEEP_IDLE_S;
	const int interval = KEEP_INTERVAL_S;
	const int count = KEEP_PROBES_COUNT;

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

int sock_open(struct sock *s, struct event_base *base, int fd, event_callback_fn on_event,
              void *arg)
{
	int on = 1;

	*s = (struct sock){.fd = fd};
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	sock_keep(fd);
	if (event_assign(&s->ev, base, fd, EV_READ | EV_WRITE | EV_CLOSED | EV_PERSIST | EV_ET,
	                 on_event, arg) == 0 &&
	    event_add(&s->ev, NULL) == 0)
		return 0;
	(void)close(fd);
	s->fd = -1;
	return -1;
}

void sock_close(struct sock *s)
{
	if (s->fd < 0)
		return;
	(void)event_del(&s->ev);
	(void)close(s->fd);
	s->fd = -1;
}

void sock_note(struct sock *s, short what)
{
	if (what & EV_READ)
		s->readable = true;
	if (what & EV_WRITE)
		s->writable = true;
	if (what & EV_CLOSED)
		s->readable = s->closed = true;
}

long sock_read(struct sock *s, char *buf, size_t size)
{
	ssize_t n;

	if (!s->readable)
		return SOCK_AGAIN;
	do
		n = read(s->fd, buf, size);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		/* A short read has emptied the socket: the next byte is a new edge. */
		if ((size_t)n < size && !s->closed)
			s->readable = false;
		return n;
	}
	if (n == 0)
		return SOCK_EOF;
	if (errno != EAGAIN)
		return SOCK_FAILED;
	s->readable = false;
	return SOCK_AGAIN;
}

bool sock_is_gone(const struct sock *s)
{
	char byte;
	ssize_t n;

	if (s->closed)
		return true;
	if (!s->readable)
		return false;
	n = recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

size_t out_bytes(const struct out *o)
{
	return o->end - o->at;
}

void out_put(struct out *o, const char *data, size_t bytes)
{
	if (bytes > o->capacity - o->end) {
		size_t capacity = o->capacity ? o->capacity : OUT_FIRST_BYTES;
		char *grown;

		while (capacity - o->end < bytes)
			capacity *= 2;
		grown = realloc(o->data, capacity);
		if (grown == NULL) {
			o->failed = true;
			return;
		}
		o->data = grown;
		o->capacity = capacity;
	}
	memcpy(o->data + o->end, data, bytes);
	o->end += bytes;
}

void out_done(struct out *o)
{
	free(o->data);
	*o = (struct out){0};
}

long out_flush(struct out *o, struct sock *s)
{
	long written = 0;

	if (o->failed)
		return SOCK_FAILED;
	while (o->at < o->end) {
		ssize_t n = send(s->fd, o->data + o->at, o->end - o->at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			s->writable = false;
			return written;
		}
		if (n < 0)
			return SOCK_FAILED;
		o->at += (size_t)n;
		written += n;
	}
	out_done(o);
	return written;
}
