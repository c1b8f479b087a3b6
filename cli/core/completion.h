/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion - what can come next on the command line, and the shells' scripts that ask
 *
 * The scripts call "kubectl-sc __complete WORD…", whose last word is the one at the cursor. The
 * answer is kubectl's: a candidate a line, its description behind a tab, and last ":" with a
 * number (a bit set of cobra's: 4 means "no file names").
 */
#pragma once

#include <jansson.h>

#include "cli/core/args.h"

enum completion_want {
	COMPLETION_LISTED, /* all is in the lines */
	COMPLETION_FILES,
	COMPLETION_NAMES,      /* of StoppableContainers: ask the server */
	COMPLETION_NAMESPACES, /* ask the server */
};

struct completion {
	enum completion_want want;
	const char *prefix; /* what candidates must begin with; borrowed */
	char suffix[2];     /* what is put behind a name from the server: ":" for cp */
	enum verb verb;     /* as far as known */
};

enum { COMPLETION_NO_FILES = 4, COMPLETION_NO_SPACE = 2 };

/** completion_find() - @words: NULL-terminated, at least one; @lines: candidates are appended */
void completion_find(int words_count, char **words, struct completion *ret_completion,
                     json_t *lines);
/** completion_fits() - is @candidate one that goes on from the prefix? */
bool completion_fits(const struct completion *c, const char *candidate);

/** completion_script() - of bash, zsh or fish; static */
const char *completion_script(const char *shell);
