/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount_point - mount points in a tree that its user has written
 *
 * As runtimes do, a dangling link is followed and what it names is made, inside the tree: images
 * of whole systems have such links at /etc/resolv.conf.
 *
 * What is made stays in the tree and carries a mark, an attribute that only an administrator of the
 * machine sees. So a later template may want the other type there: ours goes while it is empty.
 */
#include "agent/io/mounts/fs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "agent/core/pause.h"

enum { MOUNT_POINT_LINKS_MAX = 16 };

static const char mount_point_mark[] = "trusted.stoppablecontainer.mount-point";

struct walk {
	int root_fd;
	bool directory;
	unsigned links;      /* followed so far */
	char path[PATH_MAX]; /* relative; links are replaced as they are met */
	char done[PATH_MAX]; /* the part that exists */
};

static int walk_bad(const struct walk *w, const char *why, struct err *err)
{
	return err_set(err, ERR_INVALID, 0, "mount point /%s: %s", w->path, why);
}

/* That something could not be opened is no fault of the tree when we are short of something. */
static int walk_stopped(const struct walk *w, const char *why, int sys_errno, struct err *err)
{
	if (pause_helps_with(sys_errno))
		return err_set(err, ERR_SYS, sys_errno, "mount point /%s", w->path);
	return walk_bad(w, why, err);
}

/* @name in @parent_fd dangles: go on with what it names. @rest begins with '/' or is "". */
static int walk_follow(struct walk *w, int parent_fd, const char *name, const char *rest,
                       struct err *err)
{
	char target[PATH_MAX];
	char path[PATH_MAX];
	ssize_t n = readlinkat(parent_fd, name, target, sizeof target - 1);
	int len;

	if (n < 0)
		return walk_bad(w, "not a folder", err);
	target[n] = '\0';
	if (++w->links > MOUNT_POINT_LINKS_MAX)
		return walk_bad(w, "too many symbolic links", err);
	len = target[0] == '/' ? snprintf(path, sizeof path, "%s%s", target, rest)
	                       : snprintf(path, sizeof path, "%s/%s%s", w->done, target, rest);
	if (len < 0 || (size_t)len >= sizeof path)
		return walk_bad(w, "too long", err);
	memcpy(w->path, path, sizeof path);
	return 1;
}

/* A descriptor without a file open behind it takes attributes only by its name. */
static const char *walk_fd_path(int fd, char path[32])
{
	(void)snprintf(path, 32, "/proc/self/fd/%d", fd);
	return path;
}

/* A file system that takes no marks only loses what they are for. */
static void walk_mark(int parent_fd, const char *name)
{
	CLEANUP(fd_close_var) int fd = openat(parent_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char path[32];

	if (fd >= 0)
		(void)setxattr(walk_fd_path(fd, path), mount_point_mark, "", 0, 0);
}

/* Return: 0 made; 1 a link was followed: walk again; negative err. */
static int walk_make(struct walk *w, const char *name, const char *rest, struct err *err)
{
	bool directory = w->directory || rest[strspn(rest, "/")] != '\0';
	CLEANUP(fd_close_var)
	int parent = fs_open_in_root(w->root_fd, w->done[0] != '\0' ? w->done : ".",
	                             O_PATH | O_DIRECTORY, err);
	int rc;

	if (parent < 0)
		return walk_stopped(w, "not a folder", errno, err);
	rc = directory ? mkdirat(parent, name, 0755) : mknodat(parent, name, S_IFREG | 0644, 0);
	if (rc == 0) {
		walk_mark(parent, name);
		return 0;
	}
	if (errno == EEXIST)
		return walk_follow(w, parent, name, rest, err);
	return err_set(err, ERR_SYS, errno, "mount point /%s", w->path);
}

/* Walk the path once. Return: as walk_make(). */
static int walk_once(struct walk *w, struct err *err)
{
	const char *at = w->path;

	w->done[0] = '\0';
	while (*(at += strspn(at, "/")) != '\0') {
		char name[NAME_MAX + 1];
		char next[PATH_MAX];
		size_t len = strcspn(at, "/");
		int fd;
		int rc;

		if (len >= sizeof name)
			return walk_bad(w, "too long", err);
		memcpy(name, at, len);
		name[len] = '\0';
		at += len;
		rc = snprintf(next, sizeof next, "%s%s%s", w->done, w->done[0] ? "/" : "", name);
		if (rc < 0 || (size_t)rc >= sizeof next)
			return walk_bad(w, "too long", err);
		fd = fs_open_in_root(w->root_fd, next, O_PATH, NULL);
		if (fd >= 0)
			(void)close(fd);
		else if (errno != ENOENT)
			return walk_stopped(w, strerror(errno), errno, err);
		else if ((rc = walk_make(w, name, at, err)) != 0)
			return rc;
		memcpy(w->done, next, sizeof next);
	}
	return 0;
}

/* @fd is ours and of the wrong type. Return: true when it was empty, and is gone. */
static bool walk_remove_leftover(const struct walk *w, int fd, const struct stat *st)
{
	char parent_path[PATH_MAX];
	char path[32];
	CLEANUP(fd_close_var) int parent = -1;
	CLEANUP(fd_close_var) int again = -1;
	const char *name = strrchr(w->done, '/');
	bool is_empty_file = S_ISREG(st->st_mode) && st->st_size == 0;

	if (getxattr(walk_fd_path(fd, path), mount_point_mark, NULL, 0) < 0 ||
	    !(S_ISDIR(st->st_mode) || is_empty_file))
		return false;
	(void)snprintf(parent_path, sizeof parent_path, "%.*s",
	               name != NULL ? (int)(name - w->done) : 1, name != NULL ? w->done : ".");
	name = name != NULL ? name + 1 : w->done;
	parent = fs_open_in_root(w->root_fd, parent_path, O_PATH | O_DIRECTORY, NULL);
	again = parent >= 0 ? openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
	/* a link that leads to it is not it */
	return again >= 0 && fs_is_same(again, fd) &&
	       unlinkat(parent, name, S_ISDIR(st->st_mode) ? AT_REMOVEDIR : 0) == 0;
}

static int walk_to_end(struct walk *w, int *ret_fd, struct stat *ret_st, struct err *err)
{
	CLEANUP(fd_close_var) int fd = -1;
	int rc;

	do
		rc = walk_once(w, err);
	while (rc > 0);
	if (rc < 0)
		return -1;
	fd = fs_open_in_root(w->root_fd, w->path[0] != '\0' ? w->path : ".", O_PATH, err);
	if (fd < 0 || fstat(fd, ret_st) < 0)
		return walk_stopped(w, "cannot be opened", errno, err);
	if (fs_is_same(fd, w->root_fd))
		return walk_bad(w, "leads to the root of the file system", err);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int fs_mount_point(int root_fd, const char *path, bool directory, int *ret_fd, struct err *err)
{
	struct walk w = {.root_fd = root_fd, .directory = directory};
	CLEANUP(fd_close_var) int fd = -1;
	struct stat st;

	assert(root_fd >= 0);
	if (strlen(path) >= sizeof w.path)
		return err_set(err, ERR_INVALID, 0, "mount point: path too long");
	(void)snprintf(w.path, sizeof w.path, "%s", path + strspn(path, "/"));
	if (walk_to_end(&w, &fd, &st, err) < 0)
		return -1;
	if (directory != (S_ISDIR(st.st_mode) != 0) && walk_remove_leftover(&w, fd, &st)) {
		(void)close(TAKE_FD(fd));
		if (walk_to_end(&w, &fd, &st, err) < 0)
			return -1;
	}
	if (directory != (S_ISDIR(st.st_mode) != 0))
		return walk_bad(&w,
		                directory ? "a file is there, and a folder is to be mounted: take "
		                            "the mount out, start, and delete or move the file"
		                          : "a folder is there, and a file is to be mounted: take "
		                            "the mount out, start, and delete or move the folder",
		                err);
	*ret_fd = TAKE_FD(fd);
	return 0;
}
