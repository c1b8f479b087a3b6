/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd - many connections that each have sent one request and stay
 */
#include "loadtest/crowd.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { CROWD_FILES_SPARE = 64, CROWD_ANSWER_S = 10 };

struct crowd {
	unsigned count;
	int *fds;
};

DEFINE_CLEANUP(struct crowd *, crowd_close);

/* As many open files as we may have. */
static int crowd_raise_limit(unsigned count, struct err *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_set(err, ERR_SYS, errno, "open files");
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_cur < count + CROWD_FILES_SPARE || setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_set(err, ERR_INVALID, 0, "%u connections need more open files", count);
	return 0;
}

static int crowd_connect(const struct sockaddr_in *to, const char *request, int *ret_fd,
                         struct err *err)
{
	const struct timeval patience = {CROWD_ANSWER_S, 0};
	CLEANUP(fd_close_var) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = strlen(request);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
	    connect(fd, (const struct sockaddr *)to, sizeof *to) < 0)
		return err_set(err, ERR_SYS, errno, "connect");
	if (send(fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
		return err_set(err, ERR_SYS, errno, "send");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int crowd_answer(int fd, struct err *err)
{
	char answer[4096];
	ssize_t n = recv(fd, answer, sizeof answer - 1, 0);

	if (n <= 0)
		return err_set(err, ERR_SYS, n < 0 ? errno : 0, "no answer");
	answer[n] = '\0';
	if (strncmp(answer, "HTTP/1.1 200", 12) != 0)
		return err_set(err, ERR_INVALID, 0, "answer %.40s", answer);
	return 0;
}

int crowd_open(const struct crowd_opts *opts, struct crowd **ret_crowd, struct err *err)
{
	CLEANUP(crowd_close_var) struct crowd *c = calloc(1, sizeof *c);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(opts->port)};
	char request[512];

	assert(opts->count > 0);
	(void)snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", opts->host);
	if (c != NULL)
		c->fds = calloc(opts->count, sizeof *c->fds);
	if (c == NULL || c->fds == NULL)
		return err_set(err, ERR_NOMEM, 0, "connections");
	if (inet_pton(AF_INET, opts->address, &to.sin_addr) != 1)
		return err_set(err, ERR_INVALID, 0, "\"%s\" is no IPv4 address", opts->address);
	if (crowd_raise_limit(opts->count, err) < 0)
		return -1;
	for (; c->count < opts->count; c->count++) {
		if (crowd_connect(&to, request, &c->fds[c->count], err) < 0)
			return err_wrap(err, "connection %u", c->count + 1);
		if (opts->wants_answer && crowd_answer(c->fds[c->count], err) < 0) {
			(void)close(c->fds[c->count]);
			return err_wrap(err, "connection %u", c->count + 1);
		}
	}
	*ret_crowd = TAKE_PTR(c);
	return 0;
}

unsigned crowd_answered(const struct crowd *c)
{
	unsigned answered = 0;
	char byte;

	for (unsigned i = 0; i < c->count; i++) {
		if (recv(c->fds[i], &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN)
			answered++;
	}
	return answered;
}

void crowd_close(struct crowd *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; c->fds != NULL && i < c->count; i++)
		(void)close(c->fds[i]);
	free(c->fds);
	free(c);
}
