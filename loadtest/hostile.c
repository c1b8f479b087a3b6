/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile - one connection that sends and reads as fast as it can, in a process of its own
 */
#include "loadtest/hostile.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loadtest/dial.h"
#include "loadtest/siege_backend.h"

enum { TEXT_BYTES = 256 * 1024, SIP_BYTES = 2048, WAIT_MS = 1000, REFUSED_MS = 1 };

struct text {
	char data[TEXT_BYTES];
	size_t bytes;
	size_t at;
};

/* As many whole pieces as fit. */
static void text_repeat(struct text *t, const char *piece)
{
	size_t bytes = piece ? strlen(piece) : 0;

	*t = (struct text){.bytes = 0};
	while (bytes > 0 && t->bytes + bytes <= sizeof t->data) {
		memcpy(t->data + t->bytes, piece, bytes);
		t->bytes += bytes;
	}
}

/* Return: false when the connection is gone */
static bool hostile_send(int fd, struct text *t, struct hostile_tally *tally)
{
	ssize_t n = send(fd, t->data + t->at, t->bytes - t->at, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN;
	tally->sent_bytes += (size_t)n;
	t->at += (size_t)n;
	if (t->at == t->bytes)
		t->at = 0;
	return true;
}

/* Return: false when the connection is gone, or has had its answer */
static bool hostile_read(int fd, const struct hostile_kind *kind, struct hostile_tally *tally)
{
	char data[TEXT_BYTES];
	ssize_t n =
	        recv(fd, data, kind->read_bytes < sizeof data ? kind->read_bytes : sizeof data, 0);

	if (n < 0)
		return errno == EAGAIN;
	tally->read_bytes += (size_t)n;
	return n > 0 && !kind->anew;
}

static void hostile_connection(int fd, const struct hostile_kind *kind, struct text *pieces,
                               struct hostile_tally *tally)
{
	const struct linger reset = {.l_onoff = 1}; /* so that ports are not used up */
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	if (poll(&p, 1, WAIT_MS) != 1 || send(fd, kind->begin, strlen(kind->begin), MSG_NOSIGNAL) !=
	                                         (ssize_t)strlen(kind->begin))
		return;
	tally->opened_count++;
	pieces->at = 0;
	p.events = (short)(POLLIN | (pieces->bytes > 0 ? POLLOUT : 0));
	while (poll(&p, 1, WAIT_MS) == 1) {
		if ((p.revents & POLLOUT) && !hostile_send(fd, pieces, tally))
			return;
		if ((p.revents & ~POLLOUT) && !hostile_read(fd, kind, tally))
			return;
	}
}

static void hostile_run(const struct hostile_kind *kind, uint16_t port, struct hostile_tally *tally)
{
	static struct text pieces;

	text_repeat(&pieces, kind->piece);
	for (;;) {
		int fd = dial_begin(port, kind->sips ? SIP_BYTES : 0);

		if (fd < 0) {
			(void)poll(NULL, 0, REFUSED_MS);
			continue;
		}
		hostile_connection(fd, kind, &pieces, tally);
		(void)close(fd);
	}
}

pid_t hostile_begin(const struct hostile_kind *kind, uint16_t port,
                    struct hostile_tally **ret_tally, struct err *err)
{
	struct hostile_tally *tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE,
	                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	if (tally == MAP_FAILED)
		return err_set(err, ERR_SYS, errno, "hostile");
	child = siege_fork();
	if (child == 0)
		hostile_run(kind, port, tally);
	if (child < 0) {
		(void)munmap(tally, sizeof *tally);
		return err_set(err, ERR_SYS, errno, "fork");
	}
	*ret_tally = tally;
	return child;
}

struct hostile_tally hostile_end(pid_t pid, struct hostile_tally *tally)
{
	struct hostile_tally result;

	siege_end(pid);
	result = *tally;
	(void)munmap(tally, sizeof *tally);
	return result;
}
