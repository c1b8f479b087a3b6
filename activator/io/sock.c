/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/io/sock.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "activator/io/account.h"

enum {
	OUT_PAGE_BYTES = 4096,
	SOCK_FIXED_BYTES = 5 * 1024, /* socket, file and epoll entry in the kernel; our own part */
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

void sock_narrow(int fd, bool crowded)
{
	enum budget_level level = account_level();
	int bytes = (int)budget_piece(level, BUDGET_TIGHT_PIECE_BYTES);

	if (level != BUDGET_EASY)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	if (level != BUDGET_EASY || crowded)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
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
	    event_add(&s->ev, NULL) == 0) {
		account_move(ACCOUNT_SOCKETS, 0, SOCK_FIXED_BYTES);
		return 0;
	}
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
	account_move(ACCOUNT_SOCKETS, SOCK_FIXED_BYTES + s->kernel_bytes, 0);
	s->kernel_bytes = 0;
	s->fd = -1;
}

void sock_measure(struct sock *s)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t bytes = sizeof info;
	uint32_t kernel_bytes;

	if (s->fd < 0 ||
	    (s->kernel_bytes == 0 && s->sent_bytes == s->measured_bytes && !s->readable))
		return;
	if (getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, info, &bytes) < 0)
		return;
	kernel_bytes = info[SK_MEMINFO_RMEM_ALLOC] + info[SK_MEMINFO_WMEM_QUEUED] +
	               info[SK_MEMINFO_FWD_ALLOC];
	account_move(ACCOUNT_SOCKETS, s->kernel_bytes, kernel_bytes);
	s->kernel_bytes = kernel_bytes;
	s->measured_bytes = s->sent_bytes;
}

uint64_t sock_taken(const struct sock *s)
{
	int queued = 0;

	if (ioctl(s->fd, SIOCOUTQ, &queued) < 0 || queued < 0 || (uint64_t)queued > s->sent_bytes)
		return s->sent_bytes;
	return s->sent_bytes - (uint64_t)queued;
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

	if (s->broken)
		return SOCK_FAILED;
	if (!s->readable)
		return SOCK_AGAIN;
	do
		n = read(s->fd, buf, size);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		s->read_bytes += (uint64_t)n;
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

bool sock_is_quiet(const struct sock *s)
{
	char byte;

	return !s->closed && recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

bool sock_is_gone(const struct sock *s)
{
	char byte;

	if (s->broken)
		return true;
	if (!s->readable && !s->closed)
		return false;
	return recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno != EAGAIN &&
	       errno != EINTR;
}

bool sock_check(struct sock *s)
{
	char byte;

	if (s->fd < 0 || s->readable || s->closed ||
	    recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno == EAGAIN ||
	    errno == EINTR)
		return false;
	s->broken = s->readable = true; /* the kernel tells it once */
	return true;
}

size_t out_bytes(const struct out *o)
{
	return o->end - o->at;
}

static bool out_resize(struct out *o, size_t capacity)
{
	char *data = realloc(o->data, capacity);

	if (data == NULL)
		return false;
	account_move(ACCOUNT_BUFFERS, o->capacity, capacity);
	o->data = data;
	o->capacity = capacity;
	return true;
}

static size_t out_pages(size_t bytes)
{
	return (bytes + OUT_PAGE_BYTES - 1) / OUT_PAGE_BYTES * OUT_PAGE_BYTES;
}

void out_put(struct out *o, const char *data, size_t bytes)
{
	if (bytes == 0)
		return;
	if (bytes > o->capacity - o->end) {
		size_t wanted = out_pages(o->end + bytes);
		size_t grown = o->capacity + o->capacity / 2;

		if (!out_resize(o, wanted > grown ? wanted : grown)) {
			o->failed = true;
			return;
		}
	}
	memcpy(o->data + o->end, data, bytes);
	o->end += bytes;
}

void out_shrink(struct out *o)
{
	if (o->data == NULL || o->failed || out_pages(out_bytes(o)) == o->capacity)
		return;
	memmove(o->data, o->data + o->at, out_bytes(o));
	o->end -= o->at;
	o->at = 0;
	if (o->end > 0)
		(void)out_resize(o, out_pages(o->end));
	else
		out_done(o);
}

void out_done(struct out *o)
{
	free(o->data);
	account_move(ACCOUNT_BUFFERS, o->capacity, 0);
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
			sock_measure(s);
			return written;
		}
		if (n < 0)
			return SOCK_FAILED;
		o->at += (size_t)n;
		s->sent_bytes += (uint64_t)n;
		written += n;
	}
	out_done(o);
	return written;
}
