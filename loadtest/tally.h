/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally - processor time by program, between two moments
 *
 * Of each process in /proc its own time and that of its children that were waited for
 * (/proc/PID/stat, proc_pid_stat(5)), summed up by its name: runc's is among its shim's.
 */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"

enum { TALLY_NAME_BYTES = 16, TALLY_PROGRAMS_MAX = 64, TALLY_ROW_MS = 5 };

struct tally;

struct tally_program {
	char name[TALLY_NAME_BYTES];
	uint64_t ms;
};

struct tally_use {
	struct tally_program programs[TALLY_PROGRAMS_MAX];
	unsigned count;
};

/** tally_begin() - notes what every process has used; to be freed with tally_free() */
int tally_begin(struct tally **ret_tally, struct err *err);
/** tally_end() - adds to @use what was used since then; what a process used that is gone, and that
 *  nobody waited for, is lost */
int tally_end(const struct tally *begun, struct tally_use *use, struct err *err);
void tally_free(struct tally *t);

/** tally_ms() - of that program; 0: it used none */
uint64_t tally_ms(const struct tally_use *use, const char *name);
/** tally_print() - both, each by its number of runs, the programs with most of @second first; those
 *  with less than TALLY_ROW_MS a run in both as one row */
void tally_print(const struct tally_use *first, unsigned first_runs, const struct tally_use *second,
                 unsigned second_runs);
