/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regulars - well-behaved clients: so many small requests a second, whatever the answers take
 */
#include "loadtest/regulars.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clk.h"
#include "loadtest/dial.h"

enum { PATIENCE_US = 5000000, LAST_OF = 4, WAIT_MS_MAX = 100 };

static void regular_end(struct regulars *r, struct regular *g)
{
	(void)close(g->fd);
	*g = r->open[--r->open_count];
}

static void regular_send(const struct regulars *r, struct regular *g)
{
	char ask[256];
	int n = snprintf(ask, sizeof ask, "GET / HTTP/1.1\r\nHost: %s\r\n%s\r\n", r->host,
	                 g->last ? "Connection: close\r\n" : "");

	/* So few bytes go at once, or the connection is not there yet. */
	g->sent = send(g->fd, ask, (size_t)n, MSG_NOSIGNAL) == n;
}

static struct regular *regular_idle(struct regulars *r)
{
	struct regular *g;

	for (unsigned i = 0; i < r->open_count; i++)
		if (!r->open[i].busy)
			return &r->open[i];
	if (r->open_count == REGULARS_MAX)
		return NULL;
	g = &r->open[r->open_count];
	*g = (struct regular){.fd = dial_begin(r->port, 0)};
	if (g->fd < 0)
		return NULL;
	r->open_count++;
	return g;
}

static void regular_ask(struct regulars *r, uint64_t due_us, struct regulars_waits *waits)
{
	struct regular *g = regular_idle(r);

	waits->asked_count++;
	r->asked_count++;
	if (g == NULL) {
		waits->failed_count++;
		return;
	}
	g->busy = true;
	g->due_us = due_us;
	g->last = r->asked_count % LAST_OF == 0;
	regular_send(r, g);
}

static void regular_hear(struct regulars *r, struct regular *g, struct regulars_waits *waits)
{
	char answer[1024] = "";
	ssize_t n = recv(g->fd, answer, sizeof answer - 1, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (g->busy && n > 0 && strncmp(answer, "HTTP/1.1 200", 12) == 0)
		histogram_add(&waits->histogram, clk_now_us() - g->due_us);
	else if (g->busy)
		waits->failed_count++;
	if (n <= 0 || g->last)
		regular_end(r, g);
	else
		g->busy = false;
}

static void regular_on_event(struct regulars *r, struct regular *g, short events,
                             struct regulars_waits *waits)
{
	if (g->busy && !g->sent && (events & POLLOUT))
		regular_send(r, g);
	if (events & (POLLIN | POLLERR | POLLHUP)) {
		regular_hear(r, g, waits);
	} else if (g->busy && clk_now_us() - g->due_us > PATIENCE_US) {
		waits->failed_count++;
		regular_end(r, g);
	}
}

static void regulars_wait(struct regulars *r, int wait_ms, struct regulars_waits *waits)
{
	struct pollfd polled[REGULARS_MAX];
	unsigned count = r->open_count;

	for (unsigned i = 0; i < count; i++) {
		const struct regular *g = &r->open[i];

		polled[i] = (struct pollfd){.fd = g->fd, .events = POLLIN};
		if (g->busy && !g->sent)
			polled[i].events |= POLLOUT;
	}
	(void)poll(polled, count, wait_ms);
	/* From behind: who ends gives its place to the last one, which was looked at. */
	for (unsigned i = count; i > 0; i--)
		regular_on_event(r, &r->open[i - 1], polled[i - 1].revents, waits);
}

static bool regulars_wait_for_any(const struct regulars *r)
{
	for (unsigned i = 0; i < r->open_count; i++)
		if (r->open[i].busy)
			return true;
	return false;
}

void regulars_run(struct regulars *r, uint64_t ms, struct regulars_waits *waits)
{
	uint64_t gap_us = 1000000 / r->per_s;
	uint64_t due_us = clk_now_us();
	uint64_t end_us = due_us + ms * 1000;

	while (due_us < end_us || regulars_wait_for_any(r)) {
		uint64_t now_us = clk_now_us();
		int wait_ms = WAIT_MS_MAX;

		for (; due_us < end_us && due_us <= now_us; due_us += gap_us)
			regular_ask(r, due_us, waits);
		if (due_us < end_us)
			wait_ms = (int)((due_us - now_us + 999) / 1000);
		regulars_wait(r, wait_ms, waits);
	}
}

void regulars_close(struct regulars *r)
{
	while (r->open_count > 0)
		regular_end(r, &r->open[0]);
}
