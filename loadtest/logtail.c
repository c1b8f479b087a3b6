/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logtail - what was added to a program's log since the last look
 */
#include "loadtest/logtail.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/num.h"

enum { LOGTAIL_LINE_BYTES = 4096 };

static FILE *logtail_open(const struct logtail *t, long *ret_bytes)
{
	FILE *f = t->path != NULL ? fopen(t->path, "re") : NULL;
	struct stat st;

	if (f != NULL && fstat(fileno(f), &st) < 0) {
		(void)fclose(f);
		return NULL;
	}
	if (f != NULL)
		*ret_bytes = (long)st.st_size;
	return f;
}

void logtail_skip(struct logtail *t)
{
	CLEANUP(fclose_var) FILE *f = logtail_open(t, &t->offset);

	(void)f;
}

static void logtail_line(const char *line, logtail_fn on_line, void *arg)
{
	const char *begin = strstr(line, "ts_ms=");
	char digits[24] = "";
	uint64_t wall_ms;
	size_t len;

	if (begin == NULL)
		return;
	len = strspn(begin + 6, "0123456789");
	if (len >= sizeof digits)
		return;
	memcpy(digits, begin + 6, len);
	if (num_parse_u64(digits, 0, UINT64_MAX / 1000, &wall_ms, NULL) == 0)
		on_line(arg, wall_ms, begin);
}

void logtail_read(struct logtail *t, logtail_fn on_line, void *arg)
{
	long bytes = 0;
	CLEANUP(fclose_var) FILE *f = logtail_open(t, &bytes);
	char line[LOGTAIL_LINE_BYTES];

	if (f == NULL)
		return;
	if (bytes < t->offset) /* it was begun anew meanwhile */
		t->offset = 0;
	if (fseek(f, t->offset, SEEK_SET) < 0)
		return;
	while (fgets(line, sizeof line, f) != NULL)
		logtail_line(line, on_line, arg);
	t->offset = ftell(f);
}
