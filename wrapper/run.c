/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run - from waiting for a root filesystem to the end of the user's process
 *
 *     WAITING ──go──> STARTING ──executed──> RUNNING ──child ended──> exit
 *        │ │              └──exec failed──> exit 127, 126
 *        │ └──go, with --process-one──> this process is the user's
 *        └──refuse, SIGTERM──> exit
 *
 * All signals are blocked and read from a descriptor. The agent may come and go at any time;
 * nothing that it does or leaves undone holds up signals, reaping or the end.
 */
#include "wrapper/wrapper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum run_state { RUN_WAITING, RUN_STARTING, RUN_RUNNING, RUN_ENDED };

struct run {
	enum run_state state;
	int listen_fd;
	int signal_fd;
	int agent_fd; /* -1: none connected */
	int exec_fd;  /* STARTING: the exec's errno, or its end on success; else -1 */
	pid_t child;
	int exit_code; /* ENDED */
	const struct wrapper_opts *opts;
	sigset_t child_mask; /* what the runtime started us with */
	char cwd[PATH_MAX];
	char stand[PATH_MAX]; /* where it waits */
};

static void run_end(struct run *r, int exit_code)
{
	r->state = RUN_ENDED;
	r->exit_code = exit_code;
}

static void run_fail(struct run *r, int error, const char *path)
{
	wrapper_say(path, strerror(error));
	wrapper_send(r->agent_fd, PROTO_FAILED, error, path);
	run_end(r, error == ENOENT ? WRAPPER_EXIT_NOT_FOUND : WRAPPER_EXIT_CANNOT_EXECUTE);
}

/* In the child. A group of its own in the foreground, so that a terminal's keys reach it alone. */
_Noreturn static void run_exec(const struct run *r, int report_fd)
{
	int error;

	(void)setpgid(0, 0);
	/* SIGTTOU is still blocked, so this neither stops us nor matters without a terminal */
	(void)tcsetpgrp(STDIN_FILENO, getpid());
	(void)sigprocmask(SIG_SETMASK, &r->child_mask, NULL);
	(void)execvp(r->opts->argv[0], r->opts->argv);
	error = errno;
	if (write(report_fd, &error, sizeof error) < 0)
		_exit(WRAPPER_EXIT_REFUSED);
	_exit(WRAPPER_EXIT_CANNOT_EXECUTE);
}

/*
 * In the folder that the runtime had put us into. As runtimes do, one that the user may not enter
 * will do: the agent, which may, has then taken us along from where we stood.
 */
static bool run_is_at_home(const struct run *r)
{
	char at[PATH_MAX];
	int error;

	if (chdir(r->cwd) == 0)
		return true;
	error = errno;
	/* a folder that the hand-over left behind has no path any more */
	if (getcwd(at, sizeof at) != NULL && strcmp(at, r->stand) != 0)
		return true;
	errno = error;
	return false;
}

/*
 * While it waits the wrapper stands in its socket's folder, which is a mount: a process that stands
 * at the root of one can be taken along to another (pivot_root(2)), and from nowhere else.
 */
static int run_stand_by_socket(struct run *r)
{
	const char *path = r->opts->socket_path;
	const char *slash = strrchr(path, '/');
	size_t len = slash != NULL ? (size_t)(slash - path) : 0;

	if (len > 0 && len < sizeof r->stand) {
		memcpy(r->stand, path, len);
		r->stand[len] = '\0';
		if (chdir(r->stand) < 0)
			return -1;
	}
	return getcwd(r->stand, sizeof r->stand) != NULL ? 0 : -1;
}

/*
 * The exec closes the connection. `becomes` goes before it, so that the agent takes the end of the
 * connection for the exec and not for a loss.
 */
static void run_become(struct run *r)
{
	wrapper_send(r->agent_fd, PROTO_BECOMES, 0, NULL);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	(void)sigprocmask(SIG_SETMASK, &r->child_mask, NULL);
	(void)execvp(r->opts->argv[0], r->opts->argv);
	run_fail(r, errno, r->opts->argv[0]);
}

static void run_start(struct run *r)
{
	int report[2];

	if (!run_is_at_home(r)) {
		run_fail(r, errno, r->cwd);
		return;
	}
	if (r->opts->process_one) {
		run_become(r);
		return;
	}
	if (pipe2(report, O_CLOEXEC) < 0) {
		run_fail(r, errno, r->opts->argv[0]);
		return;
	}
	r->child = fork();
	if (r->child == 0)
		run_exec(r, report[1]);
	(void)close(report[1]);
	if (r->child < 0) {
		run_fail(r, errno, r->opts->argv[0]);
		(void)close(report[0]);
		return;
	}
	r->exec_fd = report[0];
	r->state = RUN_STARTING;
}

static void run_on_exec(struct run *r)
{
	int error;
	ssize_t n = read(r->exec_fd, &error, sizeof error);

	(void)close(r->exec_fd);
	r->exec_fd = -1;
	if (n == (ssize_t)sizeof error) {
		run_fail(r, error, r->opts->argv[0]);
		return;
	}
	r->state = RUN_RUNNING;
	wrapper_send(r->agent_fd, PROTO_STARTED, r->child, NULL);
}

static void run_on_child_end(struct run *r, int status)
{
	/* it may end before its exec was seen */
	if (r->state == RUN_STARTING)
		run_on_exec(r);
	if (r->state == RUN_ENDED)
		return;
	if (WIFSIGNALED(status)) {
		wrapper_send(r->agent_fd, PROTO_SIGNALED, WTERMSIG(status), NULL);
		run_end(r, WRAPPER_EXIT_SIGNAL_BASE + WTERMSIG(status));
	} else {
		wrapper_send(r->agent_fd, PROTO_EXITED, WEXITSTATUS(status), NULL);
		run_end(r, WEXITSTATUS(status));
	}
}

static void run_reap(struct run *r)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == r->child)
			run_on_child_end(r, status);
	}
}

/* Faults are the wrapper's own, and terminal stops are for the group in the background. */
static bool run_is_forwarded(int sig)
{
	static const signed char kept[] = {SIGFPE,  SIGILL, SIGSEGV, SIGBUS, SIGABRT,
	                                   SIGTRAP, SIGSYS, SIGTTIN, SIGTTOU};

	return memchr(kept, sig, sizeof kept) == NULL;
}

static void run_on_signal(struct run *r)
{
	struct signalfd_siginfo info;
	int sig;

	if (read(r->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
		return;
	sig = (int)info.ssi_signo;
	if (sig == SIGCHLD)
		run_reap(r);
	else if (r->state == RUN_WAITING && (sig == SIGTERM || sig == SIGINT || sig == SIGQUIT))
		run_end(r, WRAPPER_EXIT_SIGNAL_BASE + sig);
	else if (r->state != RUN_WAITING && run_is_forwarded(sig))
		(void)kill(r->child, sig == SIGTERM ? r->opts->stop_signal : sig);
}

static void run_on_connection(struct run *r)
{
	int fd = accept4(r->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (r->agent_fd >= 0)
		(void)close(r->agent_fd);
	r->agent_fd = fd;
	if (r->state == RUN_WAITING)
		wrapper_send(fd, PROTO_HELLO_WAITING, 0, NULL);
	else if (r->state == RUN_RUNNING)
		wrapper_send(fd, PROTO_HELLO_RUNNING, r->child, NULL);
	/* STARTING: `started` or `failed` follows at once */
}

static void run_on_agent(struct run *r)
{
	char packet[PROTO_TEXT_BYTES_MAX + 1];
	ssize_t n = recv(r->agent_fd, packet, sizeof packet - 1, MSG_DONTWAIT);
	struct proto_message m;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		(void)close(r->agent_fd);
		r->agent_fd = -1;
		return;
	}
	packet[n] = '\0';
	m = proto_parse(packet);
	if (r->state != RUN_WAITING)
		return;
	if (m.kind == PROTO_GO) {
		run_start(r);
	} else if (m.kind == PROTO_REFUSE) {
		wrapper_say("no root filesystem", m.text);
		run_end(r, WRAPPER_EXIT_REFUSED);
	}
}

static void run_turn(struct run *r)
{
	struct pollfd fds[] = {
	        {r->signal_fd, POLLIN, 0},
	        {r->exec_fd, POLLIN, 0},
	        {r->agent_fd, POLLIN, 0},
	        {r->listen_fd, POLLIN, 0},
	};
	static void (*const handlers[])(struct run *) = {run_on_signal, run_on_exec, run_on_agent,
	                                                 run_on_connection};
	/* a handler may close a later one's descriptor */
	int *const now[] = {&r->signal_fd, &r->exec_fd, &r->agent_fd, &r->listen_fd};

	if (poll(fds, sizeof fds / sizeof fds[0], -1) < 0)
		return;
	for (size_t i = 0; i < sizeof fds / sizeof fds[0] && r->state != RUN_ENDED; i++) {
		if (fds[i].revents != 0 && *now[i] == fds[i].fd)
			handlers[i](r);
	}
}

int wrapper_run(const struct wrapper_opts *opts)
{
	struct run r;
	sigset_t all;

	r.state = RUN_WAITING;
	r.agent_fd = -1;
	r.exec_fd = -1;
	r.child = -1;
	r.opts = opts;
	/* not process 1 where the Pod shares its process namespace: orphans still come to us */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &r.child_mask);
	r.signal_fd = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
	r.listen_fd = wrapper_listen(opts->socket_path);
	if (r.signal_fd < 0 || r.listen_fd < 0 || getcwd(r.cwd, sizeof r.cwd) == NULL ||
	    run_stand_by_socket(&r) < 0) {
		wrapper_say(opts->socket_path, strerror(errno));
		return WRAPPER_EXIT_REFUSED;
	}
	while (r.state != RUN_ENDED)
		run_turn(&r);
	return r.exit_code;
}
