/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main - the commands of sc-wrapper: run, exec, pause, copy
 */
#include "wrapper/wrapper.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/api/names.h"

static const char usage[] =
        "Usage: sc-wrapper run [--socket PATH] [--stop-signal N] [--process-one]\n"
        "                      -- COMMAND [ARGUMENT]...\n"
        "       sc-wrapper exec -- COMMAND [ARGUMENT]...\n"
        "       sc-wrapper pause\n"
        "       sc-wrapper copy DESTINATION\n"
        "\n"
        "Process 1 of a stoppable container.\n"
        "\n"
        "  run     wait on PATH for the root filesystem, then start COMMAND in it\n"
        "          (default: " SC_CONTROL_MOUNT "/" SC_CONTROL_SOCKET ")\n"
        "          and pass SIGTERM on as signal N; with --process-one become COMMAND\n"
        "  exec    become COMMAND once the root filesystem is there\n"
        "  pause   keep a container's image on the node; ends on SIGTERM\n"
        "  copy    put this program at DESTINATION\n"
        "\n"
        "  --help, --version\n"
        "\n"
        "Exit code of run: the command's own; 128 + N when signal N ended it; 127 when it was\n"
        "not found, 126 when it could not be executed, 125 when it got no root filesystem.\n";

static int put(int fd, const char *text)
{
	return write(fd, text, strlen(text)) < 0 ? 1 : 0;
}

static int wrong_usage(void)
{
	(void)put(STDERR_FILENO, usage);
	return WRAPPER_EXIT_USAGE;
}

static int run_command(char **args)
{
	struct wrapper_opts opts = {SC_CONTROL_MOUNT "/" SC_CONTROL_SOCKET, SIGTERM, false, NULL};

	if (args[0] != NULL && strcmp(args[0], "--socket") == 0 && args[1] != NULL) {
		opts.socket_path = args[1];
		args += 2;
	}
	if (args[0] != NULL && strcmp(args[0], "--stop-signal") == 0 && args[1] != NULL) {
		const char *text = args[1];

		if (!proto_number(&text, &opts.stop_signal) || *text != '\0')
			return wrong_usage();
		args += 2;
	}
	if (args[0] != NULL && strcmp(args[0], "--process-one") == 0) {
		opts.process_one = true;
		args++;
	}
	if (args[0] == NULL || strcmp(args[0], "--") != 0 || args[1] == NULL)
		return wrong_usage();
	opts.argv = args + 1;
	return wrapper_run(&opts);
}

int main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "run") == 0)
		return run_command(argv + 2);
	if (argc >= 4 && strcmp(argv[1], "exec") == 0 && strcmp(argv[2], "--") == 0)
		return wrapper_exec(argv + 3);
	if (argc == 2 && strcmp(argv[1], "pause") == 0)
		return wrapper_pause();
	if (argc == 3 && strcmp(argv[1], "copy") == 0)
		return wrapper_copy(argv[2]);
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return put(STDOUT_FILENO, usage);
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return put(STDOUT_FILENO, "sc-wrapper " SC_VERSION "\n");
	return wrong_usage();
}
