/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-local podman ARG… - podman on this engine's storage: build, load and list images
 *
 * When a command that makes images has ended, they are on the disk. Podman leaves that to the
 * kernel, and a power cut half a minute later would leave images of empty files.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/config/config.h"
#include "local/commands.h"
#include "local/engine/io/engine.h"
#include "local/engine/io/made.h"
#include "local/runner/io/sync.h"

DEFINE_CLEANUP(struct config *, config_free);

/* A word of another meaning costs a sync and no more. */
static bool makes_images(char *const *args)
{
	static const char *const commands[] = {"build", "commit", "import", "load", "pull"};

	for (; *args != NULL; args++)
		for (size_t i = 0; i < ARRAY_LEN(commands); i++)
			if (strcmp(*args, commands[i]) == 0)
				return true;
	return false;
}

/* Return: its exit code, as a shell has it */
static int podman_run(char *const *argv)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		(void)execvp("podman", argv);
		fprintf(stderr, "sc-local: podman: %s\n", strerror(errno));
		_exit(127);
	}
	/* ^C at the terminal is for it, too, and it ends by that when it wants */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0)
		return 127;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int cmd_podman(int argc, char **argv)
{
	struct engine e = {0};
	struct made made;
	const struct config_option options[] = {ENGINE_OPTIONS(&e)};
	const struct config_program program = {
	        .name = "sc-local podman",
	        .synopsis = "Run podman on this engine's storage. Its own options follow \"--\".",
	        .options = options,
	        .options_count = ARRAY_LEN(options),
	        .operands = "[--] ARG…",
	};
	CLEANUP(config_free_var) struct config *config = NULL;
	struct err err = {0};
	int operands, r = config_load(&program, argc, argv, &config, &err);

	if (r > 0)
		return 0;
	if (r < 0 || made_recall(&e, &made, &err) < 0 || engine_podman(&e, &err) < 0) {
		fprintf(stderr, "sc-local: %s\n", err.text);
		return 2;
	}
	if (access(getenv("CONTAINERS_STORAGE_CONF"), R_OK) < 0) {
		fprintf(stderr,
		        "sc-local: no engine was started with --run-dir %s; "
		        "\"sc-local up\" does\n",
		        e.run_dir);
		return 1;
	}
	operands = config_operands(config);
	/* the argument before the first operand is ours to overwrite: the command's own name or an
	 * option of ours */
	argv[operands - 1] = (char *)"podman";
	if (makes_images(argv + operands)) {
		r = podman_run(argv + operands - 1);
		if (sync_now(e.state_dir, &err) == 0)
			return r;
		fprintf(stderr, "sc-local: %s\n", err.text);
		return 1;
	}
	(void)execvp("podman", argv + operands - 1);
	fprintf(stderr, "sc-local: podman: %s\n", strerror(errno));
	return 127;
}
