/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup - enters, reads and removes cgroups, of version 1 and 2
 */
#include "local/host/io/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/num.h"

#define CGROUP_MOUNT "/sys/fs/cgroup"

enum { PATH_BYTES = 768, LINE_BYTES = 1024 };

static int enter(const char *hierarchy, const char *cgroup_root, struct err *err)
{
	static const char *const below[] = {"", "/monitors"};
	CLEANUP(fd_close_var) int fd = -1;
	char path[PATH_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(below); i++) {
		(void)snprintf(path, sizeof path, "%s/%s%s", hierarchy, cgroup_root, below[i]);
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return err_set(err, ERR_SYS, errno, "make %s", path);
	}
	(void)snprintf(path, sizeof path, "%s/%s/monitors/cgroup.procs", hierarchy, cgroup_root);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		return err_set(err, ERR_SYS, errno, "enter %s", path);
	return 0;
}

int cgroup_enter_monitors(const char *cgroup_root, struct err *err)
{
	static const char *const hierarchies[] = {CGROUP_MOUNT, CGROUP_MOUNT "/unified",
	                                          CGROUP_MOUNT "/systemd"};
	char path[PATH_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(hierarchies); i++) {
		(void)snprintf(path, sizeof path, "%s/cgroup.procs", hierarchies[i]);
		if (access(path, F_OK) == 0 && enter(hierarchies[i], cgroup_root, err) < 0)
			return -1;
	}
	return 0;
}

bool cgroup_is_of(pid_t pid, const char *id)
{
	char path[PATH_BYTES], line[LINE_BYTES];
	CLEANUP(fclose_var) FILE *f = NULL;
	bool found = false;

	(void)snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
	f = fopen(path, "re");
	while (f != NULL && !found && fgets(line, sizeof line, f) != NULL)
		found = strstr(line, id) != NULL;
	return found;
}

/* "oom_kill 3" among the lines of @path. */
static int oom_kills_read(const char *path, uint64_t *ret_count)
{
	static const char key[] = "oom_kill ";
	CLEANUP(fclose_var) FILE *f = fopen(path, "re");
	char line[LINE_BYTES];

	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, key, sizeof key - 1) == 0)
			return num_parse_u64(line + sizeof key - 1, 0, UINT64_MAX, ret_count, NULL);
	}
	return -1;
}

int cgroup_oom_kills(const struct cgroup_place *place, uint64_t *ret_count)
{
	static const char *const files[][2] = {{CGROUP_MOUNT, "memory.events"},
	                                       {CGROUP_MOUNT "/memory", "memory.oom_control"}};
	char path[PATH_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		(void)snprintf(path, sizeof path, "%s/%s/pod%s%s%s/%s", files[i][0],
		               place->cgroup_root, place->pod_uid, place->id ? "/libpod-" : "",
		               place->id ? place->id : "", files[i][1]);
		if (oom_kills_read(path, ret_count) == 0)
			return 0;
	}
	return -1;
}

/* Removes @path and the folders in it: the kernel's own files go with them. Return: true: gone */
static bool tree_remove(const char *path)
{
	DIR *dir;
	struct dirent *entry;
	char child[1024];

	if (rmdir(path) == 0 || errno == ENOENT)
		return true;
	dir = opendir(path);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		(void)snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
		(void)tree_remove(child);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return rmdir(path) == 0 || errno == ENOENT;
}

/* The unified hierarchy is mounted at the top itself; of version 1 each has a folder there. */
bool cgroup_remove(const char *cgroup_root, const char *pod_uid)
{
	DIR *dir = opendir(CGROUP_MOUNT);
	struct dirent *entry;
	char below[384], path[768];
	bool all;

	(void)snprintf(below, sizeof below, "%s%s%s", cgroup_root, pod_uid ? "/pod" : "",
	               pod_uid ? pod_uid : "");
	(void)snprintf(path, sizeof path, CGROUP_MOUNT "/%s", below);
	all = tree_remove(path);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
		    strcmp(entry->d_name, cgroup_root) == 0)
			continue;
		(void)snprintf(path, sizeof path, CGROUP_MOUNT "/%s/%s", entry->d_name, below);
		all = tree_remove(path) && all;
	}
	if (dir != NULL)
		(void)closedir(dir);
	return all;
}
