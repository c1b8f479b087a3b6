/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to the container that breaks before any byte of a request has left: the request is
 * sent again on another one, and its body is whole.
 */
#include "tests/flow/activator/fixture.h"

static unsigned breaks_count; /* so many requests yet meet a connection that is reset */

ssize_t __real_send(int fd, const void *data, size_t bytes, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t bytes, int flags);

ssize_t __wrap_send(int fd, const void *data, size_t bytes, int flags)
{
	/* what the proxy sends to a container, and not what the test sends as its client */
	bool is_ours = memmem(data, bytes, "X-Request-Id", 12) != NULL ||
	               memmem(data, bytes, "x-request-id", 12) != NULL;

	if (breaks_count > 0 && is_ours) {
		breaks_count--;
		errno = ECONNRESET;
		return -1;
	}
	return __real_send(fd, data, bytes, flags);
}

#define POST "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 5\r\n\r\n"

static void expect_whole(struct fixture *f, int c)
{
	int b;

	(void)take(f); /* the one that broke */
	b = take(f);
	(void)hear(f, b, "\r\n\r\nhello");
	assert_int_equal(breaks_count, 0);
	say(f, b, OK2);
	(void)hear(f, c, "\r\n\r\nok");
	assert_int_equal(ended(f, END_OK), 1);
}

static void test_proxy_sends_a_body_whole_that_came_with_its_head(void **state)
{
	struct fixture *f = *state;
	int c = client(f);

	make_ready(f);
	breaks_count = 1;
	say(f, c, POST "hello");
	expect_whole(f, c);
}

static void test_proxy_sends_a_body_whole_that_came_while_it_was_dialled(void **state)
{
	struct fixture *f = *state;
	int c = client(f);

	breaks_count = 1;
	say(f, c, POST);
	say(f, c, "hello");
	make_ready(f);
	expect_whole(f, c);
}

static void test_proxy_sends_a_body_whole_in_chunks(void **state)
{
	struct fixture *f = *state;
	int c = client(f);
	int b;

	make_ready(f);
	breaks_count = 1;
	say(f, c, "POST / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n");
	say(f, c, "5\r\nhello\r\n0\r\n\r\n");
	(void)take(f);
	b = take(f);
	assert_non_null(strstr(hear(f, b, "0\r\n\r\n"), "hello\r\n"));
	say(f, b, OK2);
	(void)hear(f, c, "\r\n\r\nok");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                test_proxy_sends_a_body_whole_that_came_with_its_head, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                test_proxy_sends_a_body_whole_that_came_while_it_was_dialled, setup,
	                teardown),
	        cmocka_unit_test_setup_teardown(test_proxy_sends_a_body_whole_in_chunks, setup,
	                                        teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
