/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/io/task.h"

/* More than any of these takes, however busy the machine is. */
enum { PATIENCE_MS = 20000 };

static int tell_and_wait(void *arg, void *data, struct err *err)
{
	const int *fd = arg;
	pid_t pid = getpid();

	(void)data;
	(void)err;
	if (write(*fd, &pid, sizeof pid) != sizeof pid)
		return -1;
	for (;;)
		(void)pause();
}

static int outlive_tell_and_wait(void *arg, void *data, struct err *err)
{
	task_outlive_agent();
	return tell_and_wait(arg, data, err);
}

static void on_done(void *arg, int rc, const void *data, const struct err *err)
{
	(void)arg;
	(void)rc;
	(void)data;
	(void)err;
}

/* An agent that starts a task, hears of it and ends. Return: the task's pid; *ret_fd closes with
 * it. */
static pid_t task_of_an_agent_that_ended(int (*run)(void *, void *, struct err *), int *ret_fd)
{
	int pipe_fds[2];
	pid_t agent;
	pid_t pid;

	assert_int_equal(pipe(pipe_fds), 0);
	agent = fork();
	if (agent == 0) {
		const struct task_opts opts = {run, on_done, &pipe_fds[1], NULL};
		struct event_base *base = event_base_new();
		struct pollfd told = {pipe_fds[0], POLLIN, 0};
		struct task *t;
		struct err err;

		if (task_start(base, &opts, &t, &err) < 0)
			_exit(1);
		_exit(poll(&told, 1, PATIENCE_MS) == 1 ? 0 : 1);
	}
	assert_int_equal(close(pipe_fds[1]), 0);
	assert_int_equal(waitpid(agent, NULL, 0), agent);
	assert_int_equal(read(pipe_fds[0], &pid, sizeof pid), sizeof pid);
	*ret_fd = pipe_fds[0];
	return pid;
}

static void test_task_ends_with_the_agent(void **state)
{
	struct pollfd end = {.events = POLLIN};
	pid_t pid = task_of_an_agent_that_ended(tell_and_wait, &end.fd);
	int rc = poll(&end, 1, PATIENCE_MS);

	(void)state;
	if (rc != 1)
		(void)kill(pid, SIGKILL);
	assert_int_equal(rc, 1);
	assert_true(end.revents & POLLHUP);
	(void)close(end.fd);
}

static void test_task_that_must_come_to_its_end_outlives_the_agent(void **state)
{
	struct pollfd end = {.events = POLLIN};
	pid_t pid = task_of_an_agent_that_ended(outlive_tell_and_wait, &end.fd);

	(void)state;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
	(void)close(end.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_task_ends_with_the_agent),
	        cmocka_unit_test(test_task_that_must_come_to_its_end_outlives_the_agent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
