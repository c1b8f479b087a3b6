/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-local kubeconfig - print the kubeconfig that `sc-local serve` wrote
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/config/config.h"
#include "local/commands.h"

DEFINE_CLEANUP(struct config *, config_free);

static int print_file(const char *path)
{
	CLEANUP(fclose_var) FILE *f = fopen(path, "re");
	char buf[4096];
	size_t n;

	if (f == NULL) {
		fprintf(stderr, "sc-local: %s: %s%s\n", path, strerror(errno),
		        errno == ENOENT ? "; \"sc-local serve\" writes it when it listens" : "");
		return 1;
	}
	while ((n = fread(buf, 1, sizeof buf, f)) > 0)
		(void)fwrite(buf, 1, n, stdout);
	return ferror(f) || fflush(stdout) != 0 ? 1 : 0;
}

int cmd_kubeconfig(int argc, char **argv)
{
	struct {
		const char *state_dir;
		bool path_only;
	} opts = {0};
	const struct config_option options[] = {
	        {"stateDir", CONFIG_STR, &opts.state_dir, "/var/lib/sc-local", 0, 0,
	         "folder of the engine's state"},
	        {"path", CONFIG_BOOL, &opts.path_only, NULL, 0, 0,
	         "print the path of the file instead of what is in it"},
	};
	const struct config_program program = {
	        .name = "sc-local kubeconfig",
	        .synopsis = "Print the kubeconfig of the embedded engine.",
	        .options = options,
	        .options_count = ARRAY_LEN(options),
	};
	CLEANUP(config_free_var) struct config *config = NULL;
	struct err err = {0};
	char path[PATH_MAX];
	int loaded = config_load(&program, argc, argv, &config, &err);

	if (loaded != 0) {
		if (loaded < 0)
			fprintf(stderr, "sc-local: %s\n", err.text);
		return loaded < 0 ? 2 : 0;
	}
	(void)snprintf(path, sizeof path, "%s/kubeconfig", opts.state_dir);
	if (opts.path_only) {
		puts(path);
		return 0;
	}
	return print_file(path);
}
