/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics_process - reads memory, processor time and descriptors of this process from /proc
 */
#include "lib/http/metrics_process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/fds.h"
#include "lib/base/log.h"
#include "lib/base/num.h"

DEFINE_CLEANUP(DIR *, closedir);

/* Fields of proc_pid_stat(5), counted from the one after the command's closing parenthesis. */
enum {
	STAT_UTIME = 11,
	STAT_STIME = 12,
	STAT_STARTTIME = 19,
	STAT_RSS = 21,
	STAT_FIELDS = 22,
};

struct process_stat {
	uint64_t field[STAT_FIELDS];
};

/* Return: 0, or -1 when the text is not what the kernel writes. */
static int process_stat_parse(char *text, struct process_stat *ret_stat)
{
	/* the command may hold spaces and parentheses: the last one ends it */
	char *rest = strrchr(text, ')');
	char *word;
	size_t i = 0;

	if (rest == NULL || rest[1] != ' ')
		return -1;
	rest += 2;
	while (i < STAT_FIELDS && (word = strsep(&rest, " ")) != NULL) {
		/* the state is a letter, some fields are negative: none of them is wanted */
		ret_stat->field[i] = 0;
		(void)num_parse_u64(word, 0, UINT64_MAX, &ret_stat->field[i], NULL);
		i++;
	}
	return i == STAT_FIELDS ? 0 : -1;
}

static int process_stat_read(struct process_stat *ret_stat)
{
	CLEANUP(fclose_var) FILE *f = fopen("/proc/self/stat", "re");
	char text[1024];
	size_t len;

	if (f == NULL)
		return -1;
	len = fread(text, 1, sizeof text - 1, f);
	text[len] = '\0';
	return process_stat_parse(text, ret_stat);
}

/* A µs and more for each: of many connections a pause that their clients would notice. */
static int process_read_fds(uint64_t *ret_count)
{
	CLEANUP(closedir_var) DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	uint64_t count = 0;

	if (dir == NULL)
		return -1;
	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	*ret_count = count - 1; /* but for the folder's own */
	return 0;
}

/* Linux 6.2 and newer tell the number as the folder's size; older ones say 0. */
static int process_count_fds(uint64_t *ret_count)
{
	struct stat st;

	if (stat("/proc/self/fd", &st) < 0 || st.st_size <= 0)
		return process_read_fds(ret_count);
	*ret_count = (uint64_t)st.st_size;
	return 0;
}

static double process_start_seconds(uint64_t start_ticks, double ticks_per_second)
{
	struct timespec wall;
	struct timespec boot;

	(void)clock_gettime(CLOCK_REALTIME, &wall);
	(void)clock_gettime(CLOCK_BOOTTIME, &boot);
	return (double)(wall.tv_sec - boot.tv_sec) + (double)(wall.tv_nsec - boot.tv_nsec) / 1e9 +
	       (double)start_ticks / ticks_per_second;
}

struct process_sample {
	const char *name;
	const char *type;
	const char *help;
	double value;
	bool known;
};

void metrics_process_write(void (*put)(void *arg, const char *text, size_t bytes), void *arg)
{
	struct process_stat st = {0};
	bool stat_known = process_stat_read(&st) == 0;
	uint64_t fds = 0;
	bool fds_known = process_count_fds(&fds) == 0;
	double ticks = (double)sysconf(_SC_CLK_TCK);
	const struct process_sample samples[] = {
	        {"process_cpu_seconds_total", "counter", "User and system CPU time.",
	         (double)(st.field[STAT_UTIME] + st.field[STAT_STIME]) / ticks, stat_known},
	        {"process_open_fds", "gauge", "Open file descriptors.", (double)fds, fds_known},
	        {"process_max_fds", "gauge", "Most descriptors that may be open.",
	         (double)fds_limit(), true},
	        {"sc_log_dropped_lines_total", "counter", "Lines of log that nobody took in time.",
	         (double)log_dropped_count(), true},
	        {"process_resident_memory_bytes", "gauge", "Resident memory.",
	         (double)(st.field[STAT_RSS] * (uint64_t)sysconf(_SC_PAGESIZE)), stat_known},
	        {"process_start_time_seconds", "gauge", "Start of the process since 1970.",
	         process_start_seconds(st.field[STAT_STARTTIME], ticks), stat_known},
	        {"sc_build_info{version=\"" SC_VERSION "\"}", "gauge", "The program's version.", 1,
	         true},
	};
	char line[512];

	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct process_sample *s = &samples[i];
		int name_len = (int)strcspn(s->name, "{");
		int len;

		if (!s->known)
			continue;
		len = snprintf(line, sizeof line, "# HELP %.*s %s\n# TYPE %.*s %s\n%s %.15g\n",
		               name_len, s->name, s->help, name_len, s->name, s->type, s->name,
		               s->value);
		put(arg, line, (size_t)len);
	}
}
