/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A consumer as the agent has it, from its container's hello to its port: whom a hand-over is told
 * to, and what passes when something is short.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/engine/agent/consumer_world.h"

/* --- to whom --- */

static void test_consumer_go_is_not_told_to_the_successor_of_a_dead_container(void **state)
{
	struct world *w = *state;

	see_pod(w);
	shared->stops_next_fork = true;
	start_wrapper(w);
	TURN_UNTIL(w, w->c->state == CONSUMER_WAITING && shared->stopped != 0);
	end_container(w);
	TURN_UNTIL(w, w->c->state == CONSUMER_EXITED);
	start_wrapper(w);
	TURN_UNTIL(w, w->c->state == CONSUMER_WAITING);
	assert_int_equal(kill(shared->stopped, SIGCONT), 0);
	/* what it has of its own is no sleep: it starts when it has got what is kept */
	TURN_UNTIL(w, w->c->state == CONSUMER_STARTED);
	assert_string_equal(w->c->reason, "");
}

static int enter_held(const void *options)
{
	if (mounts_leave() < 0 || mount("overlay", T "/held", "overlay", 0, options) < 0)
		return -1;
	return root_enter(T "/held");
}

/* A process of another Pod has the overlay as its root, and no wrapper that tells of its end. */
static pid_t start_holder(void)
{
	static const char options[] =
	        "lowerdir=" T "/layer,upperdir=" T "/prefix/default/hello.uid-1/upper,workdir=" T
	        "/prefix/default/hello.uid-1/work";

	assert_int_equal(system("mkdir -p " T "/prefix/default/hello.uid-1/upper " T
	                        "/prefix/default/hello.uid-1/work " T "/held " T
	                        "/cgroup/pod" OTHER_UID),
	                 0);
	return process_start(enter_held, options);
}

static void test_consumer_waits_for_a_holder_in_pauses_that_grow(void **state)
{
	struct world *w = *state;
	pid_t holder = start_holder();
	char text[32];

	(void)snprintf(text, sizeof text, "%d\n", (int)holder);
	write_text(T "/cgroup/pod" OTHER_UID "/cgroup.procs", text);
	(void)snprintf(w->inst->recalled_pod, sizeof w->inst->recalled_pod, OTHER_UID);
	see_pod(w);
	start_wrapper(w);
	TURN_UNTIL(w, w->c->state == CONSUMER_WAITING);
	forks_count = 0;
	turn_for(w, FLOOD_MS);
	assert_in_range(forks_count, 2, 8); /* 20, 40, 80 … ms */
	assert_int_equal(kill(holder, SIGKILL), 0);
	assert_int_equal(waitpid(holder, NULL, 0), holder);
	TURN_UNTIL(w, w->c->state == CONSUMER_STARTED);
}

/* --- where --- */

/* The kubelet tells which address is the Pod's. */
static void tell_address(struct world *w, const char *address)
{
	json_t *pod = json_deep_copy(w->pod);

	(void)json_object_set_new(pod, "status", json_pack("{s:[{s:s}]}", "podIPs", "ip", address));
	consumer_see_pod(w->c, pod);
	json_decref(pod);
}

static void test_consumer_with_an_address_that_is_another_pods_is_not_listening(void **state)
{
	struct world *w = *state;
	int listen_fd = listen_on_port();

	see_pod(w);
	start_wrapper(w);
	/* before the kubelet says anything, what the runtime gave is believed */
	TURN_UNTIL(w, w->c->state == CONSUMER_LISTENING);
	assert_string_equal(w->c->address, "10.9.8.7");

	tell_address(w, "10.9.8.6");
	assert_int_equal(w->c->state, CONSUMER_STARTED);
	assert_string_equal(w->c->address, "");
	assert_non_null(strstr(w->c->message, "10.9.8.7"));
	turn_for(w, 300);
	assert_int_equal(w->c->state, CONSUMER_STARTED);
	assert_string_equal(w->c->address, "");

	tell_address(w, "10.9.8.7");
	TURN_UNTIL(w, w->c->state == CONSUMER_LISTENING);
	assert_string_equal(w->c->address, "10.9.8.7");
	tell_address(w, "10.9.8.7");
	assert_int_equal(w->c->state, CONSUMER_LISTENING);
	(void)close(listen_fd);
}

/* --- what passes --- */

/* So that @spare more can be opened. */
static void limit_descriptors(int spare)
{
	struct rlimit limit;
	int next = dup(0);

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)(next + spare);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	(void)close(next);
}

/* Wherever on the way to Listening the descriptors are out, it goes on when there are some again.
 */
static void test_consumer_gets_on_after_descriptors_were_short(void **state)
{
	struct world *w = *state;
	int listen_fd = listen_on_port();
	unsigned was_short = 0;

	see_pod(w);
	turn_for(w, 20);
	for (int spare = 0; spare <= 14; spare++) {
		start_wrapper(w);
		limit_descriptors(spare);
		turn_for(w, 250);
		was_short += w->c->state != CONSUMER_LISTENING;
		free_descriptors();
		TURN_UNTIL(w, w->c->state == CONSUMER_LISTENING);
		assert_string_equal(w->c->address, "10.9.8.7");
		end_container(w);
		TURN_UNTIL(w, w->c->state == CONSUMER_EXITED);
	}
	assert_true(was_short >= 5);
	(void)close(listen_fd);
}

/* --- what is not watched --- */

static bool write_number(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	(void)close(fd);
	return ok;
}

/* In a user namespace, whose limits are its own; a container's network is then one of that. */
static bool use_up(const char *limit)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/sys/user/%s", limit);
	return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 &&
	       write_number("/proc/self/setgroups", "deny") &&
	       write_number("/proc/self/uid_map", "0 0 1") &&
	       write_number("/proc/self/gid_map", "0 0 1") && write_number(path, "0");
}

static void on_said(void *arg, const struct proto_message *m)
{
	*(bool *)arg = m->kind == PROTO_HELLO_WAITING;
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

static void hello_and_wait(int listen_fd)
{
	int fd = accept(listen_fd, NULL, NULL);

	(void)send(fd, "hello 1 waiting", 15, MSG_NOSIGNAL);
	for (;;)
		(void)pause();
}

/* In a child of the test: an agent where nothing can be watched. Return: its exit code. */
static int find_without(const char *limit, struct world *w)
{
	struct event_base *base;
	bool has_said = false;
	const struct link_handler handler = {on_said, on_closed, on_gone, &has_said};
	struct links *links;
	struct link *link;
	uint64_t until_ms = clk_now_ms() + DEADLINE_MS;
	struct err err;

	if (!use_up(limit))
		return 2;
	base = event_base_new();
	if (links_new(base, T "/pods", &links, &err) < 0 ||
	    link_new(links, POD_UID, &handler, &link, &err) < 0)
		return 3;
	world_turns(w, base);
	turn_for(w, 50); /* it has looked, and there was nothing */
	start_other(w, hello_and_wait);
	while (!has_said && clk_now_ms() < until_ms)
		turn(w);
	(void)kill(w->container, SIGKILL);
	return has_said ? 0 : 4;
}

static void expect_found_without(const char *limit, struct world *w)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(find_without(limit, w));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(unlink(T "/a/sc/wrapper.sock"), 0);
}

static void test_consumer_is_found_where_nothing_can_be_watched(void **state)
{
	expect_found_without("max_inotify_watches", *state);
	expect_found_without("max_inotify_instances", *state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        CONSUMER_TEST(test_consumer_go_is_not_told_to_the_successor_of_a_dead_container),
	        CONSUMER_TEST(test_consumer_waits_for_a_holder_in_pauses_that_grow),
	        CONSUMER_TEST(test_consumer_with_an_address_that_is_another_pods_is_not_listening),
	        CONSUMER_TEST(test_consumer_gets_on_after_descriptors_were_short),
	        CONSUMER_TEST(test_consumer_is_found_where_nothing_can_be_watched),
	};

	return world_main() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
