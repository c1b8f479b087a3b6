/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-loadtest siege - connections of the worst kinds, and a neighbour that wants an answer
 *
 * Of each kind so many are opened, and opened anew when the activator closes them; beside them one
 * client asks for a small answer, each time on a connection of its own. What the activator takes
 * and how long the neighbour waits is the table.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clk.h"
#include "lib/config/config.h"
#include "loadtest/commands.h"
#include "loadtest/dial.h"
#include "loadtest/histogram.h"
#include "loadtest/meter.h"
#include "loadtest/siege_backend.h"

DEFINE_CLEANUP(struct config *, config_free);

enum {
	SIEGE_TURN_MS = 2,
	SIEGE_ASK_MS = 10,
	SIEGE_PATIENCE_MS = 5000,
	SIEGE_HEAD_BYTES = 60000,
	SIEGE_RECEIVE_BYTES = 2048, /* an attacker reads little */
	SIEGE_EVENTS = 256,
};

struct siege {
	uint64_t pid, port, admin_port, backend_port, count, seconds, limit_mib, p99_ms, per_s;
	int epoll;
	char *text; /* what an attacker sends */
	size_t text_bytes;
	struct attacker *attackers;
	uint64_t opened_count;
	uint64_t start_ms;
};

struct attacker {
	int fd; /* -1: to be opened */
	size_t sent_bytes;
};

struct kind {
	const char *name;
	const char *host;
	bool long_head;
	const char *end; /* of the head; "": it never ends */
};

static const struct kind kinds[] = {
        {"unread answers of 200 KB", "file.default.localhost", false, "\r\n\r\n"},
        {"begun heads of 60 KB", "quick.default.localhost", true, ""},
        {"in flight with heads of 60 KB", "sink.default.localhost", true, "\r\n\r\n"},
        {"one byte each", NULL, false, ""},
};

struct row {
	uint64_t memory_kib, rss_kib, asked_count, failed_count, opened_count;
	struct histogram waits;
};

static int siege_text(struct siege *s, const struct kind *k)
{
	size_t room = SIEGE_HEAD_BYTES + 1024;
	size_t n;

	free(s->text);
	s->text = calloc(1, room);
	if (s->text == NULL)
		return -1;
	if (k->host == NULL) {
		s->text[0] = 'G';
		s->text_bytes = 1;
		return 0;
	}
	n = (size_t)snprintf(s->text, room, "GET / HTTP/1.1\r\nHost: %s\r\nA: ", k->host);
	memset(s->text + n, 'a', k->long_head ? SIEGE_HEAD_BYTES : 1);
	n += k->long_head ? SIEGE_HEAD_BYTES : 1;
	n += (size_t)snprintf(s->text + n, room - n, "%s", k->end);
	s->text_bytes = n;
	return 0;
}

static void attacker_close(struct attacker *a)
{
	if (a->fd >= 0)
		(void)close(a->fd);
	*a = (struct attacker){.fd = -1};
}

static void attacker_open(struct siege *s, struct attacker *a)
{
	struct epoll_event ev = {.events = EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = a};

	a->sent_bytes = 0;
	a->fd = dial_begin((uint16_t)s->port, SIEGE_RECEIVE_BYTES);
	if (a->fd >= 0 && epoll_ctl(s->epoll, EPOLL_CTL_ADD, a->fd, &ev) < 0)
		attacker_close(a);
	s->opened_count++;
}

static void attacker_on_event(struct siege *s, struct attacker *a, uint32_t events)
{
	if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) {
		attacker_close(a);
		return;
	}
	while (a->sent_bytes < s->text_bytes) {
		ssize_t n = send(a->fd, s->text + a->sent_bytes, s->text_bytes - a->sent_bytes,
		                 MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			attacker_close(a);
		if (n < 0)
			return;
		a->sent_bytes += (size_t)n;
	}
}

/* Some more of those that are not there, and what those that are may send. */
static void siege_turn(struct siege *s, uint64_t *at)
{
	struct epoll_event events[SIEGE_EVENTS];
	uint64_t may_count = (clk_now_ms() - s->start_ms) * s->per_s / 1000;
	int n;

	for (uint64_t i = 0; i < s->count && s->opened_count < may_count; i++) {
		struct attacker *a = &s->attackers[(*at + i) % s->count];

		if (a->fd < 0) {
			attacker_open(s, a);
			*at = (*at + i) % s->count;
		}
	}
	n = epoll_wait(s->epoll, events, SIEGE_EVENTS, SIEGE_TURN_MS);
	for (int i = 0; i < n; i++)
		attacker_on_event(s, events[i].data.ptr, events[i].events);
}

/* The neighbour is a process of its own: its waits are the activator's, not the attackers'. */
static int neighbour(const struct siege *s, int out)
{
	static const char ask[] = "GET / HTTP/1.1\r\nHost: quick.default.localhost\r\n"
	                          "Connection: close\r\n\r\n";

	for (;;) {
		uint64_t start_us = clk_now_us();
		struct pollfd p = {.fd = dial_begin((uint16_t)s->port, 0), .events = POLLOUT};
		char answer[512] = "";
		uint64_t us = 0;

		if (p.fd >= 0 && poll(&p, 1, SIEGE_PATIENCE_MS) == 1 &&
		    send(p.fd, ask, sizeof ask - 1, MSG_NOSIGNAL) == sizeof ask - 1) {
			p.events = POLLIN;
			if (poll(&p, 1, SIEGE_PATIENCE_MS) == 1 &&
			    recv(p.fd, answer, sizeof answer - 1, 0) > 0 &&
			    strncmp(answer, "HTTP/1.1 200", 12) == 0)
				us = clk_now_us() - start_us;
		}
		if (p.fd >= 0)
			(void)close(p.fd);
		if (write(out, &us, sizeof us) != sizeof us)
			return 0;
		(void)poll(NULL, 0, SIEGE_ASK_MS);
	}
}

/* What the activator says that its sockets take in the kernel; VmRSS has all else. */
static uint64_t siege_sockets_kib(const struct siege *s)
{
	static const char ask[] = "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	static const char name[] = "sc_activator_connections_memory_bytes{in=\"sockets\"} ";
	static char text[256 * 1024];
	struct pollfd p = {.fd = dial_begin((uint16_t)s->admin_port, 0), .events = POLLOUT};
	size_t bytes = 0;
	ssize_t n = 1;
	char *at;

	if (p.fd < 0 || poll(&p, 1, SIEGE_PATIENCE_MS) != 1 ||
	    send(p.fd, ask, sizeof ask - 1, MSG_NOSIGNAL) < 0)
		n = 0;
	p.events = POLLIN;
	while (n > 0 && bytes < sizeof text - 1 && poll(&p, 1, SIEGE_PATIENCE_MS) == 1) {
		n = recv(p.fd, text + bytes, sizeof text - 1 - bytes, 0);
		bytes += n > 0 ? (size_t)n : 0;
	}
	if (p.fd >= 0)
		(void)close(p.fd);
	text[bytes] = '\0';
	at = strstr(text, name);
	return at ? (uint64_t)strtod(at + sizeof name - 1, NULL) / 1024 : 0;
}

static int siege_measure(struct siege *s, struct row *row, struct err *err)
{
	uint64_t rss_kib;
	uint64_t all_kib;

	if (meter_rss_kib((pid_t)s->pid, &rss_kib, err) < 0)
		return err_wrap(err, "the activator is gone");
	all_kib = rss_kib + siege_sockets_kib(s);
	row->rss_kib = rss_kib > row->rss_kib ? rss_kib : row->rss_kib;
	row->memory_kib = all_kib > row->memory_kib ? all_kib : row->memory_kib;
	return 0;
}

static void siege_hear(int in, struct row *row)
{
	uint64_t us;

	while (read(in, &us, sizeof us) == sizeof us) {
		row->asked_count++;
		if (us > 0)
			histogram_add(&row->waits, us);
		else
			row->failed_count++;
	}
}

static int siege_kind(struct siege *s, const struct kind *k, struct row *row, struct err *err)
{
	uint64_t end_ms = clk_now_ms() + s->seconds * 1000;
	uint64_t measure_ms = 0;
	uint64_t at = 0;
	int pipe_fds[2];
	pid_t child;

	histogram_init(&row->waits);
	s->opened_count = 0;
	s->start_ms = clk_now_ms();
	if (siege_text(s, k) < 0 || pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_set(err, ERR_SYS, errno, "siege");
	child = siege_fork();
	if (child == 0) {
		(void)fcntl(pipe_fds[1], F_SETFL, 0);
		_exit(neighbour(s, pipe_fds[1]));
	}
	while (clk_now_ms() < end_ms) {
		siege_turn(s, &at);
		siege_hear(pipe_fds[0], row);
		if (clk_now_ms() < measure_ms)
			continue;
		measure_ms = clk_now_ms() + 250;
		if (siege_measure(s, row, err) < 0)
			break;
	}
	siege_end(child);
	siege_hear(pipe_fds[0], row);
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
	for (uint64_t i = 0; i < s->count; i++)
		attacker_close(&s->attackers[i]);
	row->opened_count = s->opened_count;
	return clk_now_ms() < end_ms ? -1 : 0;
}

/* Return: whether all that must hold holds */
static bool siege_print(const struct siege *s, const struct kind *k, const struct row *row)
{
	uint64_t p99_us = histogram_at(&row->waits, 990);
	bool holds = row->memory_kib <= s->limit_mib * 1024 && row->failed_count == 0 &&
	             row->asked_count > 0 && p99_us <= s->p99_ms * 1000;

	(void)printf("%-30s %7llu %7llu %8.1f %8.1f %6llu/%-6llu %s\n", k->name,
	             (unsigned long long)row->rss_kib / 1024,
	             (unsigned long long)row->memory_kib / 1024,
	             (double)histogram_at(&row->waits, 500) / 1000, (double)p99_us / 1000,
	             (unsigned long long)(row->asked_count - row->failed_count),
	             (unsigned long long)row->asked_count, holds ? "holds" : "FAILS");
	(void)fflush(stdout);
	return holds;
}

static int siege_load(struct siege *s, int argc, char **argv, struct config **ret_config,
                      struct err *err)
{
	const struct config_option options[] = {
	        {"pid", CONFIG_U64, &s->pid, "0", 0, 1 << 22, "the activator's process"},
	        {"port", CONFIG_U64, &s->port, "8080", 1, 65535, "its port on 127.0.0.1"},
	        {"adminPort", CONFIG_U64, &s->admin_port, "9091", 1, 65535, "of its metrics"},
	        {"backendPort", CONFIG_U64, &s->backend_port, "9000", 1, 65533,
	         "first of three ports to listen on: of the containers quick, file and sink"},
	        {"count", CONFIG_U64, &s->count, "8000", 1, 100000, "connections of each kind"},
	        {"perSecond", CONFIG_U64, &s->per_s, "1000", 1, 1000000,
	         "so many are opened a second, at first and anew"},
	        {"seconds", CONFIG_U64, &s->seconds, "20", 1, 600, "for each kind"},
	        {"limitMib", CONFIG_U64, &s->limit_mib, "512", 1, 1000000,
	         "memory that the activator may take, with its sockets in the kernel"},
	        {"latencyMaxMs", CONFIG_U64, &s->p99_ms, "50", 1, 60000,
	         "of the neighbour at p99, at most"},
	};
	const struct config_program program = {
	        .name = "sc-loadtest siege",
	        .synopsis = "Connections of the worst kinds, and a neighbour beside them.",
	        .options = options,
	        .options_count = ARRAY_LEN(options),
	};

	return config_load(&program, argc, argv, ret_config, err);
}

static int siege_run(struct siege *s, struct err *err)
{
	static struct row rows[ARRAY_LEN(kinds)];
	struct rlimit files;
	bool holds = true;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->attackers = calloc(s->count, sizeof *s->attackers);
	if (s->epoll < 0 || s->attackers == NULL)
		return err_set(err, ERR_SYS, errno, "siege");
	for (uint64_t i = 0; i < s->count; i++)
		s->attackers[i].fd = -1;
	(void)printf("%llu connections of each kind for %llu s; of %llu MiB, p99 within %llu ms\n\n"
	             "%-30s %7s %7s %8s %8s %13s\n",
	             (unsigned long long)s->count, (unsigned long long)s->seconds,
	             (unsigned long long)s->limit_mib, (unsigned long long)s->p99_ms, "", "RSS MiB",
	             "all MiB", "p50 ms", "p99 ms", "answered");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (siege_kind(s, &kinds[i], &rows[i], err) < 0)
			return err_wrap(err, "%s", kinds[i].name);
		holds &= siege_print(s, &kinds[i], &rows[i]);
	}
	return holds ? 0 : 1;
}

int cmd_siege(int argc, char **argv)
{
	static struct siege s;
	CLEANUP(config_free_var) struct config *config = NULL;
	struct err err = {0};
	int r = siege_load(&s, argc, argv, &config, &err);
	pid_t backends[SIEGE_KINDS_COUNT] = {0};

	if (r == 0) {
		for (unsigned i = 0; i < SIEGE_KINDS_COUNT && r == 0; i++) {
			backends[i] = siege_backend(i, (uint16_t)(s.backend_port + i), &err);
			r = backends[i] < 0 ? -1 : 0;
		}
		if (r == 0)
			r = siege_run(&s, &err);
		for (unsigned i = 0; i < SIEGE_KINDS_COUNT; i++)
			siege_end(backends[i]);
		free(s.attackers);
		free(s.text);
		if (r < 0)
			(void)fprintf(stderr, "sc-loadtest: %s\n", err.text);
		return r == 0 ? 0 : 1;
	}
	if (r < 0)
		(void)fprintf(stderr, "sc-loadtest: %s\n", err.text);
	return r < 0 ? 2 : 0;
}
