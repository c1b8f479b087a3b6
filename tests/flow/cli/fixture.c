/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/flow/cli/fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clk.h"
#include "lib/kube/client/object.h"

#define MERGE "application/merge-patch+json"

static void write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	(void)fputs(text, out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static void make_bin(struct fixture *f)
{
	const char *build = getenv("SC_BUILD_DIR"), *path = getenv("PATH");
	char dir[600], file[700], text[2200];

	assert_non_null(build);
	(void)snprintf(dir, sizeof dir, "%s/bin", world_dir(f->w));
	assert_int_equal(mkdir(dir, 0755), 0);
	(void)snprintf(file, sizeof file, "%.500s/cli/kubectl-sc", build);
	/* by a name without spaces, wherever the build is */
	(void)snprintf(f->program, sizeof f->program, "%.500s/kubectl-sc", dir);
	assert_int_equal(symlink(file, f->program), 0);
	(void)snprintf(file, sizeof file, "%s/kubectl", dir);
	write_file(file, "#!/bin/sh\nprintf '[%s]' \"$@\"\necho\nexit 7\n");
	(void)snprintf(text, sizeof text, "%s --kubeconfig=%s", f->program, world_kubeconfig(f->w));
	(void)setenv("SC", text, 1);
	(void)setenv("SC_PROGRAM", f->program, 1);
	(void)setenv("SC_WORLD_DIR", world_dir(f->w), 1);
	(void)setenv("SC_WORLD_KUBECONFIG", world_kubeconfig(f->w), 1);
	(void)setenv("SC_OLD_PATH", path, 0);
	(void)snprintf(text, sizeof text, "%s:%s", dir, getenv("SC_OLD_PATH"));
	(void)setenv("PATH", text, 1);
	(void)unsetenv("KUBECONFIG");
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	*state = f;
	f->job.out = -1;
	f->w = world_new(NULL);
	make_bin(f);
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	if (f->job.pid > 0) {
		(void)kill(-f->job.pid, SIGKILL);
		(void)waitpid(f->job.pid, NULL, 0);
	}
	if (f->job.out >= 0)
		(void)close(f->job.out);
	world_free(f->w);
	free(f);
	return 0;
}

void job_start(struct fixture *f, const char *command)
{
	struct job *j = &f->job;
	int out[2];

	assert_int_equal(j->pid, 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	j->pid = fork();
	assert_true(j->pid >= 0);
	if (j->pid == 0) {
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

		/* a group of its own, so that all of it can be ended */
		(void)setpgid(0, 0);
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(out[1], STDOUT_FILENO);
		(void)dup2(out[1], STDERR_FILENO);
		(void)execl("/bin/bash", "bash", "-c", command, NULL);
		_exit(126);
	}
	(void)setpgid(j->pid, j->pid);
	(void)close(out[1]);
	j->out = out[0];
	j->used = 0;
	j->output[0] = '\0';
}

/* Read what is there. Return: false at the end of the output. */
static bool job_read(struct job *j, uint64_t deadline_ms)
{
	struct pollfd p = {.fd = j->out, .events = POLLIN};
	uint64_t now_ms = clk_now_ms();
	ssize_t n;

	if (now_ms >= deadline_ms || poll(&p, 1, (int)(deadline_ms - now_ms)) <= 0)
		fail_msg("it goes on; it has said: %s", j->output);
	if (j->used >= OUTPUT_BYTES - 1)
		fail_msg("it says too much");
	n = read(j->out, j->output + j->used, OUTPUT_BYTES - 1 - j->used);
	if (n <= 0)
		return false;
	j->used += (size_t)n;
	j->output[j->used] = '\0';
	return true;
}

void job_expect(struct fixture *f, const char *want)
{
	uint64_t deadline_ms = clk_now_ms() + WORLD_DEADLINE_MS;

	while (strstr(f->job.output, want) == NULL) {
		if (!job_read(&f->job, deadline_ms))
			fail_msg("it ended without \"%s\": %s", want, f->job.output);
	}
}

int job_end(struct fixture *f)
{
	uint64_t deadline_ms = clk_now_ms() + WORLD_DEADLINE_MS;
	struct job *j = &f->job;
	int status = 0;

	while (job_read(j, deadline_ms))
		continue;
	assert_int_equal(waitpid(j->pid, &status, 0), j->pid);
	j->pid = 0;
	(void)close(j->out);
	j->out = -1;
	if (strstr(j->output, "Sanitizer") != NULL || strstr(j->output, "runtime error") != NULL)
		fail_msg("%s", j->output);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

const char *shell(struct fixture *f, int exit_code, const char *command, const char *want)
{
	int code;

	job_start(f, command);
	code = job_end(f);
	if (code != exit_code || (want != NULL && strstr(f->job.output, want) == NULL))
		fail_msg("%s: exit code %d, want %d and \"%s\": %s", command, code, exit_code,
		         want != NULL ? want : "", f->job.output);
	return f->job.output;
}

const char *sc(struct fixture *f, int exit_code, const char *words, const char *want)
{
	char command[1024];

	assert_true(snprintf(command, sizeof command, "exec $SC %s", words) < 1024);
	return shell(f, exit_code, command, want);
}

void hello_new(struct fixture *f, bool running, const char *status)
{
	char text[400];

	(void)snprintf(text, sizeof text,
	               "{\"metadata\":{\"name\":\"hello\",\"labels\":{\"team\":\"a\"}},\"spec\":"
	               "{\"running\":%s,\"template\":{\"container\":{\"image\":\"i:1\"}}}}",
	               running ? "true" : "false");
	json_decref(world_create(f->w, SCS, text));
	if (status != NULL)
		hello_status(f, status);
}

void hello_status(struct fixture *f, const char *status)
{
	json_t *object = world_get(f->w, SCS "/hello");
	long long generation = (long long)kube_generation(object);
	char text[4096];
	size_t used = (size_t)snprintf(text, sizeof text, "{\"status\":");

	for (const char *c = status; *c != '\0' && used < sizeof text - 32; c++) {
		if (c[0] == '$' && c[1] == 'G') {
			used += (size_t)snprintf(text + used, sizeof text - used, "%lld",
			                         generation);
			c++;
		} else {
			text[used++] = *c == '\'' ? '"' : *c;
		}
	}
	(void)snprintf(text + used, sizeof text - used, "}");
	json_decref(object);
	assert_int_equal(world_call(f->w, "PATCH", SCS "/hello/status", MERGE, text, &object), 200);
	json_decref(object);
}
