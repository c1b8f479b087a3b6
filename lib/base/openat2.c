/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openat2 - the system call itself
 */
#include "lib/base/openat2.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OPENAT2_TRIES_MAX = 1000 };

int openat2_call(int dir_fd, const char *path, uint64_t flags, uint64_t resolve)
{
	const struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
	int fd = -1;

	for (unsigned i = 0; i < OPENAT2_TRIES_MAX; i++) {
		fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd;
}
