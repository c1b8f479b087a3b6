/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config - one table of options per program: YAML file, environment and flags
 *
 * Precedence, lowest first: the table's default, --config FILE, environment, flag. Each option
 * "hold-timeout" is the YAML path "holdTimeout" (dots nest: "hold.timeout" is flag
 * --hold-timeout, variable SC_HOLD_TIMEOUT, YAML hold: {timeout: 60s}). An unknown key, a wrong
 * type or a value out of bounds is an error that names file, line, key and what is wanted.
 * --help (generated from the table), --version and --config are there for every program, and so
 * are --log-level and --log-format.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

enum config_kind {
	CONFIG_STR,      /* const char *, owned by the config */
	CONFIG_U64,      /* uint64_t, within min..max */
	CONFIG_BOOL,     /* bool; "--x" alone means true */
	CONFIG_DURATION, /* uint64_t milliseconds within min..max; Go duration text */
	CONFIG_SIZE,     /* uint64_t bytes; Kubernetes quantity text */
	CONFIG_LIST,     /* const char **, NULL-terminated; flag repeatable, environment by comma */
};

struct config_option {
	const char *path; /* "hold.timeout": camelCase words, dots nest */
	enum config_kind kind;
	void *value;              /* where it goes */
	const char *default_text; /* NULL: NULL, 0, false or empty */
	uint64_t min;
	uint64_t max;     /* 0: no bound */
	const char *help; /* one line; says the unit */
};

struct config_program {
	const char *name;     /* "sc-activator" */
	const char *synopsis; /* one line for --help */
	const struct config_option *options;
	size_t options_count;
	/* Names of positional arguments for --help ("COMMAND [ARG…]"), or NULL: none are allowed.
	 */
	const char *operands;
};

struct config;

/**
 * config_load() - read everything, set up the log, and write the values
 * @ret_config: owns every string that the options point to; keep it as long as the program runs
 *
 * Return: 0; 1 when --help or --version was printed and the program should end with exit code 0;
 * negative with err set (print it and exit 2).
 */
int config_load(const struct config_program *program, int argc, char **argv,
                struct config **ret_config, struct err *err);
/** config_operands() - the first positional argument's index in argv (argc when there is none) */
int config_operands(const struct config *config);
void config_free(struct config *config);
