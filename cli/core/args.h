/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args - the command line of kubectl-sc, parsed into a struct
 *
 * Flags as kubectl takes them: "--flag value", "--flag=value", "-f value", "-fvalue", "-it" for
 * two without values, anywhere before "--", also before the verb where they are everybody's. What
 * is behind "--" is the command. Which flags a verb has is the table in flags.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/core/verbs.h"
#include "lib/base/err.h"

enum { ARGS_OPERANDS_MAX = 256, ARGS_LIST_MAX = 128 };

struct args_list {
	const char *items[ARGS_LIST_MAX];
	size_t count;
};

/* Strings are borrowed from argv; NULL: not given. */
struct args {
	enum verb verb;
	const char *operands[ARGS_OPERANDS_MAX];
	size_t operands_count;
	char **command; /* behind "--", NULL-terminated; NULL: there was none */
	bool help;
	/* everybody's */
	const char *ns;
	const char *kubeconfig;
	const char *context;
	bool all_namespaces;
	uint64_t request_timeout_ms; /* 0: the client's own */
	uint64_t verbosity;
	/* of some verbs; see the table */
	const char *output;
	const char *selector;
	bool watch;
	bool wait;
	uint64_t timeout_ms; /* 0: no end */
	const char *image;
	bool running;
	struct args_list env;
	struct args_list ports;
	const char *workdir;
	const char *idle_timeout;
	const char *dry_run;
	bool use_stdin;
	bool tty;
	bool start;
	const char *container;
	bool follow;
	bool previous;
	const char *tail;
	bool timestamps;
	const char *goal;
	bool yes;
	bool force;
	bool abandon;
};

/**
 * args_parse() - @argv[0] is the program, and argv ends with NULL
 * Return: 0; negative with err set (usage): what is wrong, and what to do.
 */
int args_parse(int argc, char **argv, struct args *ret_args, struct err *err);
