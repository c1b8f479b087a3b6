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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
