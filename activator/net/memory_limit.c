/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_limit - reads from /proc and /sys/fs/cgroup how much memory this process may have
 */
#include "activator/net/memory_limit.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/num.h"

enum { PATH_BYTES = 1024 };

/* "max", no such file, or what v1 says for none (all bits up to a page): no limit here. */
static size_t limit_in(const char *folder, const char *file, size_t limit)
{
	char path[PATH_BYTES + 64];
	char text[32] = "";
	uint64_t bytes;
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", folder, file);
	f = fopen(path, "re");
	if (f == NULL)
		return limit;
	if (fgets(text, sizeof text, f) != NULL)
		text[strcspn(text, "\n")] = '\0';
	(void)fclose(f);
	if (num_parse_u64(text, 1, SIZE_MAX / 2, &bytes, NULL) < 0 ||
	    bytes >= memory_of_machine() || (limit > 0 && bytes >= limit))
		return limit;
	return (size_t)bytes;
}

/* Without a namespace of cgroups the path may be one of the host's, which is not there: then what
   counts is the root of what is mounted. */
static size_t limit_along(const char *mount, const char *path, const char *file)
{
	char folder[PATH_BYTES];
	size_t limit = 0;
	int n = snprintf(folder, sizeof folder, "%s%s", mount, path);

	if (n < 0 || (size_t)n >= sizeof folder)
		return 0;
	for (;;) {
		char *slash = strrchr(folder, '/');

		limit = limit_in(folder, file, limit);
		if (slash == NULL || (size_t)(slash - folder) < strlen(mount))
			return limit;
		*slash = '\0';
	}
}

/* Lines of cgroups(7): "0::/path" of v2, "N:memory:/path" of v1. */
size_t memory_limit_of_cgroup(void)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[PATH_BYTES];
	size_t limit = 0;

	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		const char *path = strchr(line, '/');
		size_t found = 0;

		line[strcspn(line, "\n")] = '\0';
		if (path != NULL && strncmp(line, "0::", 3) == 0)
			found = limit_along("/sys/fs/cgroup", path, "memory.max");
		else if (path != NULL && strstr(line, ":memory:") != NULL)
			found = limit_along("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes");
		if (found > 0 && (limit == 0 || found < limit))
			limit = found;
	}
	if (f != NULL)
		(void)fclose(f);
	return limit;
}

size_t memory_of_machine(void)
{
	long pages = sysconf(_SC_PHYS_PAGES);
	long page = sysconf(_SC_PAGESIZE);

	return pages > 0 && page > 0 ? (size_t)pages * (size_t)page : SIZE_MAX;
}
