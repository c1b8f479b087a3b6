/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume_dirs - opens and makes folders below another, and never leaves it by a link
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/openat2.h"
#include "local/runner/io/volume_private.h"

int volume_open_in(int root_fd, const char *path, uint64_t flags)
{
	return openat2_call(root_fd, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int volume_dirs_make(int root_fd, const char *path, mode_t mode, struct err *err)
{
	char part[VOLUME_PATH_BYTES_MAX];
	CLEANUP(fd_close_var) int at = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);

	while (at >= 0 && *path != '\0') {
		size_t len = strcspn(path, "/");
		int next;

		if (len == 0) {
			path++;
			continue;
		}
		if (len >= sizeof part || strncmp(path, "..", len) == 0)
			return err_set(err, ERR_INVALID, 0, "path \"%s\" is not allowed", path);
		(void)snprintf(part, sizeof part, "%.*s", (int)len, path);
		if (mkdirat(at, part, mode) == 0) {
			/* the umask does not count */
			if (fchmodat(at, part, mode, 0) < 0)
				return err_set(err, ERR_SYS, errno, "mode of %s", part);
		} else if (errno != EEXIST) {
			return err_set(err, ERR_SYS, errno, "make folder %s", part);
		}
		next = openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		(void)close(at);
		at = next;
		path += len;
	}
	return at < 0 ? err_set(err, ERR_SYS, errno, "make folder %s", path) : TAKE_FD(at);
}
