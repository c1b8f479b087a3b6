/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients, containers and the cluster do what they like in random order, and connections break at
 * any read or write. The proxy neither falls nor forgets anybody: when all are gone, so is what it
 * kept for them. Each run has the same order; SC_CHAOS_SEED=N makes another one.
 */
#include <event2/event.h>

#include "lib/base/clk.h"
#include "tests/flow/activator/fixture.h"

enum {
	CHAOS_CLIENTS = 24,
	CHAOS_BACKENDS = 48,
	CHAOS_STEPS = 60000,
	CHAOS_BREAK_IN = 60, /* one of so many reads and writes of the proxy meets a reset */
	CHAOS_SETTLE_MS = 15000,
};

struct chaos_client {
	int fd; /* -1: none */
	const char *script;
	size_t at;
};

static struct chaos_client clients[CHAOS_CLIENTS];
static int backends[CHAOS_BACKENDS];
static uint32_t seed = 20261201;
static bool breaks; /* connections of the proxy */

static uint32_t chance(uint32_t below)
{
	/* numbers of Numerical Recipes; the low bits of such a generator are poor */
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static bool is_of_test(int fd)
{
	for (unsigned i = 0; i < CHAOS_CLIENTS; i++)
		if (clients[i].fd == fd)
			return true;
	for (unsigned i = 0; i < CHAOS_BACKENDS; i++)
		if (backends[i] == fd)
			return true;
	return false;
}

ssize_t __real_send(int fd, const void *data, size_t bytes, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t bytes, int flags);
ssize_t __real_read(int fd, void *data, size_t bytes);
ssize_t __wrap_read(int fd, void *data, size_t bytes);

static bool breaks_now(int fd)
{
	int type = 0;
	socklen_t size = sizeof type;

	if (!breaks || is_of_test(fd) || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
	    type != SOCK_STREAM || chance(CHAOS_BREAK_IN) != 0)
		return false;
	errno = ECONNRESET;
	return true;
}

ssize_t __wrap_send(int fd, const void *data, size_t bytes, int flags)
{
	return breaks_now(fd) ? -1 : __real_send(fd, data, bytes, flags);
}

ssize_t __wrap_read(int fd, void *data, size_t bytes)
{
	return breaks_now(fd) ? -1 : __real_read(fd, data, bytes);
}

static const char *const scripts[] = {
        GET,
        GET GET GET,
        "HEAD / HTTP/1.1\r\nHost: app\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 5\r\n\r\nhello" GET,
        "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 5\r\n\r\nhel",
        "PUT / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n" GET,
        "PUT / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX",
        "POST / HTTP/1.1\r\nHost: app\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
        "GET /ws HTTP/1.1\r\nHost: app\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nahead",
        "GET / HTTP/1.0\r\nHost: app\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: nobody\r\n\r\n" GET,
        "GET / HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n",
        "GARBAGE\r\n\r\n",
};

#define SWITCHED                                                                                   \
	"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhi"

static const char *const answers[] = {
        OK2,
        OK2,
        OK2,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n" OK2,
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK2,
        SWITCHED,
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nuntil the end",
        "nonsense\r\n\r\n",
        OK2 OK2,
};

static void chaos_close(int *fd, bool resets)
{
	const struct linger linger = {.l_onoff = 1, .l_linger = 0};

	if (*fd < 0)
		return;
	if (resets)
		(void)setsockopt(*fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	(void)close(*fd);
	*fd = -1;
}

static void chaos_open(struct fixture *f, struct chaos_client *c)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)f->port)};

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_true(c->fd >= 0);
	(void)connect(c->fd, (struct sockaddr *)&in, sizeof in);
	c->script = scripts[chance(sizeof scripts / sizeof scripts[0])];
	c->at = 0;
}

static void chaos_of_client(struct fixture *f)
{
	struct chaos_client *c = &clients[chance(CHAOS_CLIENTS)];
	size_t left;
	char buf[4096];

	if (c->fd < 0) {
		chaos_open(f, c);
		return;
	}
	while (recv(c->fd, buf, sizeof buf, MSG_DONTWAIT) > 0)
		;
	left = strlen(c->script + c->at);
	if (left > 0) {
		/* mostly all of it: a request in pieces is the smaller part of what can happen */
		size_t part = chance(3) > 0 ? left : 1 + chance((uint32_t)left);

		if (__real_send(c->fd, c->script + c->at, part, MSG_NOSIGNAL) > 0)
			c->at += part;
		return;
	}
	switch (chance(8)) {
	case 0:
		chaos_close(&c->fd, true);
		break;
	case 1:
		chaos_close(&c->fd, false);
		break;
	case 2:
		(void)shutdown(c->fd, SHUT_WR);
		break;
	default:
		break;
	}
}

static void chaos_of_container(struct fixture *f)
{
	int *b = &backends[chance(CHAOS_BACKENDS)];
	const char *answer = answers[chance(sizeof answers / sizeof answers[0])];
	char buf[4096];
	ssize_t n;

	if (*b < 0) {
		*b = accept4(f->backend, NULL, NULL, SOCK_NONBLOCK);
		return;
	}
	n = recv(*b, buf, sizeof buf - 1, MSG_DONTWAIT);
	buf[n > 0 ? n : 0] = '\0';
	if (strstr(buf, "pgrade: websocket") != NULL && chance(4) != 0)
		answer = SWITCHED;
	if (n == 0)
		chaos_close(b, false);
	else if (n > 0 && chance(10) == 0)
		chaos_close(b, chance(2) == 0);
	else if (n > 0 && chance(8) != 0)
		(void)__real_send(*b, answer, strlen(answer), MSG_NOSIGNAL);
	else if (chance(40) == 0)
		chaos_close(b, chance(2) == 0);
}

static void chaos_of_cluster(struct fixture *f)
{
	switch (chance(6)) {
	case 0:
		observe(f, false, false, NULL); /* stopped */
		break;
	case 1:
		answer_wake(f);
		break;
	case 2:
		observe(f, true, false, "CrashLoopBackOff: it fell");
		break;
	default:
		make_ready(f);
		break;
	}
}

static void chaos_end(struct fixture *f)
{
	const uint64_t until_ms = clk_now_ms() + CHAOS_SETTLE_MS;

	breaks = false;
	/* who has only ended its side still waits for an answer; now it gets one, or none in time
	 */
	make_ready(f);
	for (unsigned i = 0; i < CHAOS_CLIENTS; i++)
		chaos_close(&clients[i].fd, true);
	while (proxy_stats(f->proxy)->clients_count > 0 && clk_now_ms() < until_ms)
		turn(f);
	assert_int_equal(proxy_stats(f->proxy)->clients_count, 0);
	assert_int_equal(proxy_held_count(f->proxy), 0);
	for (unsigned i = 0; i < CHAOS_BACKENDS; i++)
		chaos_close(&backends[i], false);
}

static void test_proxy_outlives_whatever_the_others_do(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < CHAOS_CLIENTS; i++)
		clients[i].fd = -1;
	for (unsigned i = 0; i < CHAOS_BACKENDS; i++)
		backends[i] = -1;
	breaks = true;
	make_ready(f);
	for (unsigned step = 0; step < CHAOS_STEPS; step++) {
		uint32_t what = chance(100);

		if (what < 50)
			chaos_of_client(f);
		else if (what < 98)
			chaos_of_container(f);
		else
			chaos_of_cluster(f);
		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
	}
	/* or this shows nothing */
	assert_true(ended(f, END_OK) > 100);
	assert_true(ended(f, END_UPGRADED) > 5);
	assert_true(ended(f, END_BACKEND_LOST) > 5);
	chaos_end(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
	        test_proxy_outlives_whatever_the_others_do, setup, teardown)};
	const char *text_of_seed = getenv("SC_CHAOS_SEED");

	if (text_of_seed != NULL)
		seed = (uint32_t)strtoul(text_of_seed, NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
