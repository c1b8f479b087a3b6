/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs - opens, reads, writes and removes files by descriptor, where a path may be hostile
 */
#include "agent/io/mounts/fs.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "lib/base/clk.h"
#include "lib/base/openat2.h"

/* A descriptor each; the folders of an image are never so deep. */
enum { FS_IN_PLACE_DEPTH_MAX = 64 };

DEFINE_CLEANUP(DIR *, closedir);

int fs_open_beneath(int dir_fd, const char *path, int flags, struct err *err)
{
	int fd = openat2_call(dir_fd, path, (unsigned)flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);

	return fd >= 0 ? fd : err_set(err, ERR_SYS, errno, "open %s", path);
}

int fs_open_in_root(int root_fd, const char *path, int flags, struct err *err)
{
	int fd = openat2_call(root_fd, path, (unsigned)flags,
	                      RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);

	return fd >= 0 ? fd : err_set(err, ERR_SYS, errno, "open %s", path);
}

bool fs_is_same(int a_fd, int b_fd)
{
	struct stat a;
	struct stat b;

	return fstat(a_fd, &a) == 0 && fstat(b_fd, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

int fs_make_dirs(int dir_fd, const char *path, mode_t mode, struct err *err)
{
	char part[PATH_MAX];
	int fd = -1;

	if (strlen(path) >= sizeof part)
		return err_set(err, ERR_SYS, ENAMETOOLONG, "make %s", path);
	for (const char *end = path; fd < 0 || *end != '\0';) {
		end += strspn(end, "/");
		end += strcspn(end, "/");
		memcpy(part, path, (size_t)(end - path));
		part[end - path] = '\0';
		if (mkdirat(fd >= 0 ? fd : dir_fd, fd >= 0 ? strrchr(part, '/') + 1 : part, mode) <
		            0 &&
		    errno != EEXIST) {
			(void)err_set(err, ERR_SYS, errno, "make %s", part);
			if (fd >= 0)
				(void)close(fd);
			return -1;
		}
		if (fd >= 0)
			(void)close(fd);
		fd = fs_open_beneath(dir_fd, part, O_PATH | O_DIRECTORY, err);
		if (fd < 0)
			return -1;
	}
	return fd;
}

static int fs_write_all(int fd, const char *text, size_t bytes)
{
	while (bytes > 0) {
		ssize_t n = write(fd, text, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		text += n;
		bytes -= (size_t)n;
	}
	return fsync(fd);
}

/* One entry of a folder, and no path that leads anywhere else. */
static bool fs_is_entry(const char *name)
{
	return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

int fs_write_file(int dir_fd, const char *name, const char *text, size_t bytes, struct err *err)
{
	CLEANUP(fd_close_var) int fd = -1;
	CLEANUP(fd_close_var) int dir = -1;
	char temp[NAME_MAX + 1];

	assert(fs_is_entry(name));
	(void)snprintf(temp, sizeof temp, "%s.new", name);
	fd = fs_open_beneath(dir_fd, ".", O_RDONLY | O_DIRECTORY, err);
	if (fd < 0)
		return -1;
	dir = TAKE_FD(fd);
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fs_write_all(fd, text, bytes) < 0 || renameat(dir, temp, dir, name) < 0 ||
	    fsync(dir) < 0) {
		(void)err_set(err, ERR_SYS, errno, "write %s", name);
		(void)unlinkat(dir, temp, 0);
		return -1;
	}
	return 0;
}

/* O_NONBLOCK: a FIFO in the user's tree must not hold us up. */
enum { FS_READ_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY };

/* @path: for the error's text */
static int fs_read_all(int fd, const char *path, size_t bytes_max, char **ret_text, struct err *err)
{
	CLEANUP(free_var) char *text = NULL;
	struct stat st;
	size_t have = 0;
	ssize_t n;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, 0, "%s: not a regular file", path);
	text = malloc(bytes_max + 1);
	if (text == NULL)
		return err_set(err, ERR_NOMEM, 0, "read %s", path);
	do {
		n = read(fd, text + have, bytes_max + 1 - have);
		if (n < 0)
			return err_set(err, ERR_SYS, errno, "read %s", path);
		have += (size_t)n;
	} while (n > 0 && have <= bytes_max);
	if (have > bytes_max)
		return err_set(err, ERR_INVALID, 0, "%s: more than %zu bytes", path, bytes_max);
	text[have] = '\0';
	*ret_text = TAKE_PTR(text);
	return 0;
}

int fs_read_file(int dir_fd, const char *path, size_t bytes_max, char **ret_text, struct err *err)
{
	CLEANUP(fd_close_var) int fd = fs_open_beneath(dir_fd, path, FS_READ_FLAGS, err);

	return fd < 0 ? -1 : fs_read_all(fd, path, bytes_max, ret_text, err);
}

int fs_read_file_in_root(int root_fd, const char *path, size_t bytes_max, char **ret_text,
                         struct err *err)
{
	CLEANUP(fd_close_var) int fd = fs_open_in_root(root_fd, path, FS_READ_FLAGS, err);

	return fd < 0 ? -1 : fs_read_all(fd, path, bytes_max, ret_text, err);
}

/* The next entry but "." and ".."; NULL at the end or on failure (errno). */
static const char *fs_next_entry(DIR *dir)
{
	const struct dirent *e;

	do {
		errno = 0;
		e = readdir(dir);
	} while (e != NULL && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0));
	return e != NULL ? e->d_name : NULL;
}

static DIR *fs_open_dir(int dir_fd, const char *path, struct err *err)
{
	int fd = openat2_call(dir_fd, path, O_RDONLY | O_DIRECTORY,
	                      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL) {
		(void)err_set(err, ERR_SYS, errno, "open folder %s", path);
		if (fd >= 0)
			(void)close(fd);
	}
	return dir;
}

int fs_is_empty(int dir_fd, const char *path, struct err *err)
{
	CLEANUP(closedir_var) DIR *dir = fs_open_dir(dir_fd, path, err);
	const char *entry;

	if (dir == NULL)
		return -1;
	entry = fs_next_entry(dir);
	if (entry == NULL && errno != 0)
		return err_set(err, ERR_SYS, errno, "read folder %s", path);
	return entry == NULL;
}

/* Return: 0 gone; 1 a folder with something in it; negative with errno. */
static int fs_remove_once(int dir_fd, const char *name)
{
	assert(dir_fd >= 0 && fs_is_entry(name));
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno == ENOTDIR)
		errno = EPERM; /* the first error, of the file */
	return errno == ENOTEMPTY || errno == EEXIST ? 1 : -1;
}

/* Return: true when it had a flag that keeps it (chattr +i, +a), and has none any more. */
static bool fs_loosen(int fd)
{
	int flags;

	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 ||
	    (flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) == 0)
		return false;
	flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
}

/* Only files and folders have such flags, and to open anything else may do something. */
static int fs_open_plain(int dir_fd, const char *name)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return -1;
	return openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
}

/* A container that may do so makes its files immutable: they go with it nevertheless. */
static int fs_remove_entry(int dir_fd, const char *name)
{
	int rc = fs_remove_once(dir_fd, name);
	CLEANUP(fd_close_var) int fd = -1;
	bool again;

	if (rc >= 0 || errno != EPERM)
		return rc;
	fd = fs_open_plain(dir_fd, name);
	again = fs_loosen(fd);
	again = fs_loosen(dir_fd) || again; /* nothing can be taken out of such a folder */
	errno = EPERM;
	return again ? fs_remove_once(dir_fd, name) : -1;
}

static int fs_not_removed(int dir_fd, const char *name, struct err *err)
{
	int error = errno;
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(err, ERR_SYS, error, "remove %s", name);
	/* folders are moved while a tree is emptied, so that the number is what finds it */
	return err_set(err, ERR_SYS, error, "remove %s (inode %" PRIu64 ")%s", name,
	               (uint64_t)st.st_ino,
	               error == EPERM ? ": it is immutable or append-only; take that away with "
	                                "chattr -ia"
	                              : "");
}

/* A folder that is emptied. */
struct emptying {
	DIR *top;
	uint64_t number;   /* of the next folder that moves up */
	uint64_t until_ms; /* not longer than that */
};

/* Move @name of @from up into the top, under a number that is free there. */
static int fs_move_up(struct emptying *e, DIR *from, const char *name)
{
	char moved[32];

	do {
		(void)snprintf(moved, sizeof moved, "%" PRIu64, e->number++);
		if (syscall(SYS_renameat2, dirfd(from), name, dirfd(e->top), moved, 1U) == 0)
			return 0;
	} while (errno == EEXIST);
	return -1;
}

static int fs_empty_folder(struct emptying *e, DIR *parent, const char *name, unsigned depth,
                           struct err *err);

/* A folder that came with the image can't be renamed in an overlay: it is emptied where it is. */
static int fs_remove_in_place(struct emptying *e, DIR *dir, const char *name, unsigned depth,
                              struct err *err)
{
	if (depth >= FS_IN_PLACE_DEPTH_MAX)
		return err_set(err, ERR_SYS, ELOOP, "remove %s", name);
	if (fs_empty_folder(e, dir, name, depth + 1, err) < 0)
		return -1;
	return fs_remove_entry(dirfd(dir), name) == 0 ? 0 : fs_not_removed(dirfd(dir), name, err);
}

/* Empty @name in @parent: folders in it move up into the top. */
static int fs_empty_folder(struct emptying *e, DIR *parent, const char *name, unsigned depth,
                           struct err *err)
{
	CLEANUP(closedir_var) DIR *dir = fs_open_dir(dirfd(parent), name, err);
	const char *entry;

	if (dir == NULL)
		return -1;
	while ((entry = fs_next_entry(dir)) != NULL) {
		int rc = fs_remove_entry(dirfd(dir), entry);

		if (rc == 0)
			continue;
		if (clk_now_ms() >= e->until_ms)
			return err_set(err, ERR_TIMEOUT, 0, "remove %s", entry);
		if (rc > 0 && fs_move_up(e, dir, entry) == 0)
			continue;
		if (rc < 0 || errno != EXDEV)
			return fs_not_removed(dirfd(dir), entry, err);
		if (fs_remove_in_place(e, dir, entry, depth, err) < 0)
			return -1;
	}
	return errno == 0 ? 0 : err_set(err, ERR_SYS, errno, "read folder %s", name);
}

/* One pass over the top. Return: 0 empty; 1 another pass is needed; negative err. */
static int fs_empty_pass(struct emptying *e, struct err *err)
{
	const char *entry;
	int again = 0;

	rewinddir(e->top);
	while ((entry = fs_next_entry(e->top)) != NULL) {
		int rc = fs_remove_entry(dirfd(e->top), entry);

		if (clk_now_ms() >= e->until_ms)
			return err_set(err, ERR_TIMEOUT, 0, "remove %s", entry);
		if (rc < 0)
			return fs_not_removed(dirfd(e->top), entry, err);
		if (rc > 0) {
			again = 1;
			if (fs_empty_folder(e, e->top, entry, 0, err) < 0)
				return -1;
		}
	}
	return errno == 0 ? again : err_set(err, ERR_SYS, errno, "read folder");
}

int fs_clear(int root_fd, const char *path, uint64_t until_ms, struct err *err)
{
	CLEANUP(closedir_var) DIR *top = NULL;
	CLEANUP(fd_close_var)
	int fd = openat2_call(root_fd, path, O_RDONLY | O_DIRECTORY,
	                      RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
	struct emptying e = {.until_ms = until_ms};
	int rc;

	assert(root_fd >= 0);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_set(err, ERR_SYS, errno, "open %s", path);
	if (fs_is_same(fd, root_fd))
		return err_set(err, ERR_INVALID, 0, "%s is the root directory", path);
	top = fdopendir(fd);
	if (top == NULL)
		return err_set(err, ERR_SYS, errno, "open %s", path);
	(void)TAKE_FD(fd);
	e.top = top;
	do
		rc = fs_empty_pass(&e, err);
	while (rc > 0);
	return rc < 0 ? err_wrap(err, "%s", path) : 0;
}

int fs_remove_tree(int parent_fd, const char *name, struct err *err)
{
	CLEANUP(closedir_var) DIR *top = NULL;
	struct emptying e = {.until_ms = UINT64_MAX};
	int rc = fs_remove_entry(parent_fd, name);

	if (rc == 0)
		return 0;
	if (rc < 0)
		return fs_not_removed(parent_fd, name, err);
	top = fs_open_dir(parent_fd, name, err);
	if (top == NULL)
		return -1;
	e.top = top;
	do
		rc = fs_empty_pass(&e, err);
	while (rc > 0);
	if (rc < 0)
		return err_wrap(err, "%s", name);
	if (fs_remove_entry(parent_fd, name) != 0)
		return err_set(err, ERR_SYS, errno, "remove %s", name);
	return 0;
}
