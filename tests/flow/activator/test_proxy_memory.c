/* SPDX-License-Identifier: Apache-2.0 */
/* A request while one allocation after the other fails: it is answered, refused or cut off. */
#include "activator/net/account.h"
#include "lib/base/clk.h"
#include "tests/flow/activator/fixture.h"
#include "tests/unit/memory/short_memory.h"

enum { REQUEST_MS = 5000 };

static struct fixture *f;
static const char *request;
static const char *answer;
static const char *wanted; /* how the answer ends for the client */

static int dial(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)f->port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	return fd;
}

/* Return: false when nothing more will come */
static bool read_some(int fd, char *buf, size_t size)
{
	size_t bytes = strlen(buf);
	ssize_t n = recv(fd, buf + bytes, size - 1 - bytes, MSG_DONTWAIT);

	if (n > 0)
		buf[bytes + (size_t)n] = '\0';
	return n > 0 || (n < 0 && errno == EAGAIN);
}

struct container {
	int fd;
	char heard[4096];
	bool answered;
};

static void container_serve(struct container *b)
{
	if (b->fd < 0)
		b->fd = accept(f->backend, NULL, NULL);
	if (b->fd < 0 || b->answered)
		return;
	if (!read_some(b->fd, b->heard, sizeof b->heard)) { /* given up: another one may follow */
		(void)close(b->fd);
		*b = (struct container){.fd = -1};
		return;
	}
	if (strstr(b->heard, strstr(request, "chunked") ? "\r\n0\r\n" : "\r\n\r\n") == NULL)
		return;
	(void)send(b->fd, answer, strlen(answer), MSG_NOSIGNAL);
	b->answered = true;
}

static enum outcome judge(const char *heard, bool ended)
{
	size_t bytes = strlen(heard);
	size_t end = strlen(wanted);

	if (strncmp(heard, "HTTP/1.1 5", 10) == 0 && strstr(heard, "\r\n\r\n"))
		return OUTCOME_TOLD;
	if (bytes >= end && strcmp(heard + bytes - end, wanted) == 0)
		return strncmp(heard, "HTTP/1.1 200", 12) == 0 ? OUTCOME_WHOLE : OUTCOME_WRONG;
	return ended ? OUTCOME_TOLD : OUTCOME_LESS;
}

static enum outcome one_request(void)
{
	struct container b = {.fd = -1};
	uint64_t until = clk_now_ms() + REQUEST_MS;
	enum outcome outcome = OUTCOME_LESS;
	char heard[8192] = "";
	int fd;

	short_memory_pause(true);
	fd = dial();
	while (outcome == OUTCOME_LESS && clk_now_ms() < until) {
		bool ended;

		short_memory_pause(false);
		turn(f);
		short_memory_pause(true);
		container_serve(&b);
		ended = !read_some(fd, heard, sizeof heard);
		outcome = judge(heard, ended);
	}
	(void)close(fd);
	if (b.fd >= 0)
		(void)close(b.fd);
	while (proxy_stats(f->proxy)->clients_count > 0 && clk_now_ms() < until)
		turn(f);
	/* neither an answer nor an end is worse than either */
	return outcome == OUTCOME_LESS ? OUTCOME_WRONG : outcome;
}

static void try_requests(void **state, const char *name)
{
	const struct target_limits limits = {.held = {300, 1 << 21}, .hold_timeout_ms = 300};
	size_t before;

	f = *state;
	target_set_limits(f->target, &limits); /* so long it waits for memory, at the most */
	make_ready(f);
	assert_int_equal(one_request(), OUTCOME_WHOLE);
	before = account_bytes(ACCOUNT_BUFFERS) + account_bytes(ACCOUNT_SOCKETS);
	short_memory_try(name, one_request);
	assert_int_equal(one_request(), OUTCOME_WHOLE);
	assert_in_range(account_bytes(ACCOUNT_BUFFERS) + account_bytes(ACCOUNT_SOCKETS), 0,
	                before + 16384);
}

static void test_proxy_short_of_memory_answers_or_ends(void **state)
{
	request = "GET / HTTP/1.1\r\nHost: app\r\n\r\n";
	answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
	wanted = "\r\n\r\nok";
	try_requests(state, "a request");
}

static void test_proxy_short_of_memory_cuts_no_chunked_body_in_silence(void **state)
{
	request = "POST / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n"
	          "3\r\nabc\r\n0\r\nb: c\r\n\r\n";
	answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
	         "5\r\nhello\r\n0\r\nd: e\r\n\r\n";
	wanted = "5\r\nhello\r\n0\r\nd: e\r\n\r\n";
	try_requests(state, "chunked bodies");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_proxy_short_of_memory_answers_or_ends, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(
	                test_proxy_short_of_memory_cuts_no_chunked_body_in_silence, setup,
	                teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
