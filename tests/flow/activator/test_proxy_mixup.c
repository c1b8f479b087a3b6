/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No answer of one request ever reaches another client: ten thousand requests of many clients, each
 * with a number that its answer names, to a container that misbehaves in every way that is known.
 */
#include <netinet/tcp.h>

#include "lib/base/clk.h"
#include "tests/flow/activator/fixture.h"

enum {
	CLIENTS = 24,
	SERVERS_MAX = 512,
	REQUESTS = 10000,
	REQUEST_MS = 60000, /* all of them; a machine that does much else is slow */
	BUF_BYTES = 4096,
};

/* What the container does wrong. Those of HEAD come first. */
enum mode {
	HEAD_WITH_BODY,
	HEAD_WITH_LATE_BODY,
	WELL_BEHAVED,
	NO_CONTENT_WITH_LATE_CHUNK,
	NOT_MODIFIED_WITH_BODY,
	TWO_ANSWERS_AT_ONCE,
	UNASKED_ANSWER_WHILE_IDLE,
	TIMEOUT_WHILE_IDLE,
	HALF_AN_ANSWER,
	BYTES_BEHIND_THE_LAST_CHUNK,
	MODES_COUNT,
};

struct peer {
	int fd; /* -1: none */
	char buf[BUF_BYTES];
	size_t bytes;
	unsigned number; /* client: of its request; 0: none is under way */
	enum mode mode;
	enum mode late; /* server: what it still has to do wrong once it is idle */
	unsigned late_number;
	bool is_late;
};

static struct peer clients[CLIENTS], servers[SERVERS_MAX];
static unsigned sent_count, right_count, other_count, refused_count;

static void put(struct peer *p, const char *what)
{
	(void)!send(p->fd, what, strlen(what), MSG_NOSIGNAL);
}

static void drop(struct peer *p)
{
	(void)close(p->fd);
	*p = (struct peer){.fd = -1};
}

/* Return: false at the connection's end */
static bool fill(struct peer *p)
{
	ssize_t n = recv(p->fd, p->buf + p->bytes, sizeof p->buf - 1 - p->bytes, MSG_DONTWAIT);

	if (n > 0)
		p->bytes += (size_t)n;
	p->buf[p->bytes] = '\0';
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static void answer(struct peer *p, const char *status, unsigned number)
{
	char whole[200], body[40];
	int n = snprintf(body, sizeof body, "id=%u;", number);

	(void)snprintf(whole, sizeof whole, "HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status,
	               n, body);
	put(p, whole);
}

static void serve(struct peer *p, enum mode mode, unsigned number)
{
	char out[200];

	switch (mode) {
	case HEAD_WITH_LATE_BODY:
		put(p, "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n");
		break;
	case NO_CONTENT_WITH_LATE_CHUNK:
		put(p, "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n");
		break;
	case NOT_MODIFIED_WITH_BODY:
		answer(p, "304 Not Modified", number);
		break;
	case HALF_AN_ANSWER:
		(void)snprintf(out, sizeof out,
		               "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nid=%u;", number);
		put(p, out);
		drop(p);
		return;
	case BYTES_BEHIND_THE_LAST_CHUNK:
		(void)snprintf(out, sizeof out,
		               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		               "9\r\nid=%05u;\r\n0\r\n\r\nid=%u;",
		               number, number);
		put(p, out);
		return;
	case TWO_ANSWERS_AT_ONCE:
		answer(p, "200 OK", number);
		answer(p, "200 OK", number);
		return;
	case HEAD_WITH_BODY:
	case WELL_BEHAVED:
	case UNASKED_ANSWER_WHILE_IDLE:
	case TIMEOUT_WHILE_IDLE:
	case MODES_COUNT:
		answer(p, "200 OK", number);
		break;
	}
	p->late = mode;
	p->late_number = number;
	p->is_late = mode != WELL_BEHAVED && mode != HEAD_WITH_BODY;
}

/* Only while no next request is here: what comes behind one is its answer, whoever looks. */
static void serve_late(struct peer *p)
{
	p->is_late = false;
	if (p->late == NO_CONTENT_WITH_LATE_CHUNK)
		put(p, "0\r\n\r\n");
	else if (p->late == TIMEOUT_WHILE_IDLE)
		answer(p, "408 Request Timeout", p->late_number);
	else
		answer(p, "200 OK", p->late_number);
	if (p->late == TIMEOUT_WHILE_IDLE)
		drop(p);
}

static void server_turn(struct peer *p)
{
	unsigned mode, number;
	char *end;

	if (!fill(p)) {
		drop(p);
		return;
	}
	end = strstr(p->buf, "\r\n\r\n");
	if (end == NULL) {
		if (p->is_late && p->bytes == 0)
			serve_late(p);
		return;
	}
	/* "GET /MODE/NUMBER HTTP/1.1": one request at a time is sent on a connection */
	mode = (unsigned)strtoul(strchr(p->buf, '/') + 1, &end, 10);
	number = (unsigned)strtoul(end + 1, NULL, 10);
	p->bytes = 0;
	p->is_late = false;
	serve(p, (enum mode)mode, number);
}

static void client_ask(struct fixture *f, struct peer *p)
{
	char out[120];

	if (p->fd < 0) {
		struct sockaddr_in in = {.sin_family = AF_INET,
		                         .sin_port = htons((uint16_t)f->port)};

		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(p->fd, (struct sockaddr *)&in, sizeof in);
	}
	p->number = ++sent_count;
	p->mode = (enum mode)(p->number * 2654435761u >> 16) % MODES_COUNT;
	p->bytes = 0;
	(void)snprintf(out, sizeof out, "%s /%d/%u HTTP/1.1\r\nHost: app\r\n\r\n",
	               p->mode < WELL_BEHAVED ? "HEAD" : "GET", (int)p->mode, p->number);
	put(p, out);
}

/* Whatever number stands in it must be its own. */
static void client_judge(struct peer *p)
{
	const char *id = strstr(p->buf, "id=");

	if (id == NULL)
		refused_count += strstr(p->buf, " 50") != NULL;
	else if (strtoul(id + 3, NULL, 10) == p->number)
		right_count++;
	else
		other_count++;
	p->number = 0;
}

static bool client_is_answered(const struct peer *p)
{
	const char *end = strstr(p->buf, "\r\n\r\n");
	const char *length = strstr(p->buf, "Content-Length: ");

	if (end == NULL)
		return false;
	if (p->mode < WELL_BEHAVED || strstr(p->buf, " 204 ") || strstr(p->buf, " 304 "))
		return true;
	if (length == NULL || length > end)
		return strstr(end, "0\r\n\r\n") != NULL;
	return p->bytes - (size_t)(end + 4 - p->buf) >= strtoul(length + 16, NULL, 10);
}

static void client_turn(struct fixture *f, struct peer *p)
{
	bool open = p->fd >= 0 && fill(p);

	if (p->fd >= 0 && p->number != 0 && (client_is_answered(p) || !open))
		client_judge(p);
	if (!open && p->fd >= 0)
		drop(p);
	if (p->number == 0 && sent_count < REQUESTS)
		client_ask(f, p);
}

/* Without delay: what comes while a connection is idle is there before the next request is. */
static void servers_accept(const struct fixture *f)
{
	const int on = 1;

	for (size_t i = 0; i < SERVERS_MAX; i++) {
		if (servers[i].fd >= 0)
			continue;
		servers[i] = (struct peer){.fd = accept4(f->backend, NULL, NULL, SOCK_NONBLOCK)};
		if (servers[i].fd < 0)
			return;
		(void)setsockopt(servers[i].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	}
}

static bool all_are_answered(void)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		if (clients[i].number != 0)
			return false;
	}
	return sent_count == REQUESTS;
}

static void test_proxy_mixes_no_answers_up(void **state)
{
	struct fixture *f = *state;
	uint64_t until_ms = clk_now_ms() + REQUEST_MS;

	for (size_t i = 0; i < CLIENTS; i++)
		clients[i].fd = -1;
	for (size_t i = 0; i < SERVERS_MAX; i++)
		servers[i].fd = -1;
	make_ready(f);
	while (!all_are_answered() && clk_now_ms() < until_ms) {
		turn(f);
		servers_accept(f);
		for (size_t i = 0; i < SERVERS_MAX; i++)
			if (servers[i].fd >= 0)
				server_turn(&servers[i]);
		for (size_t i = 0; i < CLIENTS; i++)
			client_turn(f, &clients[i]);
	}
	print_message("# %u requests: %u with their own number, %u with another's, %u refused\n",
	              sent_count, right_count, other_count, refused_count);
	assert_true(all_are_answered());
	assert_int_equal(other_count, 0);
	assert_in_range(right_count, REQUESTS / 2, REQUESTS);
	assert_true(proxy_stats(f->proxy)->upstreams_unsolicited > 0);
	for (size_t i = 0; i < CLIENTS; i++)
		if (clients[i].fd >= 0)
			drop(&clients[i]);
	for (size_t i = 0; i < SERVERS_MAX; i++)
		if (servers[i].fd >= 0)
			drop(&servers[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_proxy_mixes_no_answers_up, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
