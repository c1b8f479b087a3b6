/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe - one HTTP GET, with the moment of its first answer byte
 */
#include "loadtest/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/clk.h"
#include "lib/base/num.h"

enum { PROBE_RETRY_US = 1000 };

static void probe_try(struct probe *p);

static void probe_fail(struct probe *p)
{
	p->is_failed = true;
	probe_stop(p);
}

static void on_probe_retry(evutil_socket_t fd, short what, void *arg)
{
	probe_try(arg);
}

static void probe_again(struct probe *p)
{
	const struct timeval tv = {0, PROBE_RETRY_US};

	probe_stop(p);
	p->event = evtimer_new(p->base, on_probe_retry, p);
	if (p->event == NULL || evtimer_add(p->event, &tv) < 0)
		probe_fail(p);
}

static int probe_status(const char *answer)
{
	char code[4] = "";
	uint64_t status;

	if (strncmp(answer, "HTTP/1.", 7) == 0 && strlen(answer) > 12)
		memcpy(code, answer + 9, 3);
	return num_parse_u64(code, 100, 599, &status, NULL) == 0 ? (int)status : 0;
}

/* The status line comes in the first piece from every server that is measured here. */
static void probe_read(struct probe *p)
{
	char answer[1024];
	ssize_t n = recv(p->fd, answer, sizeof answer - 1, 0);
	uint64_t now_us = clk_now_us();

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		probe_fail(p);
		return;
	}
	answer[n] = '\0';
	p->first_byte_us = now_us;
	p->status = probe_status(answer);
	probe_stop(p);
}

static void probe_send(struct probe *p)
{
	char request[512];
	int n = snprintf(request, sizeof request,
	                 "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", p->host);

	if (n >= (int)sizeof request || send(p->fd, request, (size_t)n, MSG_NOSIGNAL) != n)
		probe_fail(p);
	else
		p->is_sent = true;
}

static void on_probe_socket(evutil_socket_t fd, short what, void *arg);

static void probe_listen(struct probe *p, short what)
{
	if (p->event != NULL)
		event_free(p->event);
	p->event = event_new(p->base, p->fd, what, on_probe_socket, p);
	if (p->event == NULL || event_add(p->event, NULL) < 0)
		probe_fail(p);
}

static void on_probe_socket(evutil_socket_t fd, short what, void *arg)
{
	struct probe *p = arg;
	int error = 0;
	socklen_t len = sizeof error;

	if (what & EV_READ) {
		probe_read(p);
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error != 0) {
		probe_again(p);
		return;
	}
	probe_send(p);
	if (p->is_sent)
		probe_listen(p, EV_READ | EV_PERSIST);
}

static void probe_try(struct probe *p)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(p->port)};
	const int one = 1;

	probe_stop(p);
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0 || inet_pton(AF_INET, p->address, &sin.sin_addr) != 1) {
		probe_fail(p);
		return;
	}
	(void)setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(p->fd, (struct sockaddr *)&sin, sizeof sin) < 0 && errno != EINPROGRESS) {
		probe_again(p);
		return;
	}
	probe_listen(p, EV_WRITE);
}

int probe_start(struct probe *p, struct err *err)
{
	struct in_addr in;

	if (inet_pton(AF_INET, p->address, &in) != 1)
		return err_set(err, ERR_INVALID, 0, "\"%s\" is no IPv4 address", p->address);
	p->event = NULL;
	p->fd = -1;
	p->is_sent = false;
	p->first_byte_us = 0;
	p->status = 0;
	p->is_failed = false;
	probe_try(p);
	return 0;
}

void probe_stop(struct probe *p)
{
	if (p->event != NULL)
		event_free(p->event);
	p->event = NULL;
	if (p->fd >= 0)
		(void)close(p->fd);
	p->fd = -1;
}

bool probe_is_over(const void *probe)
{
	const struct probe *p = probe;

	return p->first_byte_us != 0 || p->is_failed;
}
