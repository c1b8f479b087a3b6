/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally - processor time by program, between two moments
 */
#include "loadtest/tally.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/num.h"

enum { TALLY_LINE_BYTES = 1024 };

struct process {
	uint64_t pid;
	uint64_t started; /* a number may be used again */
	uint64_t ticks;
	char name[TALLY_NAME_BYTES];
};

struct tally {
	struct process *list;
	size_t count;
	size_t size;
};

DEFINE_CLEANUP(DIR *, closedir);
DEFINE_CLEANUP(struct tally *, tally_free);

/* Fields of proc_pid_stat(5), as counted there from 1; the name, which may hold anything, is the
 * second. */
enum { FIELD_STATE = 3, FIELD_UTIME = 14, FIELD_CSTIME = 17, FIELD_STARTTIME = 22 };

/* @rest: from FIELD_STATE on. Return: false when it is not as it should be */
static bool process_parse(char *rest, struct process *p)
{
	const char *word;
	uint64_t value;

	p->ticks = 0;
	for (int field = FIELD_STATE; field <= FIELD_STARTTIME; field++) {
		word = strsep(&rest, " ");
		if (word == NULL)
			return false;
		if (field != FIELD_STARTTIME && (field < FIELD_UTIME || field > FIELD_CSTIME))
			continue;
		if (num_parse_u64(word, 0, UINT64_MAX, &value, NULL) < 0)
			return false;
		if (field == FIELD_STARTTIME)
			p->started = value;
		else
			p->ticks += value;
	}
	return true;
}

/* Return: false when it is gone */
static bool process_read(const char *pid, struct process *ret_process)
{
	char path[64], line[TALLY_LINE_BYTES];
	CLEANUP(fclose_var) FILE *f = NULL;
	char *name, *rest;

	if (num_parse_u64(pid, 1, INT_MAX, &ret_process->pid, NULL) < 0)
		return false;
	(void)snprintf(path, sizeof path, "/proc/%.32s/stat", pid);
	f = fopen(path, "re");
	if (f == NULL || fgets(line, sizeof line, f) == NULL)
		return false;
	name = strchr(line, '(');
	rest = strrchr(line, ')');
	if (name == NULL || rest == NULL || rest[1] != ' ')
		return false;
	*rest = '\0';
	(void)snprintf(ret_process->name, sizeof ret_process->name, "%s", name + 1);
	return process_parse(rest + 2, ret_process);
}

static int tally_add(struct tally *t, const struct process *p, struct err *err)
{
	if (t->count == t->size) {
		size_t size = t->size > 0 ? 2 * t->size : 256;
		struct process *longer = reallocarray(t->list, size, sizeof *longer);

		if (longer == NULL)
			return err_set(err, ERR_NOMEM, 0, "processes");
		t->list = longer;
		t->size = size;
	}
	t->list[t->count++] = *p;
	return 0;
}

int tally_begin(struct tally **ret_tally, struct err *err)
{
	CLEANUP(tally_free_var) struct tally *t = calloc(1, sizeof *t);
	CLEANUP(closedir_var) DIR *dir = opendir("/proc");
	const struct dirent *entry;
	struct process p;

	if (t == NULL)
		return err_set(err, ERR_NOMEM, 0, "processes");
	if (dir == NULL)
		return err_set(err, ERR_SYS, errno, "/proc");
	while ((entry = readdir(dir)) != NULL) {
		if (process_read(entry->d_name, &p) && tally_add(t, &p, err) < 0)
			return -1;
	}
	*ret_tally = TAKE_PTR(t);
	return 0;
}

static uint64_t tally_ticks(const struct tally *t, const struct process *p)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->list[i].pid == p->pid && t->list[i].started == p->started)
			return t->list[i].ticks;
	}
	return 0;
}

static void use_add(struct tally_use *use, const char *name, uint64_t ms)
{
	unsigned i = 0;

	while (i < use->count && strcmp(use->programs[i].name, name) != 0)
		i++;
	if (i == TALLY_PROGRAMS_MAX)
		return;
	if (i == use->count)
		(void)snprintf(use->programs[use->count++].name, TALLY_NAME_BYTES, "%s", name);
	use->programs[i].ms += ms;
}

int tally_end(const struct tally *begun, struct tally_use *use, struct err *err)
{
	const uint64_t tick_ms = 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
	CLEANUP(tally_free_var) struct tally *now = NULL;

	if (tally_begin(&now, err) < 0)
		return -1;
	for (size_t i = 0; i < now->count; i++) {
		const struct process *p = &now->list[i];
		uint64_t before = tally_ticks(begun, p);

		if (p->ticks > before)
			use_add(use, p->name, (p->ticks - before) * tick_ms);
	}
	return 0;
}

void tally_free(struct tally *t)
{
	if (t == NULL)
		return;
	free(t->list);
	free(t);
}

uint64_t tally_ms(const struct tally_use *use, const char *name)
{
	for (unsigned i = 0; i < use->count; i++) {
		if (strcmp(use->programs[i].name, name) == 0)
			return use->programs[i].ms;
	}
	return 0;
}

static int by_use(const void *a, const void *b)
{
	const struct tally_program *x = a, *y = b;

	return (x->ms < y->ms) - (x->ms > y->ms);
}

static void print_row(const char *name, uint64_t first_ms, unsigned first_runs, uint64_t second_ms,
                      unsigned second_runs)
{
	(void)printf("%-18s %8.0f %8.0f\n", name, (double)first_ms / first_runs,
	             (double)second_ms / second_runs);
}

void tally_print(const struct tally_use *first, unsigned first_runs, const struct tally_use *second,
                 unsigned second_runs)
{
	struct tally_use rows = *second;
	uint64_t first_ms = 0, second_ms = 0, first_small_ms = 0, second_small_ms = 0;

	for (unsigned i = 0; i < first->count; i++)
		use_add(&rows, first->programs[i].name, 0);
	qsort(rows.programs, rows.count, sizeof rows.programs[0], by_use);
	for (unsigned i = 0; i < rows.count; i++) {
		const char *name = rows.programs[i].name;
		uint64_t a_ms = tally_ms(first, name), b_ms = rows.programs[i].ms;

		first_ms += a_ms;
		second_ms += b_ms;
		if (a_ms < TALLY_ROW_MS * first_runs && b_ms < TALLY_ROW_MS * second_runs) {
			first_small_ms += a_ms;
			second_small_ms += b_ms;
			continue;
		}
		print_row(name, a_ms, first_runs, b_ms, second_runs);
	}
	print_row("others", first_small_ms, first_runs, second_small_ms, second_runs);
	print_row("all", first_ms, first_runs, second_ms, second_runs);
}
