/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootfs_holder - which process has a root filesystem, by what the kernel shows of Pods' processes
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/io/mounts/overlay.h"
#include "agent/io/mounts/proc.h"
#include "agent/io/mounts/rootfs.h"

enum { ROOTFS_VIEWS_MAX = 64 };

/*
 * A sidecar may have very many processes: of those with the same mounts and the same root one is
 * enough, and looking at one is cheap when it is known to be the same.
 */
struct holder_search {
	const char *upper;
	bool only_first; /* process 1 of its container */
	pid_t found;     /* 0: none */
	size_t seen_count;
	struct holder_view {
		ino_t mount_ns;
		dev_t root_dev;
		ino_t root_ino;
	} seen[ROOTFS_VIEWS_MAX]; /* the last ones */
};

static bool rootfs_is_seen(struct holder_search *s, pid_t pid)
{
	struct stat ns;
	struct stat root;
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
	if (stat(path, &ns) < 0)
		return false;
	(void)snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
	if (stat(path, &root) < 0)
		return false;
	for (size_t i = 0; i < s->seen_count && i < ROOTFS_VIEWS_MAX; i++) {
		if (s->seen[i].mount_ns == ns.st_ino && s->seen[i].root_dev == root.st_dev &&
		    s->seen[i].root_ino == root.st_ino)
			return true;
	}
	s->seen[s->seen_count++ % ROOTFS_VIEWS_MAX] =
	        (struct holder_view){ns.st_ino, root.st_dev, root.st_ino};
	return false;
}

static bool rootfs_visit(void *arg, pid_t pid)
{
	struct holder_search *s = arg;
	bool is_it;

	if (s->only_first)
		is_it = proc_is_first(pid) && overlay_has_upper(pid, s->upper);
	else
		is_it = !rootfs_is_seen(s, pid) && overlay_may_have_upper(pid, s->upper);
	if (is_it)
		s->found = pid;
	return !is_it;
}

static bool rootfs_upper(const struct rootfs_place *p, char upper[PATH_MAX])
{
	char dir[PATH_MAX];
	int len;

	if (rootfs_dir(p, dir, NULL) < 0)
		return false;
	len = snprintf(upper, PATH_MAX, "%s/upper", dir);
	return len >= 0 && len < PATH_MAX;
}

pid_t rootfs_holder(const struct rootfs_place *p)
{
	char upper[PATH_MAX];
	struct holder_search s = {.upper = upper};

	if (!rootfs_upper(p, upper))
		return 0;
	for (size_t i = 0; p->consumer_pods[i] != NULL && s.found == 0; i++)
		proc_visit(p->cgroup_roots, p->consumer_pods[i], NULL, rootfs_visit, &s);
	return s.found;
}

pid_t rootfs_first_of(const struct rootfs_place *p, const char *pod_uid, const char *container_id)
{
	char upper[PATH_MAX];
	struct holder_search s = {.upper = upper, .only_first = true};

	if (p->prefix == NULL || !rootfs_upper(p, upper))
		return 0;
	proc_visit(p->cgroup_roots, pod_uid, container_id, rootfs_visit, &s);
	return s.found;
}
