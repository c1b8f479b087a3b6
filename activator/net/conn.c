/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn - a TCP connection; the only file that reads from and writes to the sockets of the data
 * path
 */
#include "activator/net/conn.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "activator/net/account.h"

enum {
	CONN_FIXED_BYTES = 5 * 1024, /* socket, file and epoll entry in the kernel; our own part */
	KEEP_IDLE_S = 60,
	KEEP_INTERVAL_S = 10,
	KEEP_PROBES_COUNT = 6,
};

/* A peer that vanished is noticed, so that a tunnel to it does not count as use for ever. */
static void conn_keep(int fd)
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

static void fd_narrow(int fd, bool crowded)
{
	enum budget_level level = account_level();
	int bytes = (int)budget_piece(level, BUDGET_TIGHT_PIECE_BYTES);

	if (level != BUDGET_EASY)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	if (level != BUDGET_EASY || crowded)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

static void on_conn(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	if (what & EV_READ)
		c->readable = true;
	if (what & EV_WRITE)
		c->writable = true;
	if (what & EV_CLOSED)
		c->readable = c->closed = true;
	turn_mark(c->turn, &c->item);
}

int conn_open(struct conn *c, struct turn *turn, int fd)
{
	int on = 1;

	*c = (struct conn){.fd = fd, .turn = turn};
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	conn_keep(fd);
	if (event_assign(&c->ev, event_get_base(&turn->now), fd,
	                 EV_READ | EV_WRITE | EV_CLOSED | EV_PERSIST | EV_ET, on_conn, c) == 0 &&
	    event_add(&c->ev, NULL) == 0) {
		account_move(ACCOUNT_SOCKETS, 0, CONN_FIXED_BYTES);
		return 0;
	}
	(void)close(fd);
	c->fd = -1;
	return -1;
}

int conn_dial(struct conn *c, struct turn *turn, const struct sockaddr *address, socklen_t bytes,
              bool crowded)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	fd_narrow(fd, crowded);
	if (connect(fd, address, bytes) < 0 && errno != EINPROGRESS) {
		(void)close(fd);
		return -1;
	}
	return conn_open(c, turn, fd);
}

int conn_dialled(const struct conn *c)
{
	int error = 0;
	socklen_t bytes = sizeof error;

	if (!c->writable && !c->closed)
		return 0;
	(void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
	return error == 0 ? 1 : -1;
}

void conn_narrow(const struct conn *c)
{
	fd_narrow(c->fd, false);
}

void conn_serve(struct conn *c, void (*run)(void *arg), void *arg)
{
	c->item.run = run;
	c->item.arg = arg;
}

void conn_mark(struct conn *c)
{
	turn_mark(c->turn, &c->item);
}

bool conn_spend(struct conn *c, size_t bytes)
{
	return turn_spend(c->turn, &c->item, bytes);
}

void conn_close(struct conn *c)
{
	if (c->fd < 0)
		return;
	(void)event_del(&c->ev);
	(void)close(c->fd);
	turn_forget(c->turn, &c->item);
	account_move(ACCOUNT_SOCKETS, CONN_FIXED_BYTES + c->kernel_bytes, 0);
	c->kernel_bytes = 0;
	c->fd = -1;
	out_done(&c->out);
}

void conn_end(struct conn *c)
{
	(void)shutdown(c->fd, SHUT_WR);
}

void conn_measure(struct conn *c)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t bytes = sizeof info;
	uint32_t kernel_bytes;

	if (c->fd < 0 ||
	    (c->kernel_bytes == 0 && c->sent_bytes == c->measured_bytes && !c->readable))
		return;
	if (getsockopt(c->fd, SOL_SOCKET, SO_MEMINFO, info, &bytes) < 0)
		return;
	kernel_bytes = info[SK_MEMINFO_RMEM_ALLOC] + info[SK_MEMINFO_WMEM_QUEUED] +
	               info[SK_MEMINFO_FWD_ALLOC];
	account_move(ACCOUNT_SOCKETS, c->kernel_bytes, kernel_bytes);
	c->kernel_bytes = kernel_bytes;
	c->measured_bytes = c->sent_bytes;
}

uint64_t conn_taken(const struct conn *c)
{
	int queued = 0;

	if (ioctl(c->fd, SIOCOUTQ, &queued) < 0 || queued < 0 || (uint64_t)queued > c->sent_bytes)
		return c->sent_bytes;
	return c->sent_bytes - (uint64_t)queued;
}

long conn_read(struct conn *c, char *buf, size_t size)
{
	ssize_t n;

	if (c->broken)
		return CONN_FAILED;
	if (!c->readable)
		return CONN_AGAIN;
	do
		n = read(c->fd, buf, size);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		c->read_bytes += (uint64_t)n;
		/* A short read has emptied the socket: the next byte is a new edge. */
		if ((size_t)n < size && !c->closed)
			c->readable = false;
		return n;
	}
	if (n == 0)
		return CONN_EOF;
	if (errno != EAGAIN)
		return CONN_FAILED;
	c->readable = false;
	return CONN_AGAIN;
}

bool conn_is_quiet(const struct conn *c)
{
	char byte;

	return !c->closed && recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

bool conn_has_bytes(const struct conn *c)
{
	char byte;

	return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

size_t conn_waiting(const struct conn *c)
{
	int bytes = 0;

	return ioctl(c->fd, FIONREAD, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

bool conn_is_gone(const struct conn *c)
{
	struct pollfd state = {.fd = c->fd};

	if (c->broken)
		return true;
	if (!c->readable && !c->closed)
		return false;
	/* A look at the next byte does not tell: what came before a reset may still wait there. */
	return poll(&state, 1, 0) > 0 && (state.revents & (POLLERR | POLLHUP)) != 0;
}

bool conn_check(struct conn *c)
{
	char byte;

	if (c->fd < 0 || c->readable || c->closed ||
	    recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno == EAGAIN ||
	    errno == EINTR)
		return false;
	c->broken = c->readable = true; /* the kernel tells it once */
	return true;
}

long conn_flush(struct conn *c)
{
	struct out *o = &c->out;
	long written = 0;

	if (o->failed)
		return CONN_FAILED;
	while (o->at < o->end) {
		ssize_t n = send(c->fd, o->data + o->at, o->end - o->at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			c->writable = false;
			conn_measure(c);
			return written;
		}
		if (n < 0)
			return CONN_FAILED;
		o->at += (size_t)n;
		c->sent_bytes += (uint64_t)n;
		written += n;
	}
	out_done(o);
	return written;
}
