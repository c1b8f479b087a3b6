/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meter - what a process has used, as the kernel counts it
 */
#include "loadtest/meter.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "lib/base/num.h"

enum { METER_LINE_BYTES = 256 };

DEFINE_CLEANUP(DIR *, closedir);

/* The first number of @text. */
static int meter_number(char *text, uint64_t *ret_number, struct err *err)
{
	while (isspace((unsigned char)*text))
		text++;
	text[strspn(text, "0123456789")] = '\0';
	return num_parse_u64(text, 0, UINT64_MAX, ret_number, err);
}

static int meter_thread_ns(pid_t pid, const char *thread, uint64_t *ret_ns, struct err *err)
{
	char path[64 + NAME_MAX], line[METER_LINE_BYTES];
	CLEANUP(fclose_var) FILE *f = NULL;

	(void)snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid, thread);
	f = fopen(path, "re");
	if (f == NULL || fgets(line, sizeof line, f) == NULL)
		return err_set(err, ERR_SYS, errno, "read %s", path);
	return meter_number(line, ret_ns, err);
}

int meter_cpu_ns(pid_t pid, uint64_t *ret_ns, struct err *err)
{
	char path[64];
	CLEANUP(closedir_var) DIR *dir = NULL;
	struct dirent *entry;
	uint64_t sum_ns = 0, ns;

	(void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (dir == NULL)
		return err_set(err, ERR_SYS, errno, "process %d", (int)pid);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (meter_thread_ns(pid, entry->d_name, &ns, err) < 0)
			return -1;
		sum_ns += ns;
	}
	*ret_ns = sum_ns;
	return 0;
}

/* @field: of /proc/PID/status, with its colon */
static int meter_status_kib(pid_t pid, const char *field, uint64_t *ret_kib, struct err *err)
{
	char path[64], line[METER_LINE_BYTES];
	size_t bytes = strlen(field);
	CLEANUP(fclose_var) FILE *f = NULL;

	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		if (strncmp(line, field, bytes) == 0)
			return meter_number(line + bytes, ret_kib, err);
	}
	return err_set(err, ERR_SYS, errno, "memory of process %d", (int)pid);
}

int meter_rss_kib(pid_t pid, uint64_t *ret_kib, struct err *err)
{
	return meter_status_kib(pid, "VmRSS:", ret_kib, err);
}

int meter_anon_kib(pid_t pid, uint64_t *ret_kib, struct err *err)
{
	return meter_status_kib(pid, "RssAnon:", ret_kib, err);
}
