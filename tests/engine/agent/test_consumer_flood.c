/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A consumer whose process 1 does as it likes: what that costs the agent.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/engine/agent/consumer_world.h"

static void say_hello_for_ever(int listen_fd)
{
	static const char *const words[] = {"hello 1 waiting", "started 7", "hello 1 running 7"};

	for (;;) {
		int fd = accept(listen_fd, NULL, NULL);

		shared->connections_count++;
		for (size_t i = 0; send(fd, words[i % 3], strlen(words[i % 3]), MSG_NOSIGNAL) >= 0;)
			i++;
		(void)close(fd);
	}
}

static void test_consumer_that_talks_out_of_turn_is_left_alone_for_longer_each_time(void **state)
{
	struct world *w = *state;

	see_pod(w);
	start_other(w, say_hello_for_ever);
	forks_count = 0;
	turn_for(w, FLOOD_MS);
	/* at 0, 100, 300 and 700 ms, and 1500 */
	assert_in_range(shared->connections_count, 2, 5);
	assert_in_range(forks_count, 0, 5);
}

static void hello_and_close(int listen_fd)
{
	for (;;) {
		int fd = accept(listen_fd, NULL, NULL);

		shared->connections_count++;
		(void)send(fd, "hello 1 waiting", 15, MSG_NOSIGNAL);
		(void)close(fd);
	}
}

static void test_consumer_that_closes_is_left_alone_for_longer_each_time(void **state)
{
	struct world *w = *state;

	see_pod(w);
	start_other(w, hello_and_close);
	turn_for(w, 2 * FLOOD_MS);
	/* at 0, 100, 200, 400, 800, 1600 ms */
	assert_in_range(shared->connections_count, 2, 7);
}

static void make_entries(int listen_fd)
{
	(void)listen_fd;
	for (unsigned i = 0;; i++) {
		char path[64];
		int fd;

		(void)snprintf(path, sizeof path, T "/a/sc/%u", i % 100);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		(void)close(fd);
		(void)unlink(path);
	}
}

static uint64_t cpu_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void test_consumer_that_fills_its_control_folder_costs_next_to_nothing(void **state)
{
	struct world *w = *state;
	uint64_t begin_us;

	see_pod(w);
	turn_for(w, 20);
	start_other(w, make_entries);
	begin_us = cpu_us();
	turn_for(w, 2 * FLOOD_MS);
	begin_us = cpu_us() - begin_us;
	print_message("# %llu us of processor time in %d ms\n", (unsigned long long)begin_us,
	              2 * FLOOD_MS);
	assert_true(begin_us < 2 * FLOOD_MS * 1000 / 5);
	end_container(w);
	/* the next one is found without a watch */
	start_wrapper(w);
	TURN_UNTIL(w, w->c->state == CONSUMER_STARTED);
}

/* Sockets that listen, on other ports than the wanted one, and it takes its time. */
static void listen_often(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct sockaddr_in addr = {.sin_family = AF_INET,
		                           .sin_port = htons((uint16_t)(20000 + i % 20000)),
		                           .sin_addr.s_addr =
		                                   htonl(0x7f000001 + (uint32_t)i / 20000)};

		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(fds[i], (struct sockaddr *)&addr, sizeof addr), 0);
		assert_int_equal(listen(fds[i], 1), 0);
	}
}

static void test_consumer_that_listens_on_many_ports_costs_a_tenth(void **state)
{
	enum { MANY = 15000 };
	static int fds[MANY];
	struct world *w = *state;
	uint64_t begin_us;
	int listen_fd;

	listen_often(fds, MANY);
	see_pod(w);
	start_wrapper(w);
	TURN_UNTIL(w, w->c->state == CONSUMER_STARTED);
	begin_us = cpu_us();
	turn_for(w, 2 * FLOOD_MS);
	begin_us = cpu_us() - begin_us;
	print_message("# %llu us of processor time in %d ms\n", (unsigned long long)begin_us,
	              2 * FLOOD_MS);
	assert_true(begin_us < 2 * FLOOD_MS * 1000 / 5);
	TURN_UNTIL(w, strstr(w->c->message, "nothing listens on port 8080") != NULL);
	listen_fd = listen_on_port();
	TURN_UNTIL(w, w->c->state == CONSUMER_LISTENING);
	(void)close(listen_fd);
	for (size_t i = 0; i < MANY; i++)
		(void)close(fds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        CONSUMER_TEST(
	                test_consumer_that_talks_out_of_turn_is_left_alone_for_longer_each_time),
	        CONSUMER_TEST(test_consumer_that_closes_is_left_alone_for_longer_each_time),
	        CONSUMER_TEST(test_consumer_that_fills_its_control_folder_costs_next_to_nothing),
	        CONSUMER_TEST(test_consumer_that_listens_on_many_ports_costs_a_tenth),
	};

	return world_main() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
