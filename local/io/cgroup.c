/* SPDX-License-Identifier: Apache-2.0 */
#include "local/io/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CGROUP_MOUNT "/sys/fs/cgroup"

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
