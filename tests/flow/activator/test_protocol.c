/* SPDX-License-Identifier: Apache-2.0 */
/* A protocol is added with a session file and a line in the table below, and nothing else. */
#include <arpa/inet.h>

#include "activator/session/protocol.h"
#include "lib/base/clk.h"
#include "tests/flow/activator/echo_session.h"
#include "tests/flow/activator/fixture.h"

static const struct protocol *const protocols[] = {
        &protocol_h1,
        &protocol_echo,
};

enum { PROTOCOLS = sizeof protocols / sizeof protocols[0], LONG_BYTES = 1 << 20 };

static unsigned ports[PROTOCOLS];

static int setup_protocols(void **state)
{
	struct fixture *f;
	struct err err;

	if (setup(state) != 0)
		return -1;
	f = *state;
	for (unsigned i = 0; i < PROTOCOLS; i++)
		assert_int_equal(
		        proxy_listen_for(f->proxy, protocols[i], "127.0.0.1:0", &ports[i], &err),
		        0);
	return 0;
}

static int client_of(struct fixture *f, const struct protocol *protocol)
{
	for (unsigned i = 0; i < PROTOCOLS; i++)
		if (protocols[i] == protocol)
			f->port = ports[i];
	return client(f);
}

static void test_protocol_echo_gives_back_what_came(void **state)
{
	struct fixture *f = *state;
	int c = client_of(f, &protocol_echo);

	say(f, c, "one ");
	(void)hear(f, c, "one ");
	say(f, c, "two");
	(void)hear(f, c, "two");
	assert_int_equal(shutdown(c, SHUT_WR), 0);
	hear_end(f, c);
	assert_int_equal(proxy_stats(f->proxy)->clients_count, 0);
}

static void test_protocol_echo_of_much_is_whole(void **state)
{
	struct fixture *f = *state;
	static char piece[65536];
	int c = client_of(f, &protocol_echo);
	uint64_t until = clk_now_ms() + DEADLINE_MS;
	size_t sent = 0, got = 0;

	while (got < LONG_BYTES && clk_now_ms() < until) {
		size_t wanted = LONG_BYTES - sent < sizeof piece ? LONG_BYTES - sent : sizeof piece;
		ssize_t n = wanted > 0 ? send(c, piece, wanted, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;

		sent += n > 0 ? (size_t)n : 0;
		turn(f);
		n = recv(c, piece, sizeof piece, MSG_DONTWAIT);
		got += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(got, LONG_BYTES);
}

/* Both in one proxy, and each is spoken where it was named. */
static void test_protocol_http_is_spoken_beside_it(void **state)
{
	struct fixture *f = *state;
	int echo = client_of(f, &protocol_echo);
	int c = client_of(f, &protocol_h1);
	int b;

	make_ready(f);
	say(f, c, GET);
	b = take(f);
	(void)hear(f, b, "\r\n\r\n");
	say(f, echo, GET);
	say(f, b, OK2);
	(void)hear(f, c, "\r\n\r\nok");
	(void)hear(f, echo, GET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_protocol_echo_gives_back_what_came,
	                                        setup_protocols, teardown),
	        cmocka_unit_test_setup_teardown(test_protocol_echo_of_much_is_whole,
	                                        setup_protocols, teardown),
	        cmocka_unit_test_setup_teardown(test_protocol_http_is_spoken_beside_it,
	                                        setup_protocols, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
