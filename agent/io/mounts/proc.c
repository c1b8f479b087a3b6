/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc - which processes a Pod has, by its cgroup, and what /proc has of one
 */
#include "agent/io/mounts/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ioprio.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "agent/core/pod_cgroup.h"
#include "lib/base/cleanup.h"
#include "lib/base/num.h"

/* kubepods.slice/kubepods-burstable.slice/…pod….slice/container is as deep as it gets. */
enum { PROC_CGROUP_DEPTH_MAX = 8, PROC_TEXT_BYTES_MAX = 8192 };

DEFINE_CLEANUP(DIR *, closedir);

struct search {
	const char *pod_uid;
	const char *container_id; /* NULL: any */
	bool (*visit)(void *arg, pid_t pid);
	void *arg;
	bool has_any;
	bool is_over;
};

static DIR *proc_open_dir(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL && fd >= 0)
		(void)close(fd);
	return dir;
}

static void proc_read_pids(struct search *s, int dir_fd)
{
	int fd = openat(dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	CLEANUP(fclose_var) FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	char line[32];
	uint64_t pid;

	if (f == NULL && fd >= 0)
		(void)close(fd);
	while (f != NULL && !s->is_over && fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (num_parse_u64(line, 1, INT_MAX, &pid, NULL) < 0)
			continue;
		s->has_any = true;
		s->is_over = !s->visit(s->arg, (pid_t)pid);
	}
}

enum search_place { OUTSIDE, IN_POD, IN_CONTAINER };

static enum search_place proc_place(const struct search *s, enum search_place above,
                                    const char *name)
{
	if (above == OUTSIDE && pod_cgroup_is_folder(name, s->pod_uid))
		return s->container_id == NULL ? IN_CONTAINER : IN_POD;
	if (above == IN_POD && pod_cgroup_is_container(name, s->container_id))
		return IN_CONTAINER;
	return above;
}

static void proc_search(struct search *s, int dir_fd, const char *name, enum search_place place,
                        unsigned depth)
{
	CLEANUP(closedir_var) DIR *dir = proc_open_dir(dir_fd, name);
	const struct dirent *e;

	if (dir == NULL)
		return;
	if (place == IN_CONTAINER)
		proc_read_pids(s, dirfd(dir));
	while (!s->is_over && depth < PROC_CGROUP_DEPTH_MAX && (e = readdir(dir)) != NULL) {
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			proc_search(s, dirfd(dir), e->d_name, proc_place(s, place, e->d_name),
			            depth + 1);
	}
}

static void proc_search_hierarchies(struct search *s, const char *root)
{
	CLEANUP(closedir_var) DIR *dir = opendir(root);
	const struct dirent *e;

	while (dir != NULL && !s->has_any && (e = readdir(dir)) != NULL) {
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			proc_search(s, dirfd(dir), e->d_name, OUTSIDE, 1);
	}
}

void proc_visit(const char *const *cgroup_roots, const char *pod_uid, const char *container_id,
                bool (*visit)(void *arg, pid_t pid), void *arg)
{
	struct search s = {.pod_uid = pod_uid,
	                   .container_id =
	                           container_id != NULL ? pod_cgroup_id(container_id) : NULL,
	                   .visit = visit,
	                   .arg = arg};
	char path[PATH_MAX];

	for (; *cgroup_roots != NULL && !s.has_any; cgroup_roots++) {
		(void)snprintf(path, sizeof path, "%s/cgroup.procs", *cgroup_roots);
		if (access(path, F_OK) == 0)
			proc_search(&s, AT_FDCWD, *cgroup_roots, OUTSIDE, 0);
		else
			proc_search_hierarchies(&s, *cgroup_roots);
	}
}

struct proc_list {
	pid_t *pids;
	size_t count;
};

static bool proc_visit_listed(void *arg, pid_t pid)
{
	struct proc_list *list = arg;

	list->pids[list->count++] = pid;
	return list->count < PROC_PIDS_MAX;
}

size_t proc_of_container(const char *const *cgroup_roots, const char *pod_uid,
                         const char *container_id, pid_t pids[PROC_PIDS_MAX])
{
	struct proc_list list = {pids, 0};

	proc_visit(cgroup_roots, pod_uid, container_id, proc_visit_listed, &list);
	return list.count;
}

size_t proc_of_pod(const char *const *cgroup_roots, const char *pod_uid, pid_t pids[PROC_PIDS_MAX])
{
	return proc_of_container(cgroup_roots, pod_uid, NULL, pids);
}

static bool proc_has_link(pid_t pid, const char *want)
{
	char path[64];
	char link[64];
	CLEANUP(closedir_var) DIR *dir = NULL;
	const struct dirent *e;

	(void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, link, sizeof link - 1);

		if (n > 0 && (size_t)n == strlen(want) && memcmp(link, want, (size_t)n) == 0)
			return true;
	}
	return false;
}

bool proc_has_socket(const pid_t *pids, size_t count, uint32_t inode)
{
	char want[32];

	(void)snprintf(want, sizeof want, "socket:[%u]", inode);
	for (size_t i = 0; i < count; i++) {
		if (proc_has_link(pids[i], want))
			return true;
	}
	return false;
}

static bool proc_read(pid_t pid, const char *name, char text[PROC_TEXT_BYTES_MAX])
{
	char path[64];
	CLEANUP(fclose_var) FILE *f = NULL;
	size_t n;

	(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	n = fread(text, 1, PROC_TEXT_BYTES_MAX - 1, f);
	text[n] = '\0';
	return true;
}

bool proc_is_in_pod(pid_t pid, const char *pod_uid)
{
	char text[PROC_TEXT_BYTES_MAX];

	return proc_read(pid, "cgroup", text) && pod_cgroup_has(text, pod_uid);
}

bool proc_is_in_container(pid_t pid, const char *container_id)
{
	char text[PROC_TEXT_BYTES_MAX];

	return proc_read(pid, "cgroup", text) && pod_cgroup_has_container(text, container_id);
}

bool proc_is_first(pid_t pid)
{
	char text[PROC_TEXT_BYTES_MAX];
	char *line;
	const char *last;

	if (!proc_read(pid, "status", text))
		return false;
	line = strstr(text, "\nNSpid:");
	if (line == NULL)
		return false;
	line++;
	line[strcspn(line, "\n")] = '\0';
	last = strrchr(line, '\t');
	return last != NULL && strcmp(last, "\t1") == 0;
}

static int proc_is_our_userns(int userns_fd)
{
	struct stat its;
	struct stat own;

	if (fstat(userns_fd, &its) < 0 || stat("/proc/self/ns/user", &own) < 0)
		return -1;
	return its.st_dev == own.st_dev && its.st_ino == own.st_ino;
}

int proc_is_own_userns(int ns_fd)
{
	CLEANUP(fd_close_var) int owner = ioctl(ns_fd, NS_GET_USERNS);

	/* one above ours is not ours either */
	if (owner < 0)
		return errno == EPERM ? 0 : -1;
	return proc_is_our_userns(owner);
}

int proc_check_own_userns(pid_t pid, struct err *err)
{
	char path[64];
	CLEANUP(fd_close_var) int user = -1;
	CLEANUP(fd_close_var) int mounts = -1;
	int user_own;
	int mounts_own;

	(void)snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
	mounts = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
	user = open(path, O_RDONLY | O_CLOEXEC);
	if (mounts < 0 || user < 0 || (user_own = proc_is_our_userns(user)) < 0 ||
	    (mounts_own = proc_is_own_userns(mounts)) < 0)
		return err_set(err, ERR_SYS, errno, "namespaces of process %d", (int)pid);
	if (!user_own || !mounts_own)
		return err_set(err, ERR_DENIED, 0,
		               "process %d is in a user namespace of its own: its mounts are not "
		               "the runtime's",
		               (int)pid);
	return 0;
}

bool proc_is_alive(int pid_fd)
{
	struct pollfd p = {pid_fd, POLLIN, 0};

	return poll(&p, 1, 0) == 0;
}

/* The numbers of a line "NAME:\tA\tB …". Return: how many, at most @max. */
static size_t proc_numbers(const char *text, const char *name, uint32_t *numbers, size_t max)
{
	const char *at = strstr(text, name);
	size_t count = 0;

	if (at == NULL)
		return 0;
	at += strlen(name);
	while (count < max) {
		unsigned long n;
		char *end;

		at += strspn(at, " \t");
		if (*at < '0' || *at > '9')
			break;
		n = strtoul(at, &end, 10);
		numbers[count++] = (uint32_t)n;
		at = end;
	}
	return count;
}

bool proc_user(pid_t pid, struct proc_user *ret_user)
{
	char text[PROC_TEXT_BYTES_MAX];
	uint32_t ids[4]; /* real, effective, saved, of the file system */
	struct proc_user u = {0};

	if (!proc_read(pid, "status", text) || proc_numbers(text, "\nUid:", ids, 4) != 4)
		return false;
	u.uid = ids[3];
	if (proc_numbers(text, "\nGid:", ids, 4) != 4)
		return false;
	u.gid = ids[3];
	u.groups_count = proc_numbers(text, "\nGroups:", u.groups, PROC_GROUPS_MAX);
	*ret_user = u;
	return true;
}

void proc_lower_priority(void)
{
	const struct sched_param none = {0};

	(void)setpriority(PRIO_PROCESS, 0, 19);
	(void)sched_setscheduler(0, SCHED_IDLE, &none);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
	              IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}
