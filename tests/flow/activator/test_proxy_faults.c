/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data path against hostile containers and awkward moments.
 */
#include <netinet/tcp.h>

#include "activator/io/sock.h"
#include "tests/flow/activator/fixture.h"

/* Its answer to the first request makes room for the second, which came with it. */
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
	assert_int_equal(ended(f, END_DELETED), 2);
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

/* A peer that vanished without a word must not keep a container awake for ever. */
static void test_sock_notices_a_peer_that_is_gone(void **state)
{
	struct fixture *f = *state;
	struct sock s;
	int on = 0;
	int idle_s = 0;
	socklen_t bytes = sizeof on;

	assert_int_equal(sock_open(&s, f->base, socket(AF_INET, SOCK_STREAM, 0), NULL, NULL), 0);
	assert_int_equal(getsockopt(s.fd, SOL_SOCKET, SO_KEEPALIVE, &on, &bytes), 0);
	assert_int_equal(getsockopt(s.fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, &bytes), 0);
	sock_close(&s);
	assert_int_equal(on, 1);
	assert_int_equal(idle_s, 60);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_proxy_deleted_target_takes_no_further_request),
	        T(test_proxy_bounds_interim_answers),
	        T(test_sock_notices_a_peer_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
