/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin server on a loopback socket, in one process: the test turns the server's event loop
 * while it waits for bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clk.h"
#include "lib/http/admin.h"
#include "lib/http/metrics.h"

enum { CLIENTS = 450, WAIT_MS = 5000 };

struct fixture {
	struct event_base *base;
	struct metrics *metrics;
	struct admin *admin;
	char token_path[64];
	const char *not_ready;
	bool later; /* keep the request */
	void *kept; /* the last one */
	size_t kept_count;
	void *all_kept[CLIENTS];
	char asked[256];
	int fds[CLIENTS];
	size_t fds_count;
	char answer[1 << 16];
};

static const char *why_not_ready(void *arg)
{
	return ((struct fixture *)arg)->not_ready;
}

static bool on_request(void *arg, const struct admin_request *req)
{
	struct fixture *f = arg;

	if (strcmp(req->path, "/v1/x") != 0)
		return false;
	(void)snprintf(f->asked, sizeof f->asked, "%s %s ?%s %zu %.20s", req->method, req->path,
	               req->query, req->body_bytes, req->body);
	if (f->later)
		f->kept = f->all_kept[f->kept_count++] = req->reply;
	else
		admin_reply(req->reply, 200, "{\"x\":1}");
	return true;
}

static void write_token(struct fixture *f, const char *token)
{
	FILE *file = fopen(f->token_path, "w");

	assert_non_null(file);
	assert_true(fputs(token, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct admin_opts opts = {"127.0.0.1:0", NULL, NULL, why_not_ready, on_request, f};
	struct err err;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)snprintf(f->token_path, sizeof f->token_path, "/tmp/test_admin.XXXXXX");
	(void)close(mkstemp(f->token_path));
	write_token(f, "secret\n");
	f->base = event_base_new();
	f->metrics = metrics_new();
	opts.token_file = f->token_path;
	opts.metrics = f->metrics;
	*state = f;
	if (admin_new(f->base, &opts, &f->admin, &err) < 0) {
		print_error("%s\n", err.text);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < f->fds_count; i++)
		(void)close(f->fds[i]);
	admin_free(f->admin);
	metrics_free(f->metrics);
	event_base_free(f->base);
	(void)unlink(f->token_path);
	free(f);
	return 0;
}

static int dial(struct fixture *f)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
	                          .sin_port = htons((uint16_t)admin_port(f->admin)),
	                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_true(f->fds_count < CLIENTS);
	f->fds[f->fds_count++] = fd;
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof sin), 0);
	return fd;
}

static void turn(struct fixture *f)
{
	(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
	(void)poll(NULL, 0, 1);
}

/* What comes until the server closes the connection; "" when nothing does in @wait_ms. */
static const char *receive(struct fixture *f, int fd, uint64_t wait_ms)
{
	uint64_t deadline_ms = clk_now_ms() + wait_ms;
	size_t len = 0;

	while (clk_now_ms() < deadline_ms) {
		ssize_t n = recv(fd, f->answer + len, sizeof f->answer - 1 - len, MSG_DONTWAIT);

		if (n == 0)
			break;
		if (n > 0)
			len += (size_t)n;
		turn(f);
	}
	f->answer[len] = '\0';
	return f->answer;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static const char *ask(struct fixture *f, const char *line, const char *headers, const char *body)
{
	char text[4096];
	int fd = dial(f);

	(void)snprintf(text, sizeof text,
	               "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-Length: "
	               "%zu\r\n\r\n%s",
	               line, headers, strlen(body), body);
	send_text(fd, text);
	return receive(f, fd, WAIT_MS);
}

static void assert_status(const char *answer, const char *status)
{
	char want[32];

	(void)snprintf(want, sizeof want, "HTTP/1.1 %s ", status);
	if (strncmp(answer, want, strlen(want)) != 0)
		assert_string_equal(answer, want);
}

#define AUTH "Authorization: Bearer secret\r\n"

static void test_admin_health_and_readiness_need_no_token(void **state)
{
	struct fixture *f = *state;

	assert_status(ask(f, "GET /healthz", "", ""), "200");
	assert_status(ask(f, "GET /readyz", "", ""), "200");
	f->not_ready = "no list of pods yet";
	assert_status(ask(f, "GET /readyz", "", ""), "503");
	assert_non_null(strstr(f->answer, "\r\n\r\nno list of pods yet"));
	assert_status(ask(f, "POST /healthz", "", "x"), "405");
}

static void test_admin_metrics_with_token(void **state)
{
	struct fixture *f = *state;

	assert_status(ask(f, "GET /metrics", "", ""), "401");
	assert_status(ask(f, "GET /metrics", "Authorization: Bearer secreT\r\n", ""), "401");
	assert_status(ask(f, "GET /metrics", "Authorization: Bearer secret1\r\n", ""), "401");
	assert_status(ask(f, "GET /metrics", "Authorization: Bearer \r\n", ""), "401");
	assert_status(ask(f, "GET /metrics", AUTH, ""), "200");
	assert_non_null(strstr(f->answer, "Content-Type: text/plain; version=0.0.4"));
	assert_non_null(strstr(f->answer, "\nsc_build_info{version="));
}

static void test_admin_token_is_read_again(void **state)
{
	struct fixture *f = *state;

	assert_status(ask(f, "GET /metrics", AUTH, ""), "200");
	write_token(f, "another");
	assert_status(ask(f, "GET /metrics", AUTH, ""), "401");
	assert_status(ask(f, "GET /metrics", "Authorization: Bearer another\r\n", ""), "200");
	write_token(f, "");
	assert_status(ask(f, "GET /metrics", "Authorization: Bearer \r\n", ""), "401");
}

static void test_admin_program_paths(void **state)
{
	struct fixture *f = *state;

	assert_status(ask(f, "POST /v1/x?a=1", AUTH, "{}"), "200");
	assert_non_null(strstr(f->answer, "application/json"));
	assert_non_null(strstr(f->answer, "\r\n\r\n{\"x\":1}"));
	assert_string_equal(f->asked, "POST /v1/x ?a=1 2 {}");
	assert_status(ask(f, "GET /v1/y", AUTH, ""), "404");
	assert_status(ask(f, "GET /v1/x", "", ""), "401");
}

/* Sends a request that the program keeps. */
static int ask_later(struct fixture *f)
{
	uint64_t deadline_ms = clk_now_ms() + WAIT_MS;
	int fd = dial(f);

	f->later = true;
	send_text(fd, "GET /v1/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" AUTH "\r\n");
	while (f->kept == NULL && clk_now_ms() < deadline_ms)
		turn(f);
	assert_non_null(f->kept);
	return fd;
}

static void test_admin_later_answer(void **state)
{
	struct fixture *f = *state;
	int fd = ask_later(f);

	admin_reply(f->kept, 409, "{}");
	assert_status(receive(f, fd, WAIT_MS), "409");
}

static void test_admin_later_answer_to_one_who_left(void **state)
{
	struct fixture *f = *state;
	int fd = ask_later(f);

	(void)shutdown(fd, SHUT_RDWR);
	for (int i = 0; i < 20; i++)
		turn(f);
	admin_reply(f->kept, 200, "{}");
	for (int i = 0; i < 20; i++)
		turn(f);
	f->later = false;
	assert_status(ask(f, "GET /healthz", "", ""), "200");
}

static void test_admin_later_answer_after_the_server_is_gone(void **state)
{
	struct fixture *f = *state;

	(void)ask_later(f);
	admin_free(f->admin);
	f->admin = NULL;
	admin_reply(f->kept, 200, "{}");
}

static void test_admin_limits_of_size(void **state)
{
	struct fixture *f = *state;
	char *big = calloc(1, 70 << 10);
	int fd;

	memset(big, 'x', (70 << 10) - 1);
	fd = dial(f);
	send_text(fd, "GET /healthz HTTP/1.1\r\nX: ");
	(void)send(fd, big, 9 << 10, MSG_NOSIGNAL);
	(void)receive(f, fd, WAIT_MS);
	assert_null(strstr(f->answer, " 200 "));
	fd = dial(f);
	send_text(fd, "POST /v1/x HTTP/1.1\r\nHost: x\r\n" AUTH "Content-Length: 71000\r\n\r\n");
	(void)send(fd, big, 70 << 10, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)receive(f, fd, WAIT_MS);
	free(big);
	assert_null(strstr(f->answer, " 200 "));
	assert_string_equal(f->asked, "");
}

static const char *probe(struct fixture *f, uint64_t wait_ms)
{
	int fd = dial(f);

	send_text(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	return receive(f, fd, wait_ms);
}

static void test_admin_silent_connections_keep_no_probe_out(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 400; i++) {
		int fd = dial(f);

		if (i % 2 == 0) /* a request that never ends says as little as none */
			send_text(fd, "GET /healthz HTTP/1.1\r\n");
		if (i % 100 == 99)
			assert_status(probe(f, 1000), "200");
	}
	assert_status(probe(f, 1000), "200");
}

/* The probe came first of all that the next turn accepts. */
static void test_admin_evicts_no_request_that_waits(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	send_text(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	for (int i = 0; i < 300; i++)
		(void)dial(f);
	assert_status(receive(f, fd, 1000), "200");
}

static void test_admin_requests_in_work_leave_room_for_probes(void **state)
{
	struct fixture *f = *state;
	int last = -1;

	f->later = true;
	for (int i = 0; i < 80; i++) {
		last = dial(f);
		send_text(last,
		          "GET /v1/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" AUTH "\r\n");
		turn(f);
	}
	assert_status(receive(f, last, 1000), "503");
	assert_status(probe(f, 1000), "200");
	assert_int_equal(f->kept_count, 48);
	for (size_t i = 0; i < f->kept_count; i++)
		admin_reply(f->all_kept[i], 200, "{}");
}

static void test_admin_half_a_request_ends_after_two_seconds(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	uint64_t start_ms = clk_now_ms();

	send_text(fd, "GET /healthz HTTP/1.1\r\nX: ");
	(void)receive(f, fd, WAIT_MS);
	assert_in_range(clk_now_ms() - start_ms, 1900, 3500);
}

/* Descriptors run out: the loop rests, and says so once. */
static void test_admin_pauses_without_descriptors(void **state)
{
	struct fixture *f = *state;
	struct rlimit before;
	struct rlimit none;
	clock_t cpu;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	(void)dial(f);
	none = before;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	cpu = clock();
	for (uint64_t end_ms = clk_now_ms() + 500; clk_now_ms() < end_ms;)
		(void)event_base_loop(f->base, EVLOOP_ONCE);
	cpu = clock() - cpu;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_in_range(cpu * 1000 / CLOCKS_PER_SEC, 0, 200);
	assert_status(probe(f, WAIT_MS), "200");
}

static int find_event_of_nothing(const struct event_base *base, const struct event *ev, void *arg)
{
	(void)base;
	(void)arg;
	return event_get_fd(ev) >= 0 && fcntl(event_get_fd(ev), F_GETFD) < 0;
}

/* The next descriptor of that number would be watched by nobody. */
static void test_admin_leaves_no_event_of_a_closed_connection(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	send_text(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_status(receive(f, fd, WAIT_MS), "200");
	for (int i = 0; i < 5; i++) {
		turn(f);
		assert_int_equal(event_base_foreach_event(f->base, find_event_of_nothing, NULL), 0);
	}
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_admin_health_and_readiness_need_no_token),
	        TEST(test_admin_metrics_with_token),
	        TEST(test_admin_token_is_read_again),
	        TEST(test_admin_program_paths),
	        TEST(test_admin_later_answer),
	        TEST(test_admin_later_answer_to_one_who_left),
	        TEST(test_admin_later_answer_after_the_server_is_gone),
	        TEST(test_admin_limits_of_size),
	        TEST(test_admin_silent_connections_keep_no_probe_out),
	        TEST(test_admin_evicts_no_request_that_waits),
	        TEST(test_admin_requests_in_work_leave_room_for_probes),
	        TEST(test_admin_half_a_request_ends_after_two_seconds),
	        TEST(test_admin_pauses_without_descriptors),
	        TEST(test_admin_leaves_no_event_of_a_closed_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
