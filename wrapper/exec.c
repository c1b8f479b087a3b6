/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec - `sc-wrapper exec`: a command of a probe or hook, once the root filesystem is there
 */
#include "wrapper/wrapper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The root is still the wrapper's own image: pivot_root(2) takes processes of the old one along. */
static bool exec_has_to_wait(void)
{
	struct stat own;
	struct stat there;

	return stat("/proc/self/exe", &own) == 0 && stat("/sc-wrapper", &there) == 0 &&
	       own.st_dev == there.st_dev && own.st_ino == there.st_ino;
}

int wrapper_exec(char **argv)
{
	/* readable at each change of the mounts, proc(5), also of those since it was opened */
	struct pollfd mounts = {open("/proc/self/mounts", O_RDONLY | O_CLOEXEC), POLLPRI, 0};
	char cwd[PATH_MAX];

	if (mounts.fd < 0 || getcwd(cwd, sizeof cwd) == NULL) {
		wrapper_say("/proc/self", strerror(errno));
		return WRAPPER_EXIT_REFUSED;
	}
	while (exec_has_to_wait())
		(void)poll(&mounts, 1, -1);
	if (chdir(cwd) == 0)
		(void)execvp(argv[0], argv);
	wrapper_say(argv[0], strerror(errno));
	return errno == ENOENT ? WRAPPER_EXIT_NOT_FOUND : WRAPPER_EXIT_CANNOT_EXECUTE;
}
