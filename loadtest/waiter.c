/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiter - a port of 127.0.0.1 that answers any request with 200 and closes
 */
#include "loadtest/waiter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

static const char waiter_answer[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

struct waiter_guest {
	LIST_ENTRY(waiter_guest) link;
	struct event *event;
	int fd;
};

struct waiter {
	struct event_base *base;
	int fd;
	uint16_t port;
	struct event *event;
	LIST_HEAD(, waiter_guest) guests;
};

static void waiter_guest_free(struct waiter_guest *g)
{
	LIST_REMOVE(g, link);
	if (g->event != NULL)
		event_free(g->event);
	(void)close(g->fd);
	free(g);
}

/* A request is one small packet here: its first bytes are as good as all. */
static void on_request(evutil_socket_t fd, short what, void *arg)
{
	char request[4096];

	if (recv(fd, request, sizeof request, 0) > 0)
		(void)send(fd, waiter_answer, sizeof waiter_answer - 1, MSG_NOSIGNAL);
	waiter_guest_free(arg);
}

static void on_guest(evutil_socket_t fd, short what, void *arg)
{
	struct waiter *w = arg;
	int guest = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct waiter_guest *g = guest >= 0 ? calloc(1, sizeof *g) : NULL;

	if (g == NULL) {
		if (guest >= 0)
			(void)close(guest);
		return;
	}
	g->fd = guest;
	LIST_INSERT_HEAD(&w->guests, g, link);
	g->event = event_new(w->base, guest, EV_READ, on_request, g);
	if (g->event == NULL || event_add(g->event, NULL) < 0)
		waiter_guest_free(g);
}

static int waiter_listen(struct waiter *w)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof sin;

	w->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (w->fd < 0 || bind(w->fd, (struct sockaddr *)&sin, len) < 0 || listen(w->fd, 128) < 0 ||
	    getsockname(w->fd, (struct sockaddr *)&sin, &len) < 0)
		return -1;
	w->port = ntohs(sin.sin_port);
	w->event = event_new(w->base, w->fd, EV_READ | EV_PERSIST, on_guest, w);
	return w->event != NULL ? event_add(w->event, NULL) : -1;
}

int waiter_new(struct event_base *base, struct waiter **ret_waiter, struct err *err)
{
	struct waiter *w = calloc(1, sizeof *w);

	if (w == NULL)
		return err_set(err, ERR_NOMEM, 0, "waiter");
	w->base = base;
	LIST_INIT(&w->guests);
	if (waiter_listen(w) < 0) {
		int number = errno;

		waiter_free(w);
		return err_set(err, ERR_SYS, number, "port of the answers");
	}
	*ret_waiter = w;
	return 0;
}

void waiter_free(struct waiter *w)
{
	if (w == NULL)
		return;
	while (!LIST_EMPTY(&w->guests))
		waiter_guest_free(LIST_FIRST(&w->guests));
	if (w->event != NULL)
		event_free(w->event);
	if (w->fd >= 0)
		(void)close(w->fd);
	free(w);
}

uint16_t waiter_port(const struct waiter *w)
{
	return w->port;
}
