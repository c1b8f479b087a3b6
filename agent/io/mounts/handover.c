/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handover - the mount calls that put an overlay below a container that runs
 */
#include "agent/io/mounts/handover.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include "agent/core/mountinfo.h"
#include "agent/io/mounts/fs.h"

enum { HANDOVER_MOUNTS_MAX = 512, HANDOVER_READ_BYTES = 4096 };

struct carry {
	const struct handover *h;
	int tree_fd;                             /* the clone, attached over the container's root */
	FILE *mountinfo;                         /* of this process, by the agent's /proc */
	char mountinfo_buf[HANDOVER_READ_BYTES]; /* as much as the kernel gives at once */
	uint64_t attributes; /* MOUNT_ATTR_*, as the container's root had them */
};

static uint64_t handover_attributes(const struct statvfs *vfs)
{
	static const struct {
		unsigned long flag;
		uint64_t attribute;
	} pairs[] = {
	        {ST_RDONLY, MOUNT_ATTR_RDONLY},
	        {ST_NOSUID, MOUNT_ATTR_NOSUID},
	        {ST_NODEV, MOUNT_ATTR_NODEV},
	        {ST_NOEXEC, MOUNT_ATTR_NOEXEC},
	};
	uint64_t attributes = 0;

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		if (vfs->f_flag & pairs[i].flag)
			attributes |= pairs[i].attribute;
	}
	return attributes;
}

/*
 * procfs and sysfs, from which security labels and limits are read and set: as runtimes do, nothing
 * is put there.
 */
static bool handover_is_kernels(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) < 0 || fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC;
}

/* A mount on the old root, with all that is on it, to the same place in the new one. */
static int handover_carry_one(const struct carry *c, const char *path, struct err *err)
{
	CLEANUP(fd_close_var)
	int from = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	CLEANUP(fd_close_var) int to = -1;
	struct stat st;

	if (from < 0 || fstat(from, &st) < 0)
		return err_set(err, ERR_SYS, errno, "clone %s", path);
	if (fs_mount_point(c->tree_fd, path, S_ISDIR(st.st_mode), &to, err) < 0)
		return -1;
	if (handover_is_kernels(to))
		return err_set(err, ERR_INVALID, 0, "mount point %s: a link into /proc or /sys",
		               path);
	if (move_mount(from, "", to, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_set(err, ERR_SYS, errno, "move %s", path);
	return 0;
}

static int handover_root_mount_id(uint64_t *ret_id, struct err *err)
{
	struct statx stx;

	if (statx(AT_FDCWD, "/", 0, STATX_MNT_ID, &stx) < 0 || !(stx.stx_mask & STATX_MNT_ID))
		return err_set(err, ERR_SYS, errno, "statx the root");
	*ret_id = stx.stx_mnt_id;
	return 0;
}

static int handover_carry_all(const struct carry *c, uint64_t root_id, struct err *err)
{
	CLEANUP(free_var) char *line = NULL;
	size_t size = 0;
	unsigned count = 0;
	struct mountinfo info;

	while (getline(&line, &size, c->mountinfo) > 0) {
		if (!mountinfo_parse(line, &info) || info.parent_id != root_id ||
		    strcmp(info.mount_point, "/") == 0 ||
		    strcmp(info.mount_point, c->h->keep_out) == 0)
			continue;
		if (++count > HANDOVER_MOUNTS_MAX)
			return err_set(err, ERR_SYS, ENFILE, "more than %d mounts",
			               HANDOVER_MOUNTS_MAX);
		if (handover_carry_one(c, info.mount_point, err) < 0)
			return err_wrap(err, "carry");
	}
	return 0;
}

/* --- the working directory --- */

/* By mode and owner. The agent can't be another user, and access lists are left out. */
static bool handover_lets_in(int fd, const struct proc_user *u)
{
	struct stat st;
	bool in_group;

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	if (st.st_uid == u->uid)
		return (st.st_mode & S_IXUSR) != 0;
	in_group = st.st_gid == u->gid;
	for (size_t i = 0; i < u->groups_count; i++)
		in_group = in_group || st.st_gid == u->groups[i];
	return (st.st_mode & (in_group ? S_IXGRP : S_IXOTH)) != 0;
}

/* Each folder on the way lets the user in. Root is not asked: it may, or gets the error. */
static bool handover_may_enter(const struct carry *c)
{
	char path[PATH_MAX];
	const char *cwd = c->h->cwd + 1;
	size_t at = 0;

	if (c->h->user == NULL || c->h->user->uid == 0 || strlen(cwd) >= sizeof path)
		return true;
	do {
		CLEANUP(fd_close_var) int fd = -1;

		at += strcspn(cwd + at, "/");
		memcpy(path, cwd, at);
		path[at] = '\0';
		fd = fs_open_in_root(c->tree_fd, path, O_PATH | O_DIRECTORY, NULL);
		if (!handover_lets_in(fd, c->h->user))
			return false;
		at += strspn(cwd + at, "/");
	} while (cwd[at] != '\0');
	return true;
}

static uint64_t handover_mount_of(int fd)
{
	struct statx stx;

	return statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0 ? 0 : stx.stx_mnt_id;
}

/* In the old root, at the control folder: what stands there comes to stand on @fd's root. */
static int handover_move_who_stands(int control_fd, int fd, struct err *err)
{
	CLEANUP(fd_close_var) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0 || fchdir(control_fd) < 0 || chroot(".") < 0)
		return err_set(err, ERR_SYS, errno, "enter the control folder");
	if (move_mount(fd, "", control_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) <
	            0 ||
	    fchdir(fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
		return err_set(err, ERR_SYS, errno, "pivot_root of the control folder");
	if (fchdir(root) < 0 || chroot(".") < 0)
		return err_set(err, ERR_SYS, errno, "leave the control folder");
	return 0;
}

/*
 * Runtimes change into the working directory as root, so that it need not be one that the user may
 * enter. The wrapper has no such rights, and nobody can change another process' directory, but for
 * pivot_root(2): whoever is at the root of the mount that goes is then at the root of the one that
 * comes. So the directory becomes a mount of its own, takes the place of the control folder, where
 * the wrapper stands, and is moved to where it belongs.
 */
static int handover_put_into(const struct carry *c, int cwd_fd, struct err *err)
{
	struct mount_attr attr = {.attr_set = c->attributes, .propagation = MS_PRIVATE};
	CLEANUP(fd_close_var)
	int control = open(c->h->keep_out, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(fd_close_var)
	int fd = open_tree(cwd_fd, "",
	                   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);

	if (control < 0 || fd < 0)
		return err_set(err, ERR_SYS, errno, "clone %s", c->h->cwd);
	/* a volume has attributes of its own */
	if (handover_mount_of(cwd_fd) == handover_mount_of(c->tree_fd) &&
	    mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0)
		return err_set(err, ERR_SYS, errno, "mount_setattr");
	if (handover_move_who_stands(control, fd, err) < 0)
		return -1;
	if (move_mount(fd, "", cwd_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_set(err, ERR_SYS, errno, "move %s", c->h->cwd);
	return 0;
}

/* As runtimes do: made where the image does not have it, and entered whoever may. */
static int handover_make_cwd(const struct carry *c, struct err *err)
{
	CLEANUP(fd_close_var) int fd = -1;

	if (strcmp(c->h->cwd, "/") == 0 || c->h->cwd[0] != '/')
		return 0;
	fd = fs_open_in_root(c->tree_fd, c->h->cwd + 1, O_PATH | O_DIRECTORY, NULL);
	if (fd < 0 && fs_mount_point(c->tree_fd, c->h->cwd, true, &fd, err) < 0)
		return -1;
	/* by a link it may be one of these, which has to stay what it is */
	if (handover_is_kernels(fd) || fs_is_same(fd, c->tree_fd))
		return 0;
	return handover_may_enter(c) ? 0 : handover_put_into(c, fd, err);
}

static int handover_pivot(const struct carry *c, struct err *err)
{
	struct mount_attr attr = {.attr_set = c->attributes, .propagation = MS_PRIVATE};

	if (mount_setattr(c->tree_fd, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0)
		return err_set(err, ERR_SYS, errno, "mount_setattr");
	if (fchdir(c->tree_fd) < 0)
		return err_set(err, ERR_SYS, errno, "fchdir");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_set(err, ERR_SYS, errno, "pivot_root");
	return 0;
}

/* The clone is over the container's root; on failure the caller takes it away again. */
static int handover_fill(struct carry *c, uint64_t root_id, struct err *err)
{
	if (handover_carry_all(c, root_id, err) < 0 || handover_make_cwd(c, err) < 0)
		return -1;
	return handover_pivot(c, err);
}

/* Return: 0 entered; 1 the container's root is the overlay already; negative err. */
static int handover_enter(struct carry *c, struct err *err)
{
	CLEANUP(fd_close_var) int proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;
	struct statvfs vfs;
	struct stat ours;
	struct stat root;

	if (proc < 0)
		return err_set(err, ERR_SYS, errno, "open /proc/self");
	if (setns(c->h->ns_fd, CLONE_NEWNS) < 0)
		return err_set(err, ERR_SYS, errno, "setns");
	if (fstat(c->tree_fd, &ours) < 0 || stat("/", &root) < 0 || statvfs("/", &vfs) < 0)
		return err_set(err, ERR_SYS, errno, "stat");
	if (ours.st_dev == root.st_dev)
		return 1;
	c->attributes = handover_attributes(&vfs);
	/* the agent's /proc, this process, its new namespace: the container's own shows neither */
	fd = openat(proc, "mountinfo", O_RDONLY | O_CLOEXEC);
	c->mountinfo = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (c->mountinfo == NULL)
		return err_set(err, ERR_SYS, errno, "mountinfo");
	(void)setvbuf(c->mountinfo, c->mountinfo_buf, _IOFBF, sizeof c->mountinfo_buf);
	return 0;
}

static int handover_attach(struct carry *c, uint64_t *ret_root_id, struct err *err)
{
	if (handover_root_mount_id(ret_root_id, err) < 0)
		return -1;
	/* pivot_root(2) refuses a shared root; this one mount goes away anyhow */
	if (mount(NULL, "/", NULL, MS_PRIVATE, NULL) < 0)
		return err_set(err, ERR_SYS, errno, "propagation");
	/* over the root itself: a place that is there in any image, and needs no write to it */
	if (move_mount(c->tree_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(err, ERR_SYS, errno, "move_mount");
	return 0;
}

int handover_run(const struct handover *h, struct err *err)
{
	struct carry c = {.h = h, .tree_fd = -1};
	uint64_t root_id = 0;
	int rc;

	assert(h->root_fd >= 0 && h->ns_fd >= 0 && h->keep_out[0] == '/');
	c.tree_fd = open_tree(h->root_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (c.tree_fd < 0)
		return err_set(err, ERR_SYS, errno, "open_tree");
	rc = handover_enter(&c, err);
	if (rc == 0)
		rc = handover_attach(&c, &root_id, err);
	if (rc == 0) {
		rc = handover_fill(&c, root_id, err);
		/* "." is the new root, and the old one is now over it; after a failure the new one
		 * is over the old. Whichever is on top goes, and takes nothing of the container's
		 * along. */
		if ((rc == 0 || fchdir(c.tree_fd) == 0) && umount2(".", MNT_DETACH) < 0 && rc == 0)
			rc = err_set(err, ERR_SYS, errno, "detach the old root");
	}
	if (c.mountinfo != NULL)
		(void)fclose(c.mountinfo);
	(void)close(c.tree_fd);
	return rc;
}
