/* SPDX-License-Identifier: Apache-2.0 */
/*
 * task - forks a child, waits for its end by pidfd, reads its result from a pipe
 */
#include "agent/io/task.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/wait.h>

struct task_result {
	int rc;
	struct err err;
	_Alignas(8) unsigned char data[TASK_DATA_BYTES_MAX];
};

/* One write that a pipe takes whole: the child never waits for its reader. */
_Static_assert(sizeof(struct task_result) <= PIPE_BUF, "a result is written at once");

struct task {
	LIST_ENTRY(task) entry; /* among the forgotten */
	struct task_opts opts;
	pid_t pid;
	int pid_fd;
	int result_fd;
	struct event *ended;
};

static LIST_HEAD(, task) forgotten = LIST_HEAD_INITIALIZER(forgotten);

static void task_free(struct task *t)
{
	if (t->ended != NULL)
		event_free(t->ended);
	if (t->pid_fd >= 0)
		(void)close(t->pid_fd);
	if (t->result_fd >= 0)
		(void)close(t->result_fd);
	free(t);
}

DEFINE_CLEANUP(struct task *, task_free);

/* @agent: who forked it, and may have ended before the signal was asked for. */
static void task_end_with(pid_t agent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != agent)
		_exit(1);
}

void task_outlive_agent(void)
{
	(void)prctl(PR_SET_PDEATHSIG, 0);
}

_Noreturn static void task_child(const struct task_opts *opts, pid_t agent, int fd)
{
	struct task_result r;
	sigset_t none;

	task_end_with(agent);
	memset(&r, 0, sizeof r);
	/* the agent's handlers only write into its loop's pipe; a child must simply end */
	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	r.rc = opts->run(opts->run_arg, r.data, &r.err);
	_exit(write(fd, &r, sizeof r) == (ssize_t)sizeof r ? 0 : 1);
}

static void on_task_ended(evutil_socket_t fd, short what, void *arg)
{
	CLEANUP(task_free_var) struct task *t = arg;
	struct task_result r;

	(void)fd;
	(void)what;
	if (read(t->result_fd, &r, sizeof r) != (ssize_t)sizeof r) {
		memset(&r, 0, sizeof r);
		r.rc = err_set(&r.err, ERR_SYS, 0, "a child process ended without a result");
	}
	(void)waitpid(t->pid, NULL, 0);
	if (t->opts.on_done == NULL)
		LIST_REMOVE(t, entry);
	else
		t->opts.on_done(t->opts.done_arg, r.rc, r.data, &r.err);
}

int task_start(struct event_base *base, const struct task_opts *opts, struct task **ret_task,
               struct err *err)
{
	CLEANUP(task_free_var) struct task *t = calloc(1, sizeof *t);
	pid_t agent = getpid();
	int result[2];

	assert(opts->run != NULL && opts->on_done != NULL);
	if (t == NULL)
		return err_set(err, ERR_NOMEM, 0, "task");
	*t = (struct task){.opts = *opts, .pid_fd = -1, .result_fd = -1};
	if (pipe2(result, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_set(err, ERR_SYS, errno, "pipe");
	t->result_fd = result[0];
	t->pid = fork();
	if (t->pid == 0)
		task_child(opts, agent, result[1]);
	(void)close(result[1]);
	if (t->pid < 0)
		return err_set(err, ERR_SYS, errno, "fork");
	t->pid_fd = pidfd_open(t->pid, 0);
	if (t->pid_fd >= 0)
		t->ended = event_new(base, t->pid_fd, EV_READ, on_task_ended, t);
	if (t->ended == NULL || event_add(t->ended, NULL) < 0) {
		(void)kill(t->pid, SIGKILL);
		(void)waitpid(t->pid, NULL, 0);
		return err_set(err, ERR_SYS, errno, "watch a child process");
	}
	*ret_task = TAKE_PTR(t);
	return 0;
}

void task_forget(struct task *t)
{
	if (t == NULL)
		return;
	assert(t->opts.on_done != NULL); /* forgotten once */
	t->opts.on_done = NULL;
	LIST_INSERT_HEAD(&forgotten, t, entry);
}

void task_end(struct task *t)
{
	if (t != NULL)
		(void)kill(t->pid, SIGKILL); /* not reaped yet: the number is its own */
	task_forget(t);
}

void tasks_leave(void)
{
	while (!LIST_EMPTY(&forgotten)) {
		struct task *t = LIST_FIRST(&forgotten);

		LIST_REMOVE(t, entry);
		task_free(t);
	}
}
