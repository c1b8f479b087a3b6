/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/io/link.h"
#include "lib/base/clk.h"

/* More than any of these takes, however busy the machine is. */
enum { PATIENCE_MS = 20000 };

static void on_message(void *arg, const struct proto_message *m)
{
	(void)arg;
	(void)m;
}

static bool on_closed(void *arg)
{
	(void)arg;
	return false;
}

static void on_gone(void *arg)
{
	(void)arg;
}

/* The control folder of a Pod "uid" as the kubelet makes it. Return: a socket bound in it. */
static int pod_socket(const char *pods_dir)
{
	static const char *const parts[] = {"uid", "volumes", "kubernetes.io~empty-dir",
	                                    "sc-control"};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int dir = open(pods_dir, O_PATH | O_DIRECTORY);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		int next;

		assert_int_equal(mkdirat(dir, parts[i], 0700), 0);
		next = openat(dir, parts[i], O_PATH | O_DIRECTORY);
		assert_int_equal(close(dir), 0);
		dir = next;
	}
	(void)snprintf(addr.sun_path, sizeof addr.sun_path, "/proc/self/fd/%d/wrapper.sock", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	assert_int_equal(close(dir), 0);
	return fd;
}

static void test_link_tries_a_socket_again_that_could_not_be_connected_to(void **state)
{
	static const struct link_handler handler = {on_message, on_closed, on_gone, NULL};
	char pods_dir[] = "/tmp/test-pods-XXXXXX";
	struct event_base *base = event_base_new();
	uint64_t until_ms = clk_now_ms() + PATIENCE_MS;
	struct links *links;
	struct link *link;
	char remove[64];
	struct err err;
	int peer = -1;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(pods_dir));
	fd = pod_socket(pods_dir);
	assert_int_equal(links_new(base, pods_dir, &links, &err), 0);
	assert_int_equal(link_new(links, "uid", &handler, &link, &err), 0);
	/* nobody listens: the connection is refused, as when too many wait */
	assert_true(event_base_loop(base, EVLOOP_ONCE) >= 0);
	assert_int_equal(listen(fd, 1), 0);
	while (peer < 0 && clk_now_ms() < until_ms) {
		assert_true(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
		(void)poll(&(struct pollfd){fd, POLLIN, 0}, 1, 10);
		peer = accept(fd, NULL, NULL);
	}
	assert_true(peer >= 0);
	/* it is this process, of no Pod: nobody's peer, and not asked again */
	assert_null(link_peer(link));
	link_free(link);
	links_free(links);
	event_base_free(base);
	(void)close(peer);
	(void)close(fd);
	(void)snprintf(remove, sizeof remove, "rm -r %s", pods_dir);
	assert_int_equal(system(remove), 0);
}

/* The kernel gives no descriptor: as when other programs of this user have all the instances. */
static int links_new_without_inotify(struct event_base *base, const char *pods_dir,
                                     struct links **ret_links)
{
	struct rlimit before;
	struct rlimit none;
	struct err err;
	int rc;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){0, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	rc = links_new(base, pods_dir, ret_links, &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	return rc;
}

static void test_link_looks_again_after_it_had_no_descriptor(void **state)
{
	static const struct link_handler handler = {on_message, on_closed, on_gone, NULL};
	char pods_dir[] = "/tmp/test-pods-XXXXXX";
	struct event_base *base = event_base_new();
	uint64_t until_ms = clk_now_ms() + PATIENCE_MS;
	struct rlimit before;
	struct links *links;
	struct link *link;
	char remove[64];
	struct err err;
	int peer = -1;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(pods_dir));
	fd = pod_socket(pods_dir);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(links_new(base, pods_dir, &links, &err), 0);
	assert_int_equal(link_new(links, "uid", &handler, &link, &err), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, before.rlim_max}), 0);
	assert_true(event_base_loop(base, EVLOOP_ONCE) >= 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	while (peer < 0 && clk_now_ms() < until_ms) {
		assert_true(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
		(void)poll(&(struct pollfd){fd, POLLIN, 0}, 1, 10);
		peer = accept(fd, NULL, NULL);
	}
	assert_true(peer >= 0);
	link_free(link);
	links_free(links);
	event_base_free(base);
	(void)close(peer);
	(void)close(fd);
	(void)snprintf(remove, sizeof remove, "rm -r %s", pods_dir);
	assert_int_equal(system(remove), 0);
}

static void test_link_finds_a_socket_without_inotify(void **state)
{
	static const struct link_handler handler = {on_message, on_closed, on_gone, NULL};
	char pods_dir[] = "/tmp/test-pods-XXXXXX";
	struct event_base *base = event_base_new();
	uint64_t until_ms = clk_now_ms() + PATIENCE_MS;
	struct links *links;
	struct link *link;
	char remove[64];
	struct err err;
	int peer = -1;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(pods_dir));
	assert_int_equal(links_new_without_inotify(base, pods_dir, &links), 0);
	assert_int_equal(link_new(links, "uid", &handler, &link, &err), 0);
	/* there is no folder of the Pod yet */
	assert_true(event_base_loop(base, EVLOOP_ONCE) >= 0);
	fd = pod_socket(pods_dir);
	assert_int_equal(listen(fd, 1), 0);
	while (peer < 0 && clk_now_ms() < until_ms) {
		assert_true(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
		(void)poll(&(struct pollfd){fd, POLLIN, 0}, 1, 10);
		peer = accept(fd, NULL, NULL);
	}
	assert_true(peer >= 0);
	link_free(link);
	links_free(links);
	event_base_free(base);
	(void)close(peer);
	(void)close(fd);
	(void)snprintf(remove, sizeof remove, "rm -r %s", pods_dir);
	assert_int_equal(system(remove), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_link_tries_a_socket_again_that_could_not_be_connected_to),
	        cmocka_unit_test(test_link_looks_again_after_it_had_no_descriptor),
	        cmocka_unit_test(test_link_finds_a_socket_without_inotify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
