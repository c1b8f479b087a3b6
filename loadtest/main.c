/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-loadtest - measures the whole from outside
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "loadtest/commands.h"

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} commands[] = {{"hostile", cmd_hostile}, {"pods", cmd_pods}, {"scale", cmd_scale},
	                {"siege", cmd_siege},     {"wake", cmd_wake}, {"warm", cmd_warm}};

	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(commands); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	if (argc > 1 && strcmp(argv[1], "--version") == 0)
		return printf("sc-loadtest %s\n", SC_VERSION) < 0;
	(void)fprintf(argc > 1 && strcmp(argv[1], "--help") == 0 ? stdout : stderr,
	              "usage: sc-loadtest COMMAND [OPTION…]\n\n"
	              "  hostile  one connection at full speed, and regular requests beside it\n"
	              "  pods   the same on a cluster, beside bare Pods\n"
	              "  scale  one wake among many sleepers, and among few\n"
	              "  siege  connections of the worst kinds, and a neighbour beside them\n"
	              "  wake   how long a request takes that wakes a container, by stage\n"
	              "  warm   what a request costs that passes through, or waits\n"
	              "\nEach has --help.\n");
	return argc > 1 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
}
