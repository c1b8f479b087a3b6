/* SPDX-License-Identifier: Apache-2.0 */
/* Heads on the wire: what is refused, what is written on, and what our own answers say. */

#include "tests/flow/activator/fixture.h"

enum { ODD_FIELDS = 90, ODD_TOKENS_BYTES = 56000 };

/* A client sends @request, hears @want, and nothing goes on to the container. */
static void refused(struct fixture *f, const char *request, const char *want)
{
	int c = client(f);

	say(f, c, request);
	(void)hear(f, c, want);
	hear_end(f, c);
}

/* Up to the end of the connection. */
static size_t rest_bytes(struct fixture *f, int fd)
{
	char buf[4096];
	size_t bytes = 0;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof buf, 0)) > 0 || (n < 0 && errno == EAGAIN)) {
		bytes += n > 0 ? (size_t)n : 0;
		turn(f);
	}
	return bytes;
}

static void silent(struct proxy_opts *opts)
{
	opts->details = (struct trust){0};
}

static int setup_silent(void **state)
{
	return setup_with(state, silent);
}

static void test_heads_that_two_readers_take_differently_are_refused(void **state)
{
	struct fixture *f = *state;

	make_ready(f);
	refused(f,
	        "POST / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\t\r\n\r\n"
	        "24\r\nGET /second HTTP/1.1\r\nHost: app\r\n\r\n\r\n0\r\n\r\n",
	        " 400 ");
	refused(f, "GET / HTTP/1.1\r\nHost: app\r\n: x\r\n\r\n", " 400 ");
	refused(f, "GET  / HTTP/1.1\r\nHost: app\r\n\r\n", " 400 ");
	refused(f, "SOURCE / ICE/1.0\r\nHost: app\r\n\r\n", " 505 ");
	assert_int_equal(proxy_stats(f->proxy)->upstreams_opened, 0);
	assert_int_equal(proxy_stats(f->proxy)->answered[200], 0);
}

static void test_a_trailer_without_a_name_is_refused(void **state)
{
	struct fixture *f = *state;
	int c = client(f);
	int b;

	make_ready(f);
	say(f, c,
	    "POST / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "2\r\nhi\r\n0\r\n: x\r\n\r\n");
	(void)hear(f, c, " 400 ");
	b = take(f);
	hear_end(f, b); /* without the last chunk: it is no whole request */
	assert_null(strstr(text, "\r\n0\r\n"));
}

static void test_answers_that_two_readers_take_differently_are_refused(void **state)
{
	static const char *const answers[] = {
	        "HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n",
	        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n",
	        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"
	        "\r\n0\r\n\r\n",
	        "HTTP/1.1 0200 OK\r\nContent-Length: 0\r\n\r\n",
	};
	struct fixture *f = *state;

	make_ready(f);
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		int c = client(f);
		int b;

		say(f, c, GET);
		b = take(f);
		(void)hear(f, b, "\r\n\r\n");
		say(f, b, answers[i]);
		(void)hear(f, c, " 502 ");
	}
}

/* 90 fields, and a Connection of 28,000 elements that each of them was once looked for in. */
static void test_connection_with_too_many_elements_is_refused_in_both_directions(void **state)
{
	struct fixture *f = *state;
	size_t n = 0;
	char *fields = malloc(TEXT_MAX);
	char *head = malloc(TEXT_MAX);
	int b;
	int c;

	for (unsigned i = 0; i < ODD_FIELDS; i++)
		n += (size_t)snprintf(fields + n, TEXT_MAX - n, "B: b\r\n");
	n += (size_t)snprintf(fields + n, TEXT_MAX - n, "Connection: c");
	for (unsigned i = 0; i < ODD_TOKENS_BYTES; i += 2)
		n += (size_t)snprintf(fields + n, TEXT_MAX - n, ",c");
	make_ready(f);
	(void)snprintf(head, TEXT_MAX, "GET / HTTP/1.1\r\nHost: app\r\n%s\r\n\r\n", fields);
	refused(f, head, " 400 ");
	c = client(f);
	say(f, c, GET);
	b = take(f);
	(void)hear(f, b, "\r\n\r\n");
	(void)snprintf(head, TEXT_MAX, "HTTP/1.1 200 OK\r\n%s\r\n\r\n", fields);
	say(f, b, head);
	(void)hear(f, c, " 502 ");
	free(fields);
	free(head);
}

/* HEAD of a request that never reaches a target, and of one that does: a head and no more. */
static void test_our_answers_to_head_have_no_body(void **state)
{
	static const char *const requests[] = {
	        "HEAD / HTTP/1.1\r\nHost: nobody.example\r\n\r\n",
	        "HEAD / HTTP/1.1\r\n\r\n",
	        "HEAD / HTTP/1.1\r\nHost: app\r\nX : y\r\n\r\n",
	        "HEAD / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: gzip\r\n\r\n",
	        "HEAD / HTTP/1.1\r\nHost: app\r\nX: ", /* 408 */
	        "HEAD / HTTP/1.1\r\nHost: app\r\n\r\n",
	};
	struct fixture *f = *state;

	observe(f, true, false, "ImagePull: no such image");
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		int c = client(f);
		const char *end;

		say(f, c, requests[i]);
		end = strstr(hear(f, c, "\r\n\r\n"), "\r\n\r\n");
		assert_non_null(strstr(text, "Content-Length: "));
		assert_string_equal(end, "\r\n\r\n");
		if (strstr(text, "Connection: close"))
			assert_int_equal(rest_bytes(f, c), 0);
	}
}

static void test_a_request_has_one_id_from_the_client_to_the_container(void **state)
{
	struct fixture *f = *state;
	int c = client(f);
	int b;

	make_ready(f);
	say(f, c, "GET / HTTP/1.1\r\nHost: app\r\nX-Request-Id: mine-1\r\n\r\n");
	b = take(f);
	(void)hear(f, b, "X-Request-Id: mine-1\r\n");
	say(f, b, "HTTP/1.1 500 no\r\nContent-Length: x\r\n\r\n");
	(void)hear(f, c, "\"delivered\":true,\"requestId\":\"mine-1\"}");
	assert_non_null(strstr(text, " 502 "));
	assert_non_null(strstr(text, "X-Request-Id: mine-1\r\n"));
	assert_non_null(strstr(text, "Content-Type: application/problem+json\r\n"));

	/* what could forge a line of a log, or is long, or is not one: made anew */
	c = client(f);
	say(f, c,
	    "GET / HTTP/1.1\r\nHost: nobody\r\nX-Request-Id: a b\r\n"
	    "Accept: text/html, */*\r\n\r\n");
	(void)hear(f, c, "Request ");
	assert_non_null(strstr(text, " 404 "));
	assert_non_null(strstr(text, "Content-Type: text/plain"));
	assert_null(strstr(text, "a b"));
	assert_int_equal(strspn(strstr(text, "X-Request-Id: ") + 14, "0123456789abcdef"), 32);
}

static void test_an_answer_of_ours_says_whether_the_container_saw_the_request(void **state)
{
	struct fixture *f = *state;
	int c = client(f);
	int b;

	say(f, c, GET);
	while (f->wakes < 1)
		turn(f);
	answer_wake(f);
	observe(f, true, false, "CrashLoopBackOff: exit code 1");
	(void)hear(f, c, "\"delivered\":false");
	assert_non_null(strstr(text, " 503 "));
	assert_non_null(strstr(text, "CrashLoopBackOff: exit code 1"));
	assert_non_null(strstr(text, "Retry-After: "));

	/* sent, lost, and never sent again, since the container is gone */
	make_ready(f);
	c = client(f);
	say(f, c, GET);
	b = take(f);
	(void)hear(f, b, "\r\n\r\n");
	observe(f, true, false, NULL);
	(void)shutdown(b, SHUT_RDWR);
	while (proxy_held_count(f->proxy) == 0)
		turn(f);
	f->generation++;
	observe(f, true, false, "Evicted: the node had no memory");
	(void)hear(f, c, "\"delivered\":true");
	assert_non_null(strstr(text, " 503 "));
}

static void test_what_the_cluster_says_is_not_for_strangers(void **state)
{
	struct fixture *f = *state;
	int c = client(f);

	observe(f, true, false, "ImagePull: registry.internal/secret:1 on node-7");
	say(f, c, GET);
	(void)hear(f, c, "\"requestId\":");
	assert_non_null(strstr(text, "\"detail\":\"the container failed\""));
	assert_null(strstr(text, "registry.internal"));
}

static void test_a_refused_wake_is_told_at_once(void **state)
{
	struct fixture *f = *state;
	int c = client(f);
	int d = client(f);

	say(f, c, GET);
	say(f, d, GET);
	while (f->wakes < 1 || proxy_held_count(f->proxy) < 2)
		turn(f);
	target_wake_refused(f->target, "admission webhook \"x\" denied the request");
	(void)hear(f, c, "webhook \\\"x\\\" denied the request");
	assert_non_null(strstr(text, " 503 "));
	assert_non_null(strstr(text, "\"reason\":\"wake_refused\""));
	(void)hear(f, d, " 503 ");
	assert_int_equal(ended(f, END_WAKE_REFUSED), 2);
	/* the next one asks anew */
	say(f, c, GET);
	while (f->wakes < 2)
		turn(f);
}

/* What came behind a request that is refused is part of what was refused: no wake of its own. */
static void test_a_refused_wake_is_told_to_all_that_came_together(void **state)
{
	struct fixture *f = *state;
	int c = client(f);

	say(f, c, GET GET GET);
	while (f->wakes < 1 || proxy_held_count(f->proxy) < 1)
		turn(f);
	target_wake_refused(f->target, "denied");
	while (ended(f, END_WAKE_REFUSED) < 3)
		turn(f);
	assert_int_equal(f->wakes, 1);
	say(f, c, GET);
	while (f->wakes < 2)
		turn(f);
}

/* curl --http2, the JDK's client and Apache offer these to every server. */
static void test_h2c_and_tls_go_on_as_plain_requests(void **state)
{
	static const char *const offers[] = {
	        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
	        "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n",
	        "Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n",
	        "Connection: Upgrade\r\nUpgrade: y\r\n",
	        "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n",
	};
	struct fixture *f = *state;

	make_ready(f);
	for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
		int c = client(f);
		char request[256];
		int b;

		(void)snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: app\r\n%s\r\n",
		               offers[i]);
		say(f, c, request);
		b = take(f);
		(void)hear(f, b, "\r\n\r\n");
		assert_null(strstr(text, "Upgrade"));
		assert_null(strstr(text, "Connection"));
		assert_null(strstr(text, "HTTP2-Settings"));
		/* nor may the container switch what nobody asked it to */
		say(f, b, "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
		(void)hear(f, c, " 502 ");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                test_heads_that_two_readers_take_differently_are_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_a_trailer_without_a_name_is_refused, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(
	                test_answers_that_two_readers_take_differently_are_refused, setup,
	                teardown),
	        cmocka_unit_test_setup_teardown(
	                test_connection_with_too_many_elements_is_refused_in_both_directions, setup,
	                teardown),
	        cmocka_unit_test_setup_teardown(test_our_answers_to_head_have_no_body, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(
	                test_a_request_has_one_id_from_the_client_to_the_container, setup,
	                teardown),
	        cmocka_unit_test_setup_teardown(
	                test_an_answer_of_ours_says_whether_the_container_saw_the_request, setup,
	                teardown),
	        cmocka_unit_test_setup_teardown(test_what_the_cluster_says_is_not_for_strangers,
	                                        setup_silent, teardown),
	        cmocka_unit_test_setup_teardown(test_a_refused_wake_is_told_at_once, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(
	                test_a_refused_wake_is_told_to_all_that_came_together, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_h2c_and_tls_go_on_as_plain_requests, setup,
	                                        teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
