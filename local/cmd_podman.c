/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc-local podman ARG… - podman on this engine's storage: build, load and list images
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/config.h"
#include "local/commands.h"
#include "local/io/engine.h"
#include "local/io/made.h"

DEFINE_CLEANUP(struct config *, config_free);

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
	int operands = argc, r = config_load(&program, argc, argv, &config, &operands, &err);

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
	/* the argument before the first operand is ours to overwrite: the command's own name or an
	 * option of ours */
	argv[operands - 1] = (char *)"podman";
	(void)execvp("podman", argv + operands - 1);
	fprintf(stderr, "sc-local: podman: %s\n", strerror(errno));
	return 127;
}
