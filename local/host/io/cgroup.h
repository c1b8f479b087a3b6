/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup - the folders that containers and their monitors run in
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

/* Where one container runs. */
struct cgroup_place {
	const char *cgroup_root;
	const char *pod_uid;
	const char *id; /* NULL: all of the Pod's */
};

/**
 * cgroup_enter_monitors() - this process, and what it starts, into a folder below @cgroup_root
 * of the hierarchies by which an init system knows what belongs to a unit or a session
 */
int cgroup_enter_monitors(const char *cgroup_root, struct err *err);

/** cgroup_is_of() - does the process @pid run in a folder that names @id? */
bool cgroup_is_of(pid_t pid, const char *id);

/**
 * cgroup_oom_kills() - how many processes the kernel killed there for want of memory
 * Version 2 counts what is below, also when it is gone again; version 1 counts the very folder's.
 * Return: 0; negative: not known
 */
int cgroup_oom_kills(const struct cgroup_place *place, uint64_t *ret_count);

/**
 * cgroup_remove() - a Pod's folders in every hierarchy; @pod_uid NULL: the whole root's
 * Return: true when none is left
 */
bool cgroup_remove(const char *cgroup_root, const char *pod_uid);
