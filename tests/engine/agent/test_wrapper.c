/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-wrapper as a process: its codes, signals, reaping, its peers, and what it costs
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/engine/agent/container.h"

enum { WRAPPER_BYTES_MAX = 256 * 1024, WRAPPER_RSS_KIB_MAX = 64 };

struct fixture {
	char dir[32];
	char socket_path[64];
	struct container peer;   /* only its folder: container_connect() looks there */
	const char *stop_signal; /* NULL: none is named */
	bool process_one;
	pid_t pid;
	int fd;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof f->dir, "/tmp/sc-wrapper-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->socket_path, sizeof f->socket_path, "%s/sc", f->dir);
	assert_int_equal(mkdir(f->socket_path, 0755), 0);
	(void)snprintf(f->socket_path, sizeof f->socket_path, "%s/sc/wrapper.sock", f->dir);
	f->peer.dir = f->dir;
	f->fd = -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[64];

	if (f->pid > 0) {
		(void)kill(f->pid, SIGKILL);
		(void)waitpid(f->pid, NULL, 0);
	}
	if (f->fd >= 0)
		(void)close(f->fd);
	(void)unlink(f->socket_path);
	(void)snprintf(path, sizeof path, "%s/out", f->dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%s/sc", f->dir);
	(void)rmdir(path);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

/* @command: NULL: /bin/sh -c @script */
static void start(struct fixture *f, const char *command, const char *script)
{
	char *wrapper = getenv("SC_WRAPPER");
	const char *argv[16] = {wrapper, "run", "--socket", f->socket_path};
	size_t n = 4;

	assert_non_null(wrapper);
	if (f->stop_signal != NULL) {
		argv[n++] = "--stop-signal";
		argv[n++] = f->stop_signal;
	}
	if (f->process_one)
		argv[n++] = "--process-one";
	argv[n++] = "--";
	argv[n++] = command != NULL ? command : "/bin/sh";
	if (command == NULL) {
		argv[n++] = "-c";
		argv[n++] = script;
	}
	f->pid = fork();
	if (f->pid == 0) {
		/* what a shell starts in the background or with nohup ignores these, and so would
		 * all below */
		(void)signal(SIGQUIT, SIG_DFL);
		(void)signal(SIGINT, SIG_DFL);
		(void)signal(SIGHUP, SIG_DFL);
		if (chdir(f->dir) == 0)
			(void)execv(wrapper, (char **)(uintptr_t)argv);
		_exit(99);
	}
	f->fd = container_connect(&f->peer);
	container_expect(f->fd, "hello 1 waiting");
}

static int end(struct fixture *f)
{
	int code = container_end(f->pid);

	f->pid = 0;
	return code;
}

static void test_wrapper_passes_the_exit_code_on(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, "exit 42");
	container_say(f->fd, "go");
	container_expect(f->fd, "started *");
	container_expect(f->fd, "exited 42");
	assert_int_equal(end(f), 42);
}

static void test_wrapper_tells_the_signal_that_ended_the_process(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, "kill -9 $$");
	container_say(f->fd, "go");
	container_expect(f->fd, "started *");
	container_expect(f->fd, "signaled 9");
	assert_int_equal(end(f), 137);
}

static void test_wrapper_forwards_signals(void **state)
{
	struct fixture *f = *state;
	char path[64];

	start(f, NULL,
	      "trap 'exit 5' USR1; trap '' TERM; echo x > out; while :; do sleep 0.05; done");
	container_say(f->fd, "go");
	container_expect(f->fd, "started *");
	(void)snprintf(path, sizeof path, "%s/out", f->dir);
	for (unsigned i = 0; access(path, F_OK) < 0 && i < 1000; i++)
		(void)poll(NULL, 0, 10);
	assert_int_equal(kill(f->pid, SIGTERM), 0);
	assert_int_equal(kill(f->pid, SIGUSR1), 0);
	container_expect(f->fd, "exited 5");
	assert_int_equal(end(f), 5);
}

static void test_wrapper_passes_sigterm_on_as_the_stop_signal(void **state)
{
	struct fixture *f = *state;

	f->stop_signal = "3";
	start(f, NULL, "sleep 1000 & wait");
	container_say(f->fd, "go");
	container_expect(f->fd, "started *");
	assert_int_equal(kill(f->pid, SIGTERM), 0);
	container_expect(f->fd, "signaled 3");
	assert_int_equal(end(f), 131);
}

static void test_wrapper_stop_signal_leaves_other_signals_alone(void **state)
{
	struct fixture *f = *state;

	f->stop_signal = "3";
	start(f, NULL, "sleep 1000 & wait");
	container_say(f->fd, "go");
	container_expect(f->fd, "started *");
	assert_int_equal(kill(f->pid, SIGHUP), 0);
	container_expect(f->fd, "signaled 1");
	assert_int_equal(end(f), 129);
	/* while it waits there is nothing to pass it on to */
	start(f, "true", NULL);
	assert_int_equal(kill(f->pid, SIGTERM), 0);
	assert_int_equal(end(f), 143);
}

static void test_wrapper_command_that_does_not_exist_is_127(void **state)
{
	struct fixture *f = *state;

	start(f, "/no/such/command", NULL);
	container_say(f->fd, "go");
	container_expect(f->fd, "failed 2 /no/such/command");
	assert_int_equal(end(f), 127);
}

static void test_wrapper_command_that_is_no_program_is_126(void **state)
{
	struct fixture *f = *state;

	start(f, "/etc/passwd", NULL);
	container_say(f->fd, "go");
	container_expect(f->fd, "failed 13 /etc/passwd");
	assert_int_equal(end(f), 126);
}

static void test_wrapper_finds_commands_by_path(void **state)
{
	struct fixture *f = *state;

	start(f, "true", NULL);
	container_say(f->fd, "go");
	container_expect(f->fd, "started *");
	container_expect(f->fd, "exited 0");
	assert_int_equal(end(f), 0);
}

static void expect_closed(int fd)
{
	char byte;

	assert_int_equal(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 10000), 1);
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

static void test_wrapper_gives_its_place_to_the_process(void **state)
{
	struct fixture *f = *state;
	char want[32], path[64];

	f->process_one = true;
	/* no descriptor of ours, no signal that is blocked or ignored */
	start(f, NULL,
	      "echo $$ $(ls /proc/$$/fd | tr '\\n' ' ') > out; grep -E '^Sig(Blk|Ign)' "
	      "/proc/$$/status | "
	      "cut -c9- | tr '\\n' ' ' >> out; trap 'exit 9' TERM; echo x > ready; "
	      "while :; do sleep 0.05; done");
	container_say(f->fd, "go");
	container_expect(f->fd, "becomes");
	expect_closed(f->fd);
	(void)snprintf(path, sizeof path, "%s/ready", f->dir);
	for (unsigned i = 0; access(path, F_OK) < 0 && i < 1000; i++)
		(void)poll(NULL, 0, 10);
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%s/out", f->dir);
	(void)snprintf(want, sizeof want, "%d 0 1 2", (int)f->pid);
	assert_int_equal(strncmp(read_text(path), want, strlen(want)), 0);
	assert_non_null(strstr(read_text(path), "0000000000000000 0000000000000000"));
	assert_int_equal(kill(f->pid, SIGTERM), 0);
	assert_int_equal(end(f), 9);
}

static void test_wrapper_tells_when_it_cannot_give_its_place(void **state)
{
	struct fixture *f = *state;

	f->process_one = true;
	start(f, "/no/such/command", NULL);
	container_say(f->fd, "go");
	container_expect(f->fd, "becomes");
	container_expect(f->fd, "failed 2 /no/such/command");
	assert_int_equal(end(f), 127);
	start(f, "true", NULL);
	assert_int_equal(kill(f->pid, SIGTERM), 0);
	assert_int_equal(end(f), 143);
}

static void test_wrapper_refused_is_125(void **state)
{
	struct fixture *f = *state;

	start(f, "true", NULL);
	container_say(f->fd, "refuse no such instance");
	assert_int_equal(end(f), 125);
}

static void test_wrapper_terminated_while_it_waits_is_143(void **state)
{
	struct fixture *f = *state;

	start(f, "true", NULL);
	assert_int_equal(kill(f->pid, SIGTERM), 0);
	assert_int_equal(end(f), 143);
}

static void test_wrapper_a_new_agent_replaces_the_old_one(void **state)
{
	struct fixture *f = *state;
	int old;

	start(f, NULL, "sleep 1000 & wait");
	old = f->fd;
	f->fd = container_connect(&f->peer);
	container_expect(f->fd, "hello 1 waiting");
	container_expect(old, ""); /* its end */
	(void)close(old);
	container_say(f->fd, "nonsense");
	container_say(f->fd, "go");
	container_expect(f->fd, "started *");
	(void)close(f->fd);
	f->fd = container_connect(&f->peer);
	container_expect(f->fd, "hello 1 running *");
	container_say(f->fd, "go"); /* too late to mean anything */
	assert_int_equal(kill(f->pid, SIGTERM), 0);
	container_expect(f->fd, "signaled 15");
	assert_int_equal(end(f), 143);
}

static void test_wrapper_ends_though_its_peer_reads_nothing(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, "exit 3");
	container_say(f->fd, "go");
	assert_int_equal(shutdown(f->fd, SHUT_RD), 0);
	assert_int_equal(end(f), 3);
}

static void test_wrapper_reaps_orphans(void **state)
{
	struct fixture *f = *state;
	char path[64];
	const char *children = "";

	start(f, NULL, "(sleep 0.05 &) ; (sleep 0.05 &) ; sleep 1000 & wait");
	container_say(f->fd, "go");
	container_expect(f->fd, "started *");
	/* the shell alone remains once the orphans have ended and were reaped */
	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)f->pid, (int)f->pid);
	for (unsigned i = 0; i < 200; i++) {
		children = read_text(path);
		if (i > 10 && strchr(children, ' ') == strrchr(children, ' '))
			break;
		(void)poll(NULL, 0, 20);
	}
	assert_ptr_equal(strchr(children, ' '), strrchr(children, ' '));
	assert_int_equal(kill(f->pid, SIGTERM), 0);
	assert_int_equal(end(f), 143);
}

static void test_wrapper_is_small_on_disk_and_while_it_waits(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	char path[64];
	const char *rss;

	assert_int_equal(stat(getenv("SC_WRAPPER"), &st), 0);
	assert_in_range(st.st_size, 1, WRAPPER_BYTES_MAX);
	start(f, "true", NULL);
	(void)snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)f->pid);
	rss = strstr(read_text(path), "Rss:");
	assert_non_null(rss);
	assert_in_range(strtoul(rss + 4, NULL, 10), 1, WRAPPER_RSS_KIB_MAX);
	print_message("# wrapper: %ld bytes, %lu KiB resident\n", (long)st.st_size,
	              strtoul(rss + 4, NULL, 10));
}

#define WRAPPER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WRAPPER_TEST(test_wrapper_passes_the_exit_code_on),
	        WRAPPER_TEST(test_wrapper_tells_the_signal_that_ended_the_process),
	        WRAPPER_TEST(test_wrapper_forwards_signals),
	        WRAPPER_TEST(test_wrapper_passes_sigterm_on_as_the_stop_signal),
	        WRAPPER_TEST(test_wrapper_stop_signal_leaves_other_signals_alone),
	        WRAPPER_TEST(test_wrapper_command_that_does_not_exist_is_127),
	        WRAPPER_TEST(test_wrapper_command_that_is_no_program_is_126),
	        WRAPPER_TEST(test_wrapper_finds_commands_by_path),
	        WRAPPER_TEST(test_wrapper_gives_its_place_to_the_process),
	        WRAPPER_TEST(test_wrapper_tells_when_it_cannot_give_its_place),
	        WRAPPER_TEST(test_wrapper_refused_is_125),
	        WRAPPER_TEST(test_wrapper_terminated_while_it_waits_is_143),
	        WRAPPER_TEST(test_wrapper_a_new_agent_replaces_the_old_one),
	        WRAPPER_TEST(test_wrapper_ends_though_its_peer_reads_nothing),
	        WRAPPER_TEST(test_wrapper_reaps_orphans),
	        WRAPPER_TEST(test_wrapper_is_small_on_disk_and_while_it_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
