/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync - brings what Podman wrote to the disk
 */
#include "local/runner/io/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"

int sync_now(const char *dir, struct err *err)
{
	CLEANUP(fd_close_var) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || syncfs(fd) < 0)
		return err_set(err, ERR_SYS, errno, "sync %s", dir);
	return 0;
}

static _Noreturn void sync_child(const char *dir, const char *mark)
{
	struct err err;

	if (fork() != 0)
		_exit(0);
	if (sync_now(dir, &err) < 0)
		log_event(LOG_WARN, "sync.failed", log_err(&err));
	else
		(void)unlink(mark);
	_exit(0);
}

/* The child of a child is nobody's to wait for. */
void sync_apart(const char *dir, const char *mark)
{
	pid_t pid = fork();

	if (pid == 0)
		sync_child(dir, mark);
	if (pid < 0)
		log_event(LOG_WARN, "sync.failed", log_str("dir", dir), log_i64("errno", errno));
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
