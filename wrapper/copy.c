/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy - `sc-wrapper copy`: this program put into a folder, for a container to start it from
 */
#include "wrapper/wrapper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static int copy_failed(const char *path)
{
	wrapper_say(path, strerror(errno));
	return 1;
}

/* Return: 0, or -1 with errno. */
static int copy_bytes(int from, int to)
{
	ssize_t n;

	do
		n = sendfile(to, from, NULL, 1 << 20);
	while (n > 0);
	return n < 0 || fchmod(to, 0755) < 0 ? -1 : 0;
}

int wrapper_copy(const char *dest)
{
	static const char suffix[] = ".new";
	char temp[PATH_MAX];
	size_t len = strlen(dest);
	int from;
	int to;

	if (len + sizeof suffix > sizeof temp) {
		errno = ENAMETOOLONG;
		return copy_failed(dest);
	}
	memcpy(temp, dest, len);
	memcpy(temp + len, suffix, sizeof suffix);
	from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return copy_failed("/proc/self/exe");
	/* one left by a copy that was interrupted */
	if (unlink(temp) < 0 && errno != ENOENT)
		return copy_failed(temp);
	to = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0700);
	if (to < 0)
		return copy_failed(temp);
	if (copy_bytes(from, to) < 0 || close(to) < 0 || rename(temp, dest) < 0) {
		(void)copy_failed(dest);
		(void)unlink(temp);
		return 1;
	}
	return 0;
}
