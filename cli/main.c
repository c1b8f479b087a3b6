/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubectl-sc - the kubectl plugin: "kubectl sc VERB"
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/core/check.h"
#include "cli/core/help.h"
#include "cli/core/lines.h"
#include "cli/io/print.h"

DEFINE_CLEANUP(struct session *, session_free);

/* clang-format off */
static int (*const commands[VERBS_COUNT])(struct session *s, struct err *err) = {
	[VERB_LIST] = cmd_list,
	[VERB_CREATE] = cmd_create,
	[VERB_STATUS] = cmd_status,
	[VERB_WHY] = cmd_why,
	[VERB_START] = cmd_start,
	[VERB_STOP] = cmd_stop,
	[VERB_EXEC] = cmd_exec,
	[VERB_LOGS] = cmd_logs,
	[VERB_CP] = cmd_cp,
	[VERB_URL] = cmd_url,
	[VERB_WAIT] = cmd_wait,
	[VERB_EVENTS] = cmd_events,
	[VERB_VERIFY] = cmd_verify,
	[VERB_RESET] = cmd_reset,
	[VERB_DELETE] = cmd_delete,
	[VERB_VERSION] = cmd_version,
};
/* clang-format on */

static int exit_code(enum err_code code)
{
	if (code == ERR_NOT_FOUND)
		return EXIT_NOT_FOUND;
	return code == ERR_TIMEOUT ? EXIT_TIMED_OUT : EXIT_FAILED;
}

/* Return: the exit code */
static int fail(struct err *err, int code)
{
	/* a reader that went away (list -w | head) is no news */
	if (err->code == ERR_SYS && err->sys_errno == EPIPE)
		return EXIT_FAILED;
	line_clean(err->text);
	fprintf(stderr, "error: %s\n", err->text);
	return code;
}

static int run(const struct args *args)
{
	CLEANUP(session_free_var) struct session *s = NULL;
	struct err err = {0};
	int r;

	if (args->verb == VERB_COMPLETION)
		return cmd_completion(args, &err) < 0 ? fail(&err, EXIT_FAILED) : EXIT_DONE;
	if (session_new(args, &s, &err) < 0)
		return fail(&err, EXIT_FAILED);
	r = commands[args->verb](s, &err);
	if (session_interrupted(s) != 0)
		return EXIT_SIGNAL + session_interrupted(s);
	return r < 0 ? fail(&err, exit_code(err.code)) : EXIT_DONE;
}

int main(int argc, char **argv)
{
	/* large: lists of operands; there is one for the whole run */
	static struct args args;
	struct err err = {0};

	(void)signal(SIGPIPE, SIG_IGN);
	if (argc >= 2 && strcmp(argv[1], "__complete") == 0)
		return cmd_complete(argc - 2, argv + 2);
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("kubectl-sc " SC_VERSION);
		return EXIT_DONE;
	}
	if (args_parse(argc, argv, &args, &err) < 0)
		return fail(&err, EXIT_USAGE);
	if (args.help)
		return print_lines(help_lines(args.verb), &err) < 0 ? fail(&err, EXIT_FAILED)
		                                                    : EXIT_DONE;
	if (args_check(&args, &err) < 0)
		return fail(&err, EXIT_USAGE);
	return run(&args);
}
