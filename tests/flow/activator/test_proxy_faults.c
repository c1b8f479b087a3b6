/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data path against hostile containers and awkward moments.
 */
#include <event2/event.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>

#include "activator/net/conn.h"
#include "lib/base/clk.h"
#include "tests/flow/activator/fixture.h"

/* The answer to the first request makes room for the second, which came with it: by then there is
   no such host. */
static void test_proxy_deleted_target_takes_no_further_request(void **state)
{
	struct fixture *f = *state;
	int c = client(f);

	make_ready(f);
	say(f, c, GET GET);
	(void)hear(f, take(f), "\r\n\r\n");
	target_free(f->target);
	f->target = NULL;
	(void)hear(f, c, " 404 ");
	hear_end(f, c);
	assert_int_equal(ended(f, END_DELETED), 1);
	assert_int_equal(ended(f, END_UNKNOWN_HOST), 1);
	assert_int_equal(proxy_held_count(f->proxy), 0);
}

static void test_proxy_bounds_interim_answers(void **state)
{
	struct fixture *f = *state;
	int c = client(f);
	int b;

	make_ready(f);
	say(f, c, GET);
	b = take(f);
	(void)hear(f, b, "\r\n\r\n");
	for (unsigned i = 0; i < 16; i++)
		say(f, b, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
	(void)hear(f, c, "Link: </a>\r\n\r\n");
	say(f, b, OK2);
	(void)hear(f, c, "\r\n\r\nok");
	say(f, c, GET);
	(void)hear(f, b, "\r\n\r\n");
	for (unsigned i = 0; i < 17; i++)
		(void)send(b, "HTTP/1.1 102 Processing\r\n\r\n", 27, MSG_NOSIGNAL);
	(void)hear(f, c, " 502 ");
}

/* Bytes behind its request wait unread in the kernel, before the reset. */
static void test_proxy_forgets_a_held_client_that_is_reset(void **state)
{
	const struct linger linger = {.l_onoff = 1, .l_linger = 0};
	const uint64_t until_ms = clk_now_ms() + DEADLINE_MS / 2; /* before its hold is over */
	struct fixture *f = *state;
	int c = client(f);

	say(f, c, GET);
	assert_int_equal(proxy_held_count(f->proxy), 1);
	say(f, c, GET GET);
	(void)setsockopt(c, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	assert_int_equal(dup2(f->backend, c), c); /* closes it; teardown() closes the number */
	while (proxy_held_count(f->proxy) > 0 && clk_now_ms() < until_ms)
		turn(f);
	assert_int_equal(proxy_held_count(f->proxy), 0);
	assert_int_equal(ended(f, END_CLIENT_GONE), 1);
}

/* The answer is complete for us; a client that takes it slowly, but takes it, gets all of it. */
static void test_proxy_download_outlives_the_response_timeout(void **state)
{
	struct fixture *f = *state;
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n";
	const uint64_t until_ms = clk_now_ms() + 2500; /* of a timeout of 1000 */
	static char piece[40000];
	int c = keep(f, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)f->port)};
	size_t sent = 0, got = 0, want = sizeof head - 1 + 400000;
	int small = 4096, b;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)setsockopt(c, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	(void)connect(c, (struct sockaddr *)&in, sizeof in);
	turn(f);
	make_ready(f);
	say(f, c, GET);
	b = take(f);
	(void)hear(f, b, "\r\n\r\n");
	say(f, b, head);
	while (got < want) {
		/* as much of it in each moment as lasts until the end */
		size_t due = want *
		             (2500 - (until_ms > clk_now_ms() ? until_ms - clk_now_ms() : 0)) /
		             2500;
		ssize_t n = 0;

		if (sent < 400000 &&
		    (n = send(b, piece, 400000 - sent < sizeof piece ? 400000 - sent : sizeof piece,
		              0)) > 0)
			sent += (size_t)n;
		turn(f);
		if (got >= due)
			continue;
		n = recv(c, piece, due - got < sizeof piece ? due - got : sizeof piece, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			fail_msg("cut off after %zu of %zu bytes", got, want);
		got += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(ended(f, END_CUT), 0);
}

/* Two requests in the dial's back-off, the second a little later: each is dialled again. */
static void test_proxy_dials_for_each_that_waits(void **state)
{
	struct fixture *f = *state;
	socklen_t bytes = sizeof f->backend_address;
	int first = client(f), second = client(f), b;
	uint64_t until_ms;

	(void)close(f->backend);
	f->fds[0] = dup(STDIN_FILENO);
	make_ready(f);
	say(f, first, GET);
	until_ms = clk_now_ms() + 10; /* within the interval of 25 */
	while (clk_now_ms() < until_ms)
		turn(f);
	say(f, second, GET);
	b = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	(void)setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	assert_int_equal(bind(b, (struct sockaddr *)&f->backend_address, bytes), 0);
	assert_int_equal(listen(b, 8), 0);
	f->backend = keep(f, b);
	for (unsigned i = 0; i < 2; i++) {
		b = take(f);
		(void)hear(f, b, "\r\n\r\n");
		say(f, b, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
	}
	(void)hear(f, first, "\r\n\r\nok");
	(void)hear(f, second, "\r\n\r\nok");
}

/* Its address changes while it is dialled: the dial of the old one is given up, and nothing is
 * lost. */
static void test_proxy_dials_where_the_container_is_now(void **state)
{
	struct fixture *f = *state;
	const struct sockaddr_in right = f->backend_address;
	int c = client(f), b;

	f->backend_address.sin_port = htons(1); /* nobody listens there */
	make_ready(f);
	say(f, c, GET);
	for (unsigned i = 0; i < 20; i++)
		turn(f);
	f->backend_address = right;
	make_ready(f);
	b = take(f);
	(void)hear(f, b, "\r\n\r\n");
	say(f, b, OK2);
	(void)hear(f, c, "\r\n\r\nok");
	assert_int_equal(proxy_held_count(f->proxy), 0);
}

/* What comes in one turn, and which of the two the loop meets first. */
static void stray_bytes_beside_a_request(struct fixture *f, int c, int b, bool is_before)
{
	static const char stale[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale";

	if (is_before)
		assert_int_equal(send(b, stale, sizeof stale - 1, 0), sizeof stale - 1);
	assert_int_equal(send(c, GET, strlen(GET), 0), strlen(GET));
	if (!is_before)
		assert_int_equal(send(b, stale, sizeof stale - 1, 0), sizeof stale - 1);
}

/* Whatever waits on an idle connection is nobody's answer, of whichever method the next one is. */
static void test_proxy_stray_bytes_answer_nobody(void **state)
{
	struct fixture *f = *state;
	int c = client(f), b;

	make_ready(f);
	say(f, c, GET);
	b = take(f);
	for (unsigned i = 0; i < 2; i++) {
		(void)hear(f, b, "\r\n\r\n");
		say(f, b, OK2);
		(void)hear(f, c, "\r\n\r\nok");
		stray_bytes_beside_a_request(f, c, b, i == 0);
		b = take(f);
	}
	(void)hear(f, b, "\r\n\r\n");
	say(f, b, OK2);
	assert_null(strstr(hear(f, c, "\r\n\r\nok"), "stale"));
	assert_int_equal(proxy_stats(f->proxy)->upstreams_unsolicited, 2);
}

/* An answer without a body that tells of one: its connection is not used again. */
static void test_proxy_bodiless_answers_that_tell_of_a_body_end_their_connection(void **state)
{
	static const struct {
		const char *request, *answer;
	} rows[] = {
	        {"HEAD / HTTP/1.1\r\nHost: app\r\n\r\n",
	         "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
	        {"HEAD / HTTP/1.1\r\nHost: app\r\n\r\n",
	         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
	        {GET, "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"},
	        {GET, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"},
	};
	struct fixture *f = *state;
	uint64_t start_ms;
	int c = client(f), b;

	make_ready(f);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		say(f, c, rows[i].request);
		b = take(f);
		(void)hear(f, b, "\r\n\r\n");
		say(f, b, rows[i].answer);
		start_ms = clk_now_ms();
		(void)hear(f, c, "\r\n\r\n");
		hear_end(f, b);
		/* a connection that is kept ends as well, after 4 s */
		assert_in_range(clk_now_ms() - start_ms, 0, 2500);
	}
}

/* Trailers that are thrown away count as well: there is an end to them. */
static void test_proxy_bounds_trailers_that_it_drops(void **state)
{
	struct fixture *f = *state;
	int c = client(f);

	make_ready(f);
	say(f, c, "POST / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
	(void)hear(f, take(f), "\r\n\r\n");
	for (unsigned i = 0; i < 4000 && ended(f, END_BAD_REQUEST) == 0; i++)
		if (send(c, "Cookie: x\r\n", 11, MSG_NOSIGNAL) < 0 || i % 100 == 0)
			turn(f);
	(void)hear(f, c, " 400 ");
}

/* The proxy's end of @c, which is in this process. */
static int other_end(int c)
{
	struct sockaddr_in here, there;
	socklen_t bytes = sizeof here;

	assert_int_equal(getsockname(c, (struct sockaddr *)&here, &bytes), 0);
	for (int fd = 3; fd < FDS_MAX; fd++) {
		bytes = sizeof there;
		if (getpeername(fd, (struct sockaddr *)&there, &bytes) == 0 &&
		    there.sin_family == AF_INET && there.sin_port == here.sin_port)
			return fd;
	}
	fail_msg("nobody has that connection");
	return -1;
}

/* What the proxy has read of what came to its @end. */
static uint64_t read_bytes(int end)
{
	struct tcp_info info = {0};
	socklen_t bytes = sizeof info;
	unsigned waiting = 0;

	assert_int_equal(getsockopt(end, IPPROTO_TCP, TCP_INFO, &info, &bytes), 0);
	assert_int_equal(ioctl(end, SIOCINQ, &waiting), 0);
	return info.tcpi_bytes_received - waiting;
}

/* However much one connection sends, the loop goes round: here what a lingering one sends. */
static void test_proxy_one_connection_has_no_more_than_a_turn(void **state)
{
	struct fixture *f = *state;
	static const char junk[65536];
	int c = client(f), size = 1 << 20, end;
	uint64_t most = 0, sum = 0, sent = 0, until = clk_now_ms() + DEADLINE_MS;
	ssize_t n;

	(void)setsockopt(c, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	say(f, c, "BAD\r\n\r\n");
	(void)hear(f, c, " 400 ");
	end = other_end(c);
	while ((n = send(c, junk, sizeof junk, 0)) > 0)
		sent += (uint64_t)n;
	assert_true(sent > 6 * 128 * 1024); /* else nothing is shown */
	while (sum < sent && clk_now_ms() < until) {
		uint64_t before = read_bytes(end);

		turn(f);
		before = read_bytes(end) - before;
		sum += before;
		most = before > most ? before : most;
	}
	assert_int_equal(sum, sent);
	assert_in_range(most, 1, 4 * 128 * 1024); /* it may be its turn again in one of ours */
}

/* A peer that vanished without a word must not keep a container awake for ever. */
static void test_sock_notices_a_peer_that_is_gone(void **state)
{
	struct fixture *f = *state;
	struct turn turn;
	struct conn s;
	int on = 0;
	int idle_s = 0;
	socklen_t bytes = sizeof on;

	turn_init(&turn, f->base);
	assert_int_equal(conn_open(&s, &turn, socket(AF_INET, SOCK_STREAM, 0)), 0);
	assert_int_equal(getsockopt(s.fd, SOL_SOCKET, SO_KEEPALIVE, &on, &bytes), 0);
	assert_int_equal(getsockopt(s.fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, &bytes), 0);
	conn_close(&s);
	turn_done(&turn);
	assert_int_equal(on, 1);
	assert_int_equal(idle_s, 60);
}

/* Without descriptors the listening socket stays readable: the loop waits all the same. */
static void test_proxy_out_of_descriptors_does_not_spin(void **state)
{
	struct fixture *f = *state;
	const struct timeval soon = {.tv_usec = 300000};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)f->port)};
	int fd = keep(f, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	struct rlimit before;
	struct rlimit none;
	clock_t begin;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = 3; /* no further descriptor can be had */
	(void)setrlimit(RLIMIT_NOFILE, &none);
	(void)connect(fd, (struct sockaddr *)&in, sizeof in);
	begin = clock();
	(void)event_base_loopexit(f->base, &soon);
	(void)event_base_dispatch(f->base);
	begin = clock() - begin;
	(void)setrlimit(RLIMIT_NOFILE, &before);
	assert_true(begin < CLOCKS_PER_SEC / 10);
	say(f, fd, GET);
	make_ready(f);
	(void)hear(f, take(f), "\r\n\r\n");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void reset(struct fixture *f, int fd)
{
	const struct linger now = {.l_onoff = 1};

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
	for (unsigned i = 0; i < f->fds_count; i++)
		if (f->fds[i] == fd)
			f->fds[i] = -1;
	(void)close(fd);
}

/* The reset and the bytes before it come as one: the bytes are read, and the reset counts. */
static void test_proxy_upload_that_is_reset_ends_at_once(void **state)
{
	struct fixture *f = *state;
	int c = client(f);
	int b;

	make_ready(f);
	say(f, c, "POST / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n");
	b = take(f);
	(void)hear(f, b, "\r\n\r\n");
	assert_int_equal(send(c, "3\r\nabc\r\n", 8, MSG_NOSIGNAL), 8);
	reset(f, c);
	hear_end(f, b);
	assert_int_equal(ended(f, END_CLIENT_GONE), 1);
}

static void test_proxy_answer_that_is_reset_is_cut_off_at_once(void **state)
{
	static const char part[] = "HTTP/1.1 200 OK\r\n\r\nabc"; /* up to the end, if it comes */
	struct fixture *f = *state;
	int c = client(f);
	int b;

	make_ready(f);
	say(f, c, GET);
	b = take(f);
	(void)hear(f, b, "\r\n\r\n");
	assert_int_equal(send(b, part, sizeof part - 1, MSG_NOSIGNAL), sizeof part - 1);
	reset(f, b);
	(void)hear(f, c, "abc");
	hear_end(f, c);
	assert_int_equal(ended(f, END_CUT), 1); /* and not told as complete */
}

static void patient(struct proxy_opts *opts)
{
	opts->response_timeout_ms = 60000; /* longer than a test waits */
}

static int setup_patient(void **state)
{
	return setup_with(state, patient);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_proxy_deleted_target_takes_no_further_request),
	        T(test_proxy_bounds_interim_answers),
	        T(test_proxy_forgets_a_held_client_that_is_reset),
	        T(test_proxy_download_outlives_the_response_timeout),
	        T(test_proxy_dials_for_each_that_waits),
	        T(test_proxy_dials_where_the_container_is_now),
	        T(test_proxy_bounds_trailers_that_it_drops),
	        T(test_proxy_one_connection_has_no_more_than_a_turn),
	        T(test_proxy_stray_bytes_answer_nobody),
	        T(test_proxy_bodiless_answers_that_tell_of_a_body_end_their_connection),
	        T(test_proxy_out_of_descriptors_does_not_spin),
	        T(test_sock_notices_a_peer_that_is_gone),
	        cmocka_unit_test_setup_teardown(test_proxy_upload_that_is_reset_ends_at_once,
	                                        setup_patient, teardown),
	        cmocka_unit_test_setup_teardown(test_proxy_answer_that_is_reset_is_cut_off_at_once,
	                                        setup_patient, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
