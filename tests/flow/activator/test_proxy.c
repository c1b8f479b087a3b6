/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data path without a cluster: holding, forwarding, retrying, leases.
 */
#include "lib/base/clk.h"
#include "tests/flow/activator/fixture.h"

static void test_proxy_holds_wakes_once_and_releases_all(void **state)
{
	struct fixture *f = *state;
	int clients[200];

	for (unsigned i = 0; i < 200; i++) {
		clients[i] = client(f);
		say(f, clients[i], GET);
	}
	while (proxy_held_count(f->proxy) < 200)
		turn(f);
	assert_int_equal(f->wakes, 1);
	answer_wake(f);
	make_ready(f);
	for (unsigned i = 0; i < 200; i++) {
		int b = take(f);

		(void)hear(f, b, "\r\n\r\n");
		say(f, b, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
	}
	for (unsigned i = 0; i < 200; i++)
		(void)hear(f, clients[i], "\r\n\r\nok");
	assert_int_equal(f->wakes, 1);
	assert_int_equal(ended(f, END_OK), 200);
}

static void test_proxy_keeps_both_sides_alive(void **state)
{
	struct fixture *f = *state;
	int c = client(f);
	int b;

	make_ready(f);
	say(f, c, GET GET);
	b = take(f);
	(void)hear(f, b, "X-Forwarded-Host: app\r\n\r\n");
	say(f, b, OK2);
	(void)hear(f, c, "\r\n\r\nok");
	(void)hear(f, b, "\r\n\r\n"); /* the pipelined one, on the same connection */
	say(f, b, OK2);
	(void)hear(f, c, "\r\n\r\nok");
	assert_int_equal(proxy_stats(f->proxy)->upstreams_opened, 1);
	assert_int_equal(f->wakes, 0);
}

static void refused(struct fixture *f, const char *request, const char *want)
{
	int c = client(f);

	say(f, c, request);
	(void)hear(f, c, want);
	hear_end(f, c);
}

static void test_proxy_refuses_what_could_smuggle(void **state)
{
	struct fixture *f = *state;

	make_ready(f);
	refused(f,
	        "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 4\r\nTransfer-Encoding: chunked"
	        "\r\n\r\n0\r\n\r\n",
	        " 400 ");
	refused(f,
	        "POST / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\nContent-Length: 4"
	        "\r\n\r\n0\r\n\r\n",
	        " 400 ");
	refused(f,
	        "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
	        " 400 ");
	refused(f, "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: +1\r\n\r\na", " 400 ");
	refused(f, "GET / HTTP/1.1\r\nHost: app\r\nX : y\r\n\r\n", " 400 ");
	refused(f, "GET / HTTP/1.1\r\nHost: app\r\nX: a\r\n b\r\n\r\n", " 400 ");
	refused(f, "GET / HTTP/1.1\r\nHost: app\r\nX: a\rY: b\r\n\r\n", " 400 ");
	refused(f, "GET / HTTP/1.1\nHost: app\n\n", " 400 ");
	refused(f, "GET / HTTP/1.1\r\n\r\n", " 400 ");
	refused(f, "GET / HTTP/1.1\r\nHost: app\r\nHost: app\r\n\r\n", " 400 ");
	refused(f, "GET / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: identity\r\n\r\n", " 501 ");
	refused(f, "TRACE / HTTP/1.1\r\nHost: app\r\n\r\n", " 405 ");
	refused(f, "CONNECT app:80 HTTP/1.1\r\nHost: app\r\n\r\n", " 405 ");
	refused(f, "OPTIONS * HTTP/1.1\r\nHost: app\r\n\r\n", " 204 ");
	refused(f, "GET / HTTP/1.1\r\nHost: nobody\r\n\r\n", "for this host: nobody");
	assert_int_equal(proxy_stats(f->proxy)->upstreams_opened, 0);
}

static void test_proxy_limits_the_head(void **state)
{
	struct fixture *f = *state;
	size_t at = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: app\r\n");
	char *big;
	int c = client(f);

	for (unsigned i = 0; i < 100; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "X-%u: y\r\n", i);
	big = strdup(text);
	say(f, c, big);
	free(big);
	(void)hear(f, c, " 431 ");
	c = client(f);
	at = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: app\r\nX: ");
	memset(text + at, 'a', 70000);
	text[at + 70000] = '\0';
	big = strdup(text);
	say(f, c, big);
	free(big);
	(void)hear(f, c, " 431 ");
	c = client(f);
	say(f, c, "GET / HT");
	(void)hear(f, c, " 408 ");
}

static void test_proxy_writes_chunks_and_trailers_anew(void **state)
{
	struct fixture *f = *state;
	int c = client(f);
	const char *got;
	int b;

	make_ready(f);
	say(f, c,
	    "POST / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3;ext=1\r\nabc\r\n00\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n");
	b = take(f);
	got = hear(f, b, "X-Sum: 1\r\n\r\n");
	assert_non_null(strstr(got, "\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"));
	assert_null(strstr(got, "ext"));
	say(f, b, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n");
	(void)hear(f, c, "2\r\nok\r\n");
	say(f, b, "0\r\nX-T: 2\r\n\r\n");
	(void)hear(f, c, "0\r\nX-T: 2\r\n\r\n");
	say(f, c, "GET / HTTP/1.0\r\nHost: app\r\n\r\n");
	(void)hear(f, b, "\r\n\r\n");
	say(f, b, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
	got = hear(f, c, "\r\n\r\nok");
	assert_non_null(strstr(got, "Connection: close"));
	hear_end(f, c);
}

static void test_proxy_answers_without_a_body(void **state)
{
	struct fixture *f = *state;
	int c = client(f);
	int b;

	make_ready(f);
	say(f, c, "HEAD / HTTP/1.1\r\nHost: app\r\n\r\n");
	b = take(f);
	(void)hear(f, b, "\r\n\r\n");
	say(f, b, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
	(void)hear(f, c, "Content-Length: 5\r\n\r\n");
	say(f, c, GET);
	b = take(f); /* of the one before, a body may follow that nobody asked for */
	(void)hear(f, b, "\r\n\r\n");
	say(f, b, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
	(void)hear(f, c, "Content-Length: 5\r\n\r\n");
	say(f, c,
	    "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
	b = take(f);
	(void)hear(f, b, "Expect: 100-continue");
	say(f, b, "HTTP/1.1 100 Continue\r\n\r\n");
	(void)hear(f, c, "HTTP/1.1 100 Continue\r\n\r\n");
	say(f, c, "hi");
	(void)hear(f, b, "hi");
	say(f, b, "HTTP/1.1 204 No Content\r\n\r\n");
	(void)hear(f, c, " 204 No Content\r\n\r\n");
	say(f, c, GET);
	(void)hear(f, b, "\r\n\r\n");
	say(f, b, "HTTP/1.1 200 OK\r\n\r\nuntil");
	(void)hear(f, c, "5\r\nuntil\r\n");
	(void)shutdown(b, SHUT_WR);
	(void)hear(f, c, "0\r\n\r\n");
	assert_int_equal(ended(f, END_OK), 4);
}

static void test_proxy_tunnels_after_an_upgrade(void **state)
{
	struct fixture *f = *state;
	struct target_activity a;
	int c = client(f);
	int b;

	make_ready(f);
	say(f, c, "GET / HTTP/1.1\r\nHost: app\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
	b = take(f);
	(void)hear(f, b, "Upgrade: x\r\n");
	say(f, b,
	    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nfrom");
	(void)hear(f, c, "\r\n\r\nfrom");
	say(f, c, "to\r\n\r\n");
	(void)hear(f, b, "to\r\n\r\n");
	target_activity(f->target, &a);
	assert_int_equal(a.upgraded_count, 1);
	assert_true(a.has_last_byte);
	assert_false(target_quiesce(f->target, 1000));
	/* one side ends: the other is told, and may still speak */
	(void)shutdown(c, SHUT_WR);
	hear_end(f, b);
	target_activity(f->target, &a);
	assert_int_equal(a.upgraded_count, 1);
	say(f, b, "last words");
	(void)hear(f, c, "last words");
	(void)shutdown(b, SHUT_WR);
	hear_end(f, c);
	target_activity(f->target, &a);
	assert_int_equal(a.upgraded_count, 0);
	assert_int_equal(ended(f, END_UPGRADED), 1);
}

/* The same the other way round, and a side that never ends is not waited for without bound. */
static void test_proxy_ends_a_tunnel_whose_other_side_is_silent(void **state)
{
	struct fixture *f = *state;
	int c = client(f);
	int b;

	make_ready(f);
	say(f, c, "GET / HTTP/1.1\r\nHost: app\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
	b = take(f);
	(void)hear(f, b, "Upgrade: x\r\n");
	say(f, b, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
	(void)hear(f, c, "\r\n\r\n");
	(void)shutdown(b, SHUT_WR);
	hear_end(f, c);
	say(f, c, "still here");
	(void)hear(f, b, "still here");
	while (ended(f, END_UPGRADED) == 0) /* after the response timeout of a second */
		turn(f);
}

/* A client may end its side after its request: it waits for the answer, also asleep. */
static void test_proxy_answers_a_client_that_ended_its_side(void **state)
{
	static const char post[] = "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 2\r\n\r\nhi";
	struct fixture *f = *state;
	int asleep = client(f), with_body = client(f), awake = client(f), b;

	say(f, asleep, GET);
	(void)shutdown(asleep, SHUT_WR);
	say(f, with_body, post);
	(void)shutdown(with_body, SHUT_WR);
	for (unsigned i = 0; i < 20; i++)
		turn(f);
	assert_int_equal(proxy_held_count(f->proxy), 2);
	make_ready(f);
	for (unsigned i = 0; i < 2; i++) {
		b = take(f);
		(void)hear(f, b, i == 0 ? "\r\n\r\n" : "\r\n\r\nhi");
		say(f, b, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
		(void)hear(f, i == 0 ? asleep : with_body, "\r\n\r\nok");
	}
	assert_int_equal(send(awake, GET, strlen(GET), 0), strlen(GET));
	(void)shutdown(awake, SHUT_WR);
	b = take(f);
	(void)hear(f, b, "\r\n\r\n");
	say(f, b, OK2);
	(void)hear(f, awake, "\r\n\r\nok");
	hear_end(f, awake);
}

static void test_proxy_retries_only_what_may_be_retried(void **state)
{
	struct fixture *f = *state;
	int c = client(f);

	make_ready(f);
	say(f, c, GET);
	for (unsigned i = 0; i < 4; i++) {
		int b = take(f);

		(void)hear(f, b, "\r\n\r\n");
		(void)shutdown(b, SHUT_RDWR);
	}
	(void)hear(f, c, " 502 ");
	assert_int_equal(proxy_stats(f->proxy)->retries, 3);
	say(f, c, "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 1\r\n\r\nx");
	(void)shutdown(take(f), SHUT_RDWR);
	(void)hear(f, c, " 502 ");
	assert_int_equal(proxy_stats(f->proxy)->retries, 3);
}

static void test_proxy_dials_again_until_the_port_answers(void **state)
{
	struct fixture *f = *state;
	int c = client(f);
	socklen_t bytes = sizeof f->backend_address;
	int b;

	(void)close(f->backend);
	f->fds[0] = dup(STDIN_FILENO);
	make_ready(f);
	say(f, c, GET);
	for (unsigned i = 0; i < 50; i++)
		turn(f);
	b = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	(void)setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	assert_int_equal(bind(b, (struct sockaddr *)&f->backend_address, bytes), 0);
	assert_int_equal(listen(b, 8), 0);
	f->backend = keep(f, b);
	b = take(f);
	(void)hear(f, b, "\r\n\r\n");
	say(f, b, OK2);
	(void)hear(f, c, "\r\n\r\nok");
	assert_int_equal(proxy_stats(f->proxy)->retries, 0);
}

static void test_proxy_failed_answers_all_at_once_and_recovers(void **state)
{
	struct fixture *f = *state;
	int c = client(f);
	const char *got;

	say(f, c, GET);
	answer_wake(f);
	observe(f, true, false, "ImagePullFailed: no such image");
	got = hear(f, c, "no such image");
	assert_non_null(strstr(got, " 503 "));
	assert_non_null(strstr(got, "Retry-After: "));
	say(f, c, GET);
	(void)hear(f, c, "no such image");
	assert_int_equal(f->wakes, 1);
	make_ready(f);
	say(f, c, GET);
	c = take(f);
	(void)hear(f, c, "\r\n\r\n");
}

static void test_proxy_hold_timeout_and_budget(void **state)
{
	struct fixture *f = *state;
	const struct target_limits limits = {.held = {1, 1 << 20}, .hold_timeout_ms = 300};
	int c = client(f);
	int over = client(f);

	target_set_limits(f->target, &limits);
	say(f, c, GET);
	say(f, over, GET);
	(void)hear(f, over, " 503 ");
	answer_wake(f);
	assert_non_null(strstr(hear(f, c, "in time: WaitingForPort: nothing listens on port 8080"),
	                       " 504 "));
	assert_int_equal(ended(f, END_OVER_BUDGET), 1);
	assert_int_equal(ended(f, END_HOLD_TIMEOUT), 1);
	assert_int_equal(proxy_held_count(f->proxy), 0);
}

static void test_proxy_client_gone_frees_the_slot(void **state)
{
	struct fixture *f = *state;
	int c = client(f);

	say(f, c, "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 100000\r\n\r\npart");
	assert_int_equal(proxy_held_count(f->proxy), 1);
	say(f, c, "more that nobody reads");
	(void)shutdown(c, SHUT_WR); /* in the middle of its body */
	while (proxy_held_count(f->proxy) > 0)
		turn(f);
	assert_int_equal(ended(f, END_CLIENT_GONE), 1);
	c = client(f);
	say(f, c, GET);
	assert_int_equal(proxy_held_count(f->proxy), 1);
	(void)setsockopt(c, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
	(void)close(c); /* a reset */
	f->fds[2] = dup(0);
	while (proxy_held_count(f->proxy) > 0)
		turn(f);
	assert_int_equal(ended(f, END_CLIENT_GONE), 2);
}

static void test_proxy_lease_holds_then_wakes(void **state)
{
	struct fixture *f = *state;
	int c = client(f);
	int b;

	make_ready(f);
	assert_true(target_quiesce(f->target, 60000));
	say(f, c, GET);
	assert_int_equal(proxy_held_count(f->proxy), 1);
	assert_int_equal(f->wakes, 0);
	assert_false(target_quiesce(f->target, 60000));
	target_resume(f->target);
	assert_int_equal(f->wakes, 1);
	assert_int_equal(proxy_held_count(f->proxy), 1);
	observe(f, true, true, NULL);
	assert_int_equal(proxy_held_count(f->proxy), 1);
	target_wake_done(f->target, f->generation);
	b = take(f);
	(void)hear(f, b, "\r\n\r\n");
	say(f, b, OK2);
	(void)hear(f, c, "\r\n\r\nok");
}

static void test_proxy_lease_and_stop_wake_for_what_is_held(void **state)
{
	struct fixture *f = *state;
	int c = client(f);

	make_ready(f);
	assert_true(target_quiesce(f->target, 60000));
	say(f, c, GET);
	f->generation++;
	observe(f, false, true, NULL);
	assert_int_equal(f->wakes, 1);
	answer_wake(f);
	assert_int_equal(proxy_held_count(f->proxy), 1);
	make_ready(f);
	c = take(f);
	(void)hear(f, c, "\r\n\r\n");
}

static void test_proxy_concurrency_limit_releases_in_order(void **state)
{
	struct fixture *f = *state;
	const struct target_limits limits = {
	        .held = {9, 1 << 20}, .hold_timeout_ms = 8000, .concurrency_max = 1};
	int first = client(f);
	int second = client(f);
	int b;

	target_set_limits(f->target, &limits);
	say(f, first, "GET /1 HTTP/1.1\r\nHost: app\r\n\r\n");
	say(f, second, "GET /2 HTTP/1.1\r\nHost: app\r\n\r\n");
	answer_wake(f);
	make_ready(f);
	b = take(f);
	(void)hear(f, b, "GET /1 ");
	assert_int_equal(proxy_held_count(f->proxy), 1);
	say(f, b, OK2);
	(void)hear(f, b, "GET /2 ");
	say(f, b, OK2);
	(void)hear(f, second, "\r\n\r\nok");
}

static void pass_bytes(struct fixture *f, int from, int to, size_t total)
{
	static char piece[65536];
	uint64_t until = clk_now_ms() + DEADLINE_MS;
	size_t sent = 0;
	size_t got = 0;

	while (got < total && clk_now_ms() < until) {
		size_t want = total - sent < sizeof piece ? total - sent : sizeof piece;
		ssize_t n = want ? send(from, piece, want, MSG_NOSIGNAL) : 0;

		sent += n > 0 ? (size_t)n : 0;
		turn(f);
		while ((n = recv(to, text, sizeof text, 0)) > 0)
			got += (size_t)n;
	}
	assert_true(got >= total);
}

static void test_proxy_passes_large_bodies_both_ways(void **state)
{
	struct fixture *f = *state;
	const size_t total = 10 << 20;
	char head[128];
	int c = client(f);
	int b;

	make_ready(f);
	(void)snprintf(head, sizeof head,
	               "PUT / HTTP/1.1\r\nHost: app\r\nContent-Length: %zu\r\n\r\n", total);
	say(f, c, head);
	b = take(f);
	(void)hear(f, b, "\r\n\r\n");
	pass_bytes(f, c, b, total);
	(void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", total);
	say(f, b, head);
	(void)hear(f, c, "\r\n\r\n");
	pass_bytes(f, b, c, total);
	assert_int_equal(ended(f, END_OK), 1);
}

static void test_proxy_backend_faults(void **state)
{
	struct fixture *f = *state;
	int c = client(f);
	int b;

	make_ready(f);
	say(f, c, GET);
	b = take(f);
	(void)hear(f, b, "\r\n\r\n");
	(void)hear(f, c, " 504 "); /* no answer within the response timeout */
	say(f, c, GET);
	b = take(f);
	(void)hear(f, b, "\r\n\r\n");
	say(f, b, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
	(void)hear(f, c, " 502 ");
	say(f, c, GET);
	b = take(f);
	(void)hear(f, b, "\r\n\r\n");
	say(f, b, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart");
	(void)hear(f, c, "part");
	(void)shutdown(b, SHUT_RDWR);
	hear_end(f, c); /* cut, so that the client sees that something is missing */
	assert_int_equal(ended(f, END_CUT), 1);
}

static void set_flag(void *arg)
{
	*(bool *)arg = true;
}

static void test_proxy_drains(void **state)
{
	struct fixture *f = *state;
	int idle = client(f);
	int c = client(f);
	bool done = false;
	int b;

	make_ready(f);
	say(f, c, GET);
	b = take(f);
	(void)hear(f, b, "\r\n\r\n");
	proxy_drain(f->proxy, 5000, set_flag, &done);
	hear_end(f, idle);
	assert_false(done);
	say(f, b, OK2);
	(void)hear(f, c, "Connection: close\r\n\r\nok");
	(void)shutdown(c, SHUT_RDWR);
	while (!done)
		turn(f);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_proxy_holds_wakes_once_and_releases_all),
	        T(test_proxy_keeps_both_sides_alive),
	        T(test_proxy_refuses_what_could_smuggle),
	        T(test_proxy_limits_the_head),
	        T(test_proxy_writes_chunks_and_trailers_anew),
	        T(test_proxy_answers_without_a_body),
	        T(test_proxy_tunnels_after_an_upgrade),
	        T(test_proxy_retries_only_what_may_be_retried),
	        T(test_proxy_dials_again_until_the_port_answers),
	        T(test_proxy_failed_answers_all_at_once_and_recovers),
	        T(test_proxy_hold_timeout_and_budget),
	        T(test_proxy_client_gone_frees_the_slot),
	        T(test_proxy_ends_a_tunnel_whose_other_side_is_silent),
	        T(test_proxy_answers_a_client_that_ended_its_side),
	        T(test_proxy_lease_holds_then_wakes),
	        T(test_proxy_lease_and_stop_wake_for_what_is_held),
	        T(test_proxy_concurrency_limit_releases_in_order),
	        T(test_proxy_passes_large_bodies_both_ways),
	        T(test_proxy_backend_faults),
	        T(test_proxy_drains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
