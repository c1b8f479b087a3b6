/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-local - the embedded engine: a Kubernetes-compatible API and a Pod runner on one machine
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "local/commands.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

/* clang-format off */
static const struct command commands[] = {
	{ "up",         cmd_up,         "start the engine and all programs, and keep them running" },
	{ "down",       cmd_down,       "end the engine" },
	{ "status",     cmd_status,     "show the engine's programs" },
	{ "podman",     cmd_podman,     "podman on this engine's storage" },
	{ "serve",      cmd_serve,      "answer the Kubernetes API and run Pods" },
	{ "kubeconfig", cmd_kubeconfig, "print the kubeconfig, or the path of its file" },
};
/* clang-format on */

static void usage(FILE *to)
{
	fputs("Usage: sc-local COMMAND [OPTION…]\n\nCommands:\n", to);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(to, "  %-11s %s\n", commands[i].name, commands[i].help);
	fputs("\n\"sc-local COMMAND --help\" tells the options of one.\n", to);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		usage(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("sc-local " SC_VERSION);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "sc-local: unknown command \"%s\"; \"sc-local --help\" lists them\n",
	        argv[1]);
	return 2;
}
