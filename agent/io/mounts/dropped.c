/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dropped - files that were given up: renamed now, removed later
 */
#include "agent/io/mounts/dropped.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "agent/io/mounts/files_mark.h"
#include "agent/io/mounts/fs.h"
#include "agent/io/mounts/proc.h"

enum { DROPPED_NAME_BYTES = 32 };

static const char DROPPED_PREFIX[] = "dropped-";

DEFINE_CLEANUP(DIR *, closedir);

static DIR *dropped_open(int dir_fd)
{
	int fd = fs_open_beneath(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, NULL);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL && fd >= 0)
		(void)close(fd);
	return dir;
}

/* Its name, or NULL: there is no other. */
static const char *dropped_next(DIR *dir)
{
	const struct dirent *e;

	while ((e = readdir(dir)) != NULL) {
		if (strncmp(e->d_name, DROPPED_PREFIX, sizeof DROPPED_PREFIX - 1) == 0)
			return e->d_name;
	}
	return NULL;
}

static unsigned dropped_count(int dir_fd)
{
	CLEANUP(closedir_var) DIR *dir = dropped_open(dir_fd);
	unsigned count = 0;

	while (dir != NULL && dropped_next(dir) != NULL)
		count++;
	return count;
}

bool dropped_has(int dir_fd)
{
	return dropped_count(dir_fd) > 0;
}

int dropped_put(int dir_fd, const char *name, struct err *err)
{
	char aside[DROPPED_NAME_BYTES];

	assert(dir_fd >= 0 && strchr(name, '/') == NULL);
	if (dropped_count(dir_fd) >= DROPPED_MAX)
		return 1;
	do {
		(void)snprintf(aside, sizeof aside, "%s%08" PRIx32, DROPPED_PREFIX, files_random());
		if (syscall(SYS_renameat2, dir_fd, name, dir_fd, aside, RENAME_NOREPLACE) == 0 ||
		    errno == ENOENT)
			return 0;
	} while (errno == EEXIST);
	/* immutable, a mount of its own, or a file system that can't */
	return errno == EIO || errno == EROFS ? err_set(err, ERR_SYS, errno, "drop %s", name) : 1;
}

int dropped_remove(void *place, void *data, struct err *err)
{
	CLEANUP(fd_close_var) int folder = rootfs_open(place, O_PATH, err);
	CLEANUP(closedir_var) DIR *dir = NULL;
	const char *name;
	int rc = 0;

	(void)data;
	if (folder < 0)
		return err->sys_errno == ENOENT ? 0 : -1;
	proc_lower_priority();
	dir = dropped_open(folder);
	if (dir == NULL)
		return err_set(err, ERR_SYS, errno, "read the folder");
	/* one that can't be removed does not keep the others */
	while ((name = dropped_next(dir)) != NULL) {
		if (fs_remove_tree(folder, name, err) < 0)
			rc = -1;
	}
	return rc;
}
