/* SPDX-License-Identifier: Apache-2.0 */
/*
 * siege_backend - containers for a siege, each in a process of its own
 */
#include "loadtest/siege_backend.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BIG_BYTES = 200 * 1024, BACKLOG = 4096 };

struct peer {
	int fd;
	enum siege_backend_kind kind;
	bool listens;
	bool answering;
	size_t sent_bytes;
	char tail[3]; /* the last bytes of what was read */
};

static char big[BIG_BYTES + 128];
static size_t big_bytes;
static const char quick[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

pid_t siege_fork(void)
{
	pid_t child = fork();

	if (child == 0)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	return child;
}

void siege_end(pid_t pid)
{
	if (pid <= 0)
		return;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static void peer_add(int epoll, int fd, enum siege_backend_kind kind, bool listens)
{
	struct peer *p = calloc(1, sizeof *p);
	struct epoll_event ev = {.events = EPOLLIN | (listens ? 0 : EPOLLOUT | EPOLLET),
	                         .data.ptr = p};

	if (p == NULL)
		_exit(1);
	*p = (struct peer){.fd = fd, .kind = kind, .listens = listens};
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		_exit(1);
}

static void peer_close(struct peer *p)
{
	(void)close(p->fd);
	free(p);
}

/* Return: false when it is gone */
static bool peer_answer(struct peer *p)
{
	const char *text = p->kind == SIEGE_BIG ? big : quick;
	size_t bytes = p->kind == SIEGE_BIG ? big_bytes : sizeof quick - 1;

	while (p->answering && p->sent_bytes < bytes) {
		ssize_t n = send(p->fd, text + p->sent_bytes, bytes - p->sent_bytes, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN;
		p->sent_bytes += (size_t)n;
	}
	if (p->sent_bytes == bytes)
		p->answering = false;
	return true;
}

static bool peer_read(struct peer *p)
{
	char data[64 * 1024];
	ssize_t n;

	while ((n = recv(p->fd, data + sizeof p->tail, sizeof data - sizeof p->tail, 0)) > 0) {
		memcpy(data, p->tail, sizeof p->tail);
		if (p->kind != SIEGE_SINK &&
		    memmem(data, (size_t)n + sizeof p->tail, "\r\n\r\n", 4) != NULL) {
			p->answering = true;
			p->sent_bytes = 0;
		}
		memcpy(p->tail, data + n, sizeof p->tail);
	}
	return n < 0 && errno == EAGAIN;
}

static void peers_accept(int epoll, const struct peer *p)
{
	int fd;

	while ((fd = accept4(p->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		peer_add(epoll, fd, p->kind, false);
}

static void backend_run(int epoll)
{
	for (;;) {
		struct epoll_event events[256];
		int n = epoll_wait(epoll, events, 256, -1);

		for (int i = 0; i < n; i++) {
			struct peer *p = events[i].data.ptr;

			if (p->listens)
				peers_accept(epoll, p);
			else if (!peer_read(p) || !peer_answer(p))
				peer_close(p);
		}
	}
}

static int backend_listen(uint16_t port)
{
	const struct sockaddr_in at = {.sin_family = AF_INET,
	                               .sin_port = htons(port),
	                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    bind(fd, (const struct sockaddr *)&at, sizeof at) < 0 || listen(fd, BACKLOG) < 0)
		return -1;
	return fd;
}

pid_t siege_backend(enum siege_backend_kind kind, uint16_t port, struct err *err)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int fd = backend_listen(port);
	struct rlimit files;
	pid_t child;

	if (epoll < 0 || fd < 0)
		return err_set(err, ERR_SYS, errno, "listen on port %d", port);
	child = siege_fork();
	if (child == 0) {
		if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
			files.rlim_cur = files.rlim_max;
			(void)setrlimit(RLIMIT_NOFILE, &files);
		}
		big_bytes = (size_t)snprintf(big, sizeof big,
		                             "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
		                             BIG_BYTES);
		memset(big + big_bytes, 'x', BIG_BYTES);
		big_bytes += BIG_BYTES;
		peer_add(epoll, fd, kind, true);
		backend_run(epoll);
	}
	(void)close(fd);
	(void)close(epoll);
	return child < 0 ? err_set(err, ERR_SYS, errno, "fork") : child;
}
