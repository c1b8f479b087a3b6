/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine - the folders and the lock of an engine, and taking away what it has of the machine
 */
#include "local/engine/io/engine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/num.h"
#include "local/engine/io/podman_conf.h"
#include "local/host/io/cgroup.h"
#include "local/host/io/network_host.h"

enum { CLEAN_TRIES_MAX = 50, CLEAN_RETRY_NS = 100000000, FTW_FDS = 16 };

static int dir_make(const char *path, struct err *err)
{
	char part[PATH_MAX];

	if (*path != '/')
		return err_set(err, ERR_INVALID, 0, "%s: want an absolute path", path);
	for (const char *c = path + 1;; c++) {
		if (*c != '/' && *c != '\0')
			continue;
		(void)snprintf(part, sizeof part, "%.*s", (int)(c - path), path);
		if (mkdir(part, *c == '\0' ? 0700 : 0755) < 0 && errno != EEXIST)
			return err_set(err, ERR_SYS, errno, "make %s", part);
		if (*c == '\0')
			return 0;
	}
}

static int lock_open(const struct engine *e, int flags)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/up.lock", e->state_dir);
	return open(path, O_RDWR | O_CLOEXEC | flags, 0600);
}

static pid_t lock_pid(int fd)
{
	char text[32] = "";
	uint64_t pid = 0;
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	if (n <= 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	(void)num_parse_u64(text, 1, INT_MAX, &pid, NULL);
	return (pid_t)pid;
}

static int pid_write(int lock_fd, const struct engine *e)
{
	char path[PATH_MAX], text[32];
	CLEANUP(fd_close_var) int fd = -1;
	int len = snprintf(text, sizeof text, "%d\n", (int)getpid());

	(void)snprintf(path, sizeof path, "%s/up.pid", e->run_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, (size_t)len) != len || ftruncate(lock_fd, 0) < 0 ||
	    pwrite(lock_fd, text, (size_t)len, 0) != len)
		return -1;
	return 0;
}

int engine_lock(const struct engine *e, int *ret_fd, struct err *err)
{
	CLEANUP(fd_close_var) int fd = -1;

	if (dir_make(e->state_dir, err) < 0 || dir_make(e->run_dir, err) < 0)
		return -1;
	fd = lock_open(e, O_CREAT);
	if (fd < 0)
		return err_set(err, ERR_SYS, errno, "%s/up.lock", e->state_dir);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, ERR_EXISTS, 0,
		               "an engine runs on %s already (pid %d); \"sc-local down\" ends it, "
		               "another --state-dir makes a second one",
		               e->state_dir, (int)lock_pid(fd));
	if (pid_write(fd, e) < 0)
		return err_set(err, ERR_SYS, errno, "%s/up.pid", e->run_dir);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

bool engine_is_permitted(const char *command)
{
	if (geteuid() == 0)
		return true;
	fprintf(stderr,
	        "sc-local: run as root: sudo sc-local %s (an engine makes a bridge, cgroups and "
	        "mounts)\n",
	        command);
	return false;
}

/* A pid in the file counts only while somebody holds the lock: pids are used again. */
int engine_pid(const struct engine *e, pid_t *ret_pid, struct err *err)
{
	CLEANUP(fd_close_var) int fd = lock_open(e, 0);

	*ret_pid = 0;
	if (fd < 0 && errno != ENOENT)
		return err_set(err, ERR_SYS, errno, "%s/up.lock", e->state_dir);
	if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0)
		*ret_pid = lock_pid(fd);
	return 0;
}

int engine_podman(const struct engine *e, struct err *err)
{
	const struct podman_conf conf = {e->state_dir, e->run_dir, 0};

	return podman_conf_env(&conf, err);
}

extern char **environ;

static int podman_run(char *const *argv, struct err *err)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status = 0, r;

	/* the IDs that it prints tell nobody anything */
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	r = posix_spawnp(&pid, "podman", &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (r != 0)
		return err_set(err, ERR_SYS, r, "run podman");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0
	               ? 0
	               : err_set(err, ERR_SYS, 0, "podman %s failed", argv[1]);
}

static int containers_end(const struct engine *e, bool remove, struct err *err)
{
	static const char *const stop[] = {"podman", "stop", "--all", "--time", "10", NULL};
	static const char *const rm[] = {"podman", "rm", "--all",     "--force",
	                                 "--time", "10", "--volumes", NULL};
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/storage.conf", e->run_dir);
	if (access(path, R_OK) < 0)
		return 0; /* nothing was ever started since the last boot */
	if (engine_podman(e, err) < 0)
		return -1;
	return podman_run((char *const *)(uintptr_t)(remove ? rm : stop), err);
}

static void storage_unmount(const struct engine *e)
{
	char path[PATH_MAX];

	/* Podman binds it onto itself and leaves it so */
	(void)snprintf(path, sizeof path, "%s/containers/overlay", e->state_dir);
	(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
}

int engine_remove_containers(const struct engine *e, struct err *err)
{
	int r = containers_end(e, true, err);

	storage_unmount(e);
	return r;
}

int engine_clean(const struct engine *e, bool remove, struct err *err)
{
	char forward[PATH_MAX];
	const struct network_opts net = {
	        .bridge = e->bridge,
	        .subnet = e->subnet,
	        .masquerade = e->masquerade,
	        .owner = e->state_dir,
	        .forward_state = forward,
	};
	const struct timespec nap = {0, CLEAN_RETRY_NS};
	int r = containers_end(e, remove, err);

	(void)snprintf(forward, sizeof forward, "%s/ip_forward", e->run_dir);
	if (network_remove(&net, r < 0 ? NULL : err) < 0)
		r = -1;
	storage_unmount(e);
	/* the monitors of the last containers live a moment longer */
	for (int i = 0; i < CLEAN_TRIES_MAX && !cgroup_remove(e->cgroup_root, NULL); i++)
		(void)nanosleep(&nap, NULL);
	return r;
}

static int entry_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return (type == FTW_DP || type == FTW_D ? rmdir(path) : unlink(path)) < 0 &&
	       errno != ENOENT;
}

int engine_remove_state(const struct engine *e, struct err *err)
{
	int r = nftw(e->state_dir, entry_remove, FTW_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);

	return r != 0 && errno != ENOENT ? err_set(err, ERR_SYS, errno, "remove %s", e->state_dir)
	                                 : 0;
}
