/* SPDX-License-Identifier: Apache-2.0 */
/* world_process - the programs under test as child processes, and their logs (world.h) */
#include "tests/world/world_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clk.h"
#include "lib/base/num.h"

/* A program's folder in the build. */
static const char *world_program_folder(const char *program)
{
	static const struct {
		const char *program;
		const char *folder;
	} folders[] = {
	        {"sc-local", "local"},         {"sc-controller", "controller"},
	        {"sc-activator", "activator"}, {"sc-idle-monitor", "idle-monitor"},
	        {"sc-node-agent", "agent"},    {"sc-wrapper", "wrapper"},
	};

	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		if (strcmp(folders[i].program, program) == 0)
			return folders[i].folder;
	}
	fail_msg("unknown program %s", program);
	return NULL;
}

void world_process_arg(struct world_process *p, const char *fmt, ...)
{
	va_list ap;

	assert_true(p->argc < WORLD_ARGS_MAX);
	va_start(ap, fmt);
	assert_true(vasprintf(&p->argv[p->argc], fmt, ap) > 0);
	va_end(ap);
	p->argc++;
}

struct world_process *world_process_new(struct world *w, const char *program)
{
	const char *build = getenv("SC_BUILD_DIR");
	struct world_process *p;

	if (build == NULL)
		world_fail(w, "SC_BUILD_DIR is not set: run flow tests by meson test");
	assert_true(w->processes_count < WORLD_PROCESSES_MAX);
	p = calloc(1, sizeof *p);
	assert_non_null(p);
	w->processes[w->processes_count++] = p;
	p->world = w;
	(void)snprintf(p->name, sizeof p->name, "%s", program);
	(void)snprintf(p->log, sizeof p->log, "%.400s/%.40s%s%zu.log", w->dir, program,
	               w->processes_count > 1 ? "-" : "", w->processes_count - 1);
	world_process_arg(p, "%s/%s/%s", build, world_program_folder(program), program);
	return p;
}

/* In the child: own process group, ends with us, nothing but its log. */
static void world_process_exec(const struct world_process *p, pid_t parent)
{
	int log = open(p->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || log < 0 || null < 0 ||
	    dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
	    dup2(log, STDERR_FILENO) < 0)
		_exit(125);
	(void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	(void)execv(p->argv[0], p->argv);
	(void)dprintf(STDERR_FILENO, "exec %s: %s\n", p->argv[0], strerror(errno));
	_exit(127);
}

void world_process_start(struct world_process *p)
{
	struct stat st;
	pid_t parent = getpid();

	p->log_start = stat(p->log, &st) == 0 ? (long)st.st_size : 0;
	p->killed = false;
	p->status = 0;
	p->pid = fork();
	if (p->pid < 0) {
		p->pid = 0;
		world_fail(p->world, "fork: %s", strerror(errno));
	}
	if (p->pid == 0)
		world_process_exec(p, parent);
}

struct world_process *world_spawn(struct world *w, const char *program, ...)
{
	struct world_process *p = world_process_new(w, program);
	const char *arg;
	va_list ap;

	world_process_arg(p, "--kubeconfig=%s", w->kubeconfig);
	world_process_arg(p, "--log-level=debug");
	world_process_arg(p, "--admin-listen=127.0.0.1:0");
	world_process_arg(p, "--admin-token-file=%s", w->token_file);
	va_start(ap, program);
	while ((arg = va_arg(ap, const char *)) != NULL)
		world_process_arg(p, "%s", arg);
	va_end(ap);
	world_process_start(p);
	return p;
}

bool world_process_is_over(struct world_process *p)
{
	if (p->pid != 0 && waitpid(p->pid, &p->status, WNOHANG) == p->pid)
		p->pid = 0;
	return p->pid == 0;
}

/* @sig 0: an orderly end, by SIGTERM, and by SIGKILL when that takes too long. */
void world_process_stop(struct world_process *p, int sig)
{
	uint64_t deadline_ms = clk_now_ms() + WORLD_STOP_MS;
	bool ends = sig == 0 || sig == SIGKILL || sig == SIGTERM;

	if (world_process_is_over(p))
		return;
	p->killed = sig != 0;
	(void)kill(p->pid, sig != 0 ? sig : SIGTERM);
	while (ends && !world_process_is_over(p)) {
		if (world_poll(deadline_ms))
			continue;
		(void)kill(p->pid, SIGKILL);
		(void)waitpid(p->pid, &p->status, 0);
		p->pid = 0;
	}
}

void world_kill(struct world_process *p, int sig)
{
	world_process_stop(p, sig);
}

/* The ports that it had, so that its peers find it again. The later of two flags counts. */
static void world_process_keep_ports(struct world_process *p)
{
	if (p->admin_port != 0)
		world_process_arg(p, "--admin-listen=127.0.0.1:%u", p->admin_port);
	if (p->port != 0)
		world_process_arg(p, "--listen=127.0.0.1:%u", p->port);
}

void world_restart(struct world_process *p)
{
	if (!world_process_is_over(p))
		world_process_stop(p, SIGTERM);
	world_process_keep_ports(p);
	world_process_start(p);
}

pid_t world_pid(const struct world_process *p)
{
	return p->pid;
}

/* The port in the log line of the event that ends in ".listening". Return: 0 without one. */
static unsigned world_log_port(const struct world_process *p, bool admin)
{
	char *text = world_read_file(p->log, p->log_start);
	char *rest = text;
	char *line;
	uint64_t port = 0;

	while (port == 0 && (line = strsep(&rest, "\n")) != NULL) {
		bool is_admin = strstr(line, "event=admin.listening ") != NULL;
		char *value = strstr(line, " port=");

		if (rest == NULL || value == NULL || strstr(line, ".listening ") == NULL ||
		    is_admin != admin)
			continue;
		value += strlen(" port=");
		value[strspn(value, "0123456789")] = '\0';
		(void)num_parse_u64(value, 1, UINT16_MAX, &port, NULL);
	}
	free(text);
	return (unsigned)port;
}

static unsigned world_wait_port(const struct world_process *p, bool admin)
{
	uint64_t deadline_ms = world_deadline();
	unsigned port;

	while ((port = world_log_port(p, admin)) == 0) {
		if (world_process_is_over((struct world_process *)(uintptr_t)p) ||
		    !world_poll(deadline_ms))
			world_fail(p->world, "%s: no listening port in its log", p->name);
	}
	return port;
}

unsigned world_admin_port(const struct world_process *p)
{
	unsigned *known = &((struct world_process *)(uintptr_t)p)->admin_port;

	*known = world_wait_port(p, true);
	return *known;
}

unsigned world_port(const struct world_process *p)
{
	unsigned *known = &((struct world_process *)(uintptr_t)p)->port;

	*known = world_wait_port(p, false);
	return *known;
}

const char *world_log_complaint(const char *path)
{
	static const char *const reports[] = {"ERROR: AddressSanitizer", "ERROR: LeakSanitizer",
	                                      "runtime error: ", "Assertion `"};
	char *text = world_read_file(path, 0);
	const char *found = NULL;

	for (size_t i = 0; text != NULL && i < sizeof reports / sizeof reports[0]; i++) {
		if (strstr(text, reports[i]) != NULL)
			found = reports[i];
	}
	free(text);
	return found;
}

const char *world_process_complaint(const struct world_process *p)
{
	const char *found = world_log_complaint(p->log);

	if (found != NULL || p->killed)
		return found;
	if (WIFSIGNALED(p->status))
		return strsignal(WTERMSIG(p->status));
	return WEXITSTATUS(p->status) != 0 ? "ended with another exit code than 0" : NULL;
}

void world_process_free(struct world_process *p)
{
	for (size_t i = 0; i < p->argc; i++)
		free(p->argv[i]);
	free(p);
}
