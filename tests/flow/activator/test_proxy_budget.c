/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and connections run out: who goes, and who is answered all the same. */

#include "activator/net/account.h"
#include "lib/base/clk.h"
#include "tests/flow/activator/fixture.h"

enum {
	MANY = 60,
	ANSWER_BYTES = 200 * 1024,
	HEAD_FIELD_BYTES = 60000,
	BUDGET_BYTES = 3 * 1024 * 1024,
};

static void patient(struct proxy_opts *opts)
{
	opts->head_timeout_ms = 30000;
	opts->response_timeout_ms = 30000;
}

static int setup_patient(void **state)
{
	account_set_max(BUDGET_BYTES);
	return setup_with(state, patient);
}

static void paced(struct proxy_opts *opts)
{
	patient(opts);
	opts->pace = (struct pace_limit){.bytes_per_s = 1000, .grace_ms = 1000};
}

static int setup_paced(void **state)
{
	return setup_with(state, paced);
}

static void few(struct proxy_opts *opts)
{
	patient(opts);
	opts->connections_max = MANY;
}

static int setup_few(void **state)
{
	return setup_with(state, few);
}

enum { HOLD_MAX = 20, CROWD = 450, CROWD_IN_A_TURN = 256 };

static void of_an_address(struct proxy_opts *opts)
{
	patient(opts);
	opts->connections_of_address_max = 3;
}

static int setup_of_an_address(void **state)
{
	return setup_with(state, of_an_address);
}

static void small_hold(struct proxy_opts *opts)
{
	patient(opts);
	opts->held.requests_max = HOLD_MAX;
}

static int setup_small_hold(void **state)
{
	return setup_with(state, small_hold);
}

static int teardown_budget(void **state)
{
	int result = teardown(state);

	account_set_max(0);
	/* What was taken for connections went with them. */
	assert_int_equal(account_bytes(ACCOUNT_BUFFERS) + account_bytes(ACCOUNT_SOCKETS), 0);
	return result;
}

static void wait_for_end(struct fixture *f, enum end_reason reason, uint64_t count)
{
	uint64_t until = clk_now_ms() + DEADLINE_MS;

	while (ended(f, reason) < count && clk_now_ms() < until)
		turn(f);
	assert_true(ended(f, reason) >= count);
}

static size_t account_now(void)
{
	return account_bytes(ACCOUNT_BUFFERS) + account_bytes(ACCOUNT_SOCKETS);
}

/* A neighbour with a request of its own is answered, whatever the others do. */
static void neighbour_is_answered(struct fixture *f)
{
	int fd = client(f);
	int backend;

	say(f, fd, GET);
	backend = take(f);
	hear(f, backend, "\r\n\r\n");
	say(f, backend, OK2);
	hear(f, fd, "ok");
}

/* As much as the proxy takes. Return: bytes sent */
static size_t push(int fd, const char *data, size_t bytes)
{
	ssize_t n = send(fd, data, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);

	return n > 0 ? (size_t)n : 0;
}

static void test_unread_answers_stay_within_the_budget(void **state)
{
	struct fixture *f = *state;
	char *answer = calloc(1, ANSWER_BYTES);
	int backends[MANY];
	size_t most = 0;
	uint64_t until;

	make_ready(f);
	for (unsigned i = 0; i < MANY; i++) {
		int fd = client(f);
		int small = 2048;

		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
		say(f, fd, GET);
		backends[i] = take(f);
		say(f, backends[i], "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n");
		(void)push(backends[i], answer, ANSWER_BYTES);
		turn(f);
		if (account_now() > most) /* on a slow machine the first are old by now */
			most = account_now();
	}
	until = clk_now_ms() + DEADLINE_MS;
	while (ended(f, END_EVICTED) == 0 && clk_now_ms() < until) {
		for (unsigned i = 0; i < MANY; i++)
			(void)push(backends[i], answer, ANSWER_BYTES);
		turn(f);
		if (account_now() > most)
			most = account_now();
	}
	free(answer);
	assert_true(ended(f, END_EVICTED) > 0);
	/* All are young at first: so long it is pieces, and the kernel's buffers, that are small.
	 */
	assert_in_range(most, 1, 3 * BUDGET_BYTES);
	neighbour_is_answered(f);
}

static int client_with_head(struct fixture *f, const char *end)
{
	static char field[HEAD_FIELD_BYTES + 1];
	char *at = field;
	int fd = client(f);
	uint64_t until = clk_now_ms() + DEADLINE_MS;

	memset(field, 'a', HEAD_FIELD_BYTES);
	say(f, fd, "GET / HTTP/1.1\r\nHost: app\r\nA: ");
	while (*at != '\0' && clk_now_ms() < until) {
		at += push(fd, at, strlen(at));
		turn(f);
	}
	assert_int_equal(*at, '\0');
	say(f, fd, end);
	return fd;
}

/* All that was kept for one more attempt is given up before anybody is. */
static void test_heads_in_flight_are_forgotten_before_a_client_is_evicted(void **state)
{
	struct fixture *f = *state;
	int clients[MANY];
	int backends[MANY];
	uint64_t until = clk_now_ms() + DEADLINE_MS;

	make_ready(f);
	for (unsigned i = 0; i < MANY; i++) {
		clients[i] = client_with_head(f, "\r\n\r\n");
		backends[i] = take(f);
		hear(f, backends[i], "\r\n\r\n");
		while (account_level() != BUDGET_EASY && clk_now_ms() < until)
			turn(f);
		assert_int_equal(account_level(), BUDGET_EASY);
	}
	for (unsigned i = 0; i < MANY; i++) {
		say(f, backends[i], OK2);
		hear(f, clients[i], "ok");
	}
	assert_int_equal(ended(f, END_EVICTED), 0);
}

static void test_begun_heads_stay_within_the_budget(void **state)
{
	struct fixture *f = *state;

	make_ready(f);
	for (unsigned i = 0; i < MANY; i++)
		(void)client_with_head(f, "");
	wait_for_end(f, END_EVICTED, 1);
	assert_true(account_bytes(ACCOUNT_BUFFERS) < 2 * BUDGET_BYTES);
	neighbour_is_answered(f);
}

static void test_the_oldest_head_makes_room_for_a_new_connection(void **state)
{
	struct fixture *f = *state;
	uint64_t until;
	int oldest;

	make_ready(f);
	oldest = client(f);
	say(f, oldest, "G");
	for (unsigned i = 1; i < MANY; i++)
		say(f, client(f), "G");
	until = clk_now_ms() + 1100;
	while (clk_now_ms() < until)
		turn(f);
	neighbour_is_answered(f);
	assert_int_equal(ended(f, END_EVICTED), 1);
	hear_end(f, oldest);
}

/* All connections wait for a container that never answers: it has more than its share. */
static void test_a_container_that_all_wait_for_gives_way(void **state)
{
	struct fixture *f = *state;
	uint64_t until;

	make_ready(f);
	for (unsigned i = 0; i < MANY; i++) {
		say(f, client(f), GET);
		hear(f, take(f), "\r\n\r\n");
	}
	until = clk_now_ms() + 1100;
	while (clk_now_ms() < until)
		turn(f);
	neighbour_is_answered(f);
	assert_true(ended(f, END_OVER_SHARE) > 0);
	assert_int_equal(ended(f, END_OVERLOADED), 0);
}

/* Who has just come is not idle: its request is on the way. */
static void test_a_new_connection_does_not_cost_one_that_is_as_new(void **state)
{
	struct fixture *f = *state;
	int first;

	make_ready(f);
	first = client(f);
	for (unsigned i = 1; i < MANY; i++)
		say(f, client(f), "G");
	say(f, client(f), "G");
	say(f, first, GET);
	hear(f, take(f), "\r\n\r\n");
	assert_int_equal(ended(f, END_OVERLOADED), 1);
}

static void test_connections_of_one_address_have_a_limit(void **state)
{
	struct fixture *f = *state;
	int fds[4];

	for (unsigned i = 0; i < 4; i++)
		fds[i] = client(f);
	assert_int_equal(ended(f, END_OF_ADDRESS), 1);
	hear_end(f, fds[3]);
	(void)shutdown(fds[0], SHUT_RDWR);
	while (proxy_stats(f->proxy)->clients_count == 3)
		turn(f);
	(void)client(f);
	assert_int_equal(ended(f, END_OF_ADDRESS), 1);
}

static void test_connections_far_over_the_limit_are_closed_at_once(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 2 * MANY; i++) {
		int fd = client(f);

		(void)send(fd, "G", 1, MSG_NOSIGNAL);
		turn(f);
		assert_in_range(proxy_stats(f->proxy)->clients_count, 0, MANY + MANY / 10 + 1);
	}
	assert_int_equal(ended(f, END_OVERLOADED), MANY);
}

static void test_a_head_a_byte_at_a_time_is_too_slow(void **state)
{
	struct fixture *f = *state;
	int fd = client(f);
	uint64_t until = clk_now_ms() + DEADLINE_MS;

	say(f, fd, "GET /");
	while (ended(f, END_SLOW) == 0 && clk_now_ms() < until) {
		(void)send(fd, "a", 1, MSG_NOSIGNAL);
		for (unsigned i = 0; i < 100; i++)
			turn(f);
	}
	hear(f, fd, "408");
}

static void test_a_body_a_byte_at_a_time_is_too_slow(void **state)
{
	struct fixture *f = *state;
	int fd = client(f);
	uint64_t until = clk_now_ms() + DEADLINE_MS;

	make_ready(f);
	say(f, fd, "POST / HTTP/1.1\r\nHost: app\r\nContent-Length: 1000000\r\n\r\n");
	(void)take(f);
	while (ended(f, END_SLOW) == 0 && clk_now_ms() < until) {
		(void)send(fd, "x", 1, MSG_NOSIGNAL);
		for (unsigned i = 0; i < 100; i++)
			turn(f);
	}
	hear(f, fd, "408");
}

/* Half a megabyte at 20 KB a second, twenty times the minimum, is read for ever so long. */
static void test_a_reader_above_the_minimum_gets_all_and_one_below_is_cut_off(void **state)
{
	struct fixture *f = *state;
	int steady = client(f);
	int stuck = client(f);
	char piece[4096] = "";
	size_t heard = 0;
	uint64_t start_ms = clk_now_ms();
	uint64_t next_ms = 0;
	uint64_t until;
	int small = 2048;
	int backends[2];

	make_ready(f);
	(void)setsockopt(steady, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	(void)setsockopt(stuck, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	say(f, steady, GET);
	backends[0] = take(f);
	say(f, stuck, GET);
	backends[1] = take(f);
	for (unsigned i = 0; i < 2; i++)
		say(f, backends[i], "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
	until = clk_now_ms() + 4500;
	while (clk_now_ms() < until) {
		for (unsigned i = 0; i < 2; i++)
			(void)push(backends[i], piece, sizeof piece);
		if (clk_now_ms() - start_ms >= next_ms) {
			ssize_t n = recv(steady, piece, sizeof piece, MSG_DONTWAIT);

			heard += n > 0 ? (size_t)n : 0;
			next_ms += 50;
		}
		turn(f);
	}
	assert_int_equal(ended(f, END_SLOW_READER), 1);
	assert_true(heard > 20000);
	assert_true(recv(steady, piece, sizeof piece, MSG_DONTWAIT) != 0);
}

#define GET_OTHER "GET / HTTP/1.1\r\nHost: other\r\n\r\n"
#define GET_TWIN "GET / HTTP/1.1\r\nHost: twin\r\n\r\n"

static void test_a_namespace_that_holds_all_gives_way_to_one_that_holds_nothing(void **state)
{
	struct fixture *f = *state;
	int clients[HOLD_MAX];
	int fd;

	add_others(f);
	for (unsigned i = 0; i < HOLD_MAX; i++) {
		clients[i] = client(f);
		say(f, clients[i], GET);
	}
	assert_int_equal(proxy_held_count(f->proxy), HOLD_MAX);
	for (unsigned i = 0; i < HOLD_MAX; i++) {
		fd = client(f);
		say(f, fd, GET_OTHER);
	}
	/* Half of it each, and the first comers of both are still there. */
	assert_int_equal(proxy_held_count(f->proxy), HOLD_MAX);
	assert_int_equal(ended(f, END_OVER_SHARE), HOLD_MAX / 2);
	assert_int_equal(ended(f, END_OVERLOADED), HOLD_MAX / 2);
	assert_non_null(strstr(hear(f, clients[HOLD_MAX - 1], "\r\n\r\n"), "Retry-After: "));
	assert_true(recv(clients[0], text, sizeof text, MSG_DONTWAIT) < 0);
	hear(f, fd, "503");
}

static void test_containers_of_one_namespace_share_as_well(void **state)
{
	struct fixture *f = *state;

	add_others(f);
	for (unsigned i = 0; i < HOLD_MAX; i++)
		say(f, client(f), GET);
	say(f, client(f), GET_TWIN);
	assert_true(target_has_held(f->others[0]));
	assert_int_equal(ended(f, END_OVER_SHARE), 1);
}

/* Who has a short request waits for one turn of the others' at the most. */
static void test_a_crowd_is_looked_at_some_in_each_turn(void **state)
{
	struct fixture *f = *state;
	uint64_t most = 0;

	for (unsigned i = 0; i < CROWD; i++)
		say(f, client(f), "G");
	for (uint64_t until = clk_now_ms() + DEADLINE_MS;
	     ended(f, END_HEAD_TIMEOUT) < CROWD && clk_now_ms() < until;) {
		uint64_t before = ended(f, END_HEAD_TIMEOUT);

		turn(f);
		if (ended(f, END_HEAD_TIMEOUT) - before > most)
			most = ended(f, END_HEAD_TIMEOUT) - before;
	}
	assert_int_equal(ended(f, END_HEAD_TIMEOUT), CROWD);
	assert_in_range(most, 1, CROWD_IN_A_TURN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_unread_answers_stay_within_the_budget,
	                                        setup_patient, teardown_budget),
	        cmocka_unit_test_setup_teardown(
	                test_heads_in_flight_are_forgotten_before_a_client_is_evicted,
	                setup_patient, teardown_budget),
	        cmocka_unit_test_setup_teardown(test_begun_heads_stay_within_the_budget,
	                                        setup_patient, teardown_budget),
	        cmocka_unit_test_setup_teardown(
	                test_the_oldest_head_makes_room_for_a_new_connection, setup_few,
	                teardown_budget),
	        cmocka_unit_test_setup_teardown(test_a_container_that_all_wait_for_gives_way,
	                                        setup_few, teardown_budget),
	        cmocka_unit_test_setup_teardown(
	                test_a_new_connection_does_not_cost_one_that_is_as_new, setup_few,
	                teardown_budget),
	        cmocka_unit_test_setup_teardown(test_connections_of_one_address_have_a_limit,
	                                        setup_of_an_address, teardown_budget),
	        cmocka_unit_test_setup_teardown(
	                test_connections_far_over_the_limit_are_closed_at_once, setup_few,
	                teardown_budget),
	        cmocka_unit_test_setup_teardown(test_a_head_a_byte_at_a_time_is_too_slow,
	                                        setup_paced, teardown_budget),
	        cmocka_unit_test_setup_teardown(test_a_body_a_byte_at_a_time_is_too_slow,
	                                        setup_paced, teardown_budget),
	        cmocka_unit_test_setup_teardown(
	                test_a_reader_above_the_minimum_gets_all_and_one_below_is_cut_off,
	                setup_paced, teardown_budget),
	        cmocka_unit_test_setup_teardown(
	                test_a_namespace_that_holds_all_gives_way_to_one_that_holds_nothing,
	                setup_small_hold, teardown_budget),
	        cmocka_unit_test_setup_teardown(test_containers_of_one_namespace_share_as_well,
	                                        setup_small_hold, teardown_budget),
	        cmocka_unit_test_setup_teardown(test_a_crowd_is_looked_at_some_in_each_turn, setup,
	                                        teardown_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
