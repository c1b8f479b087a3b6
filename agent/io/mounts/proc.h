/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc - processes of Pods, by cgroup and /proc
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

/* Processes of a Pod that are listed; a Pod may have more, which proc_visit() meets. */
enum { PROC_PIDS_MAX = 256 };

/**
 * proc_visit() - each process in a Pod's cgroup, from the first hierarchy that has any
 * @cgroup_roots: NULL-terminated; each a hierarchy (v2, or one of v1), or a folder of hierarchies
 * @container_id: "RUNTIME://ID", as the Pod's status has it; NULL: of any
 * @visit:        Return: false: that is enough
 */
void proc_visit(const char *const *cgroup_roots, const char *pod_uid, const char *container_id,
                bool (*visit)(void *arg, pid_t pid), void *arg);

/**
 * proc_of_pod() - processes in a Pod's cgroup
 *
 * Return: how many were written to @pids, from the first hierarchy that has any.
 */
size_t proc_of_pod(const char *const *cgroup_roots, const char *pod_uid, pid_t pids[PROC_PIDS_MAX]);

/** proc_of_container() - of one container; @container_id: "RUNTIME://ID", as the Pod's status has
 * it */
size_t proc_of_container(const char *const *cgroup_roots, const char *pod_uid,
                         const char *container_id, pid_t pids[PROC_PIDS_MAX]);

/** proc_has_socket() - one of them has it open. @inode: as netlink and /proc/PID/fd name it */
bool proc_has_socket(const pid_t *pids, size_t count, uint32_t inode);

/** proc_is_in_pod() - by /proc/PID/cgroup */
bool proc_is_in_pod(pid_t pid, const char *pod_uid);

/** proc_is_in_container() - by its cgroup; @container_id: "RUNTIME://ID" */
bool proc_is_in_container(pid_t pid, const char *container_id);

/** proc_is_first() - process 1 of its process namespace */
bool proc_is_first(pid_t pid);

/**
 * proc_is_own_userns() - is this namespace (of mounts, network …) owned by our own user namespace?
 * A runtime's are. One that a process made for itself without privileges is not: in it that process
 * mounts what it wants, and takes any address. Return: 1; 0 it is not; -1: errno, it can't be asked
 * now.
 */
int proc_is_own_userns(int ns_fd);

/**
 * proc_check_own_userns() - the process and its mount namespace are of our own user namespace
 * Asked after something was read of the process, it holds for what was read: no process comes back
 * from a user namespace. Return: 0; negative: err, ERR_DENIED when they are not.
 */
int proc_check_own_userns(pid_t pid, struct err *err);

/** proc_lower_priority() - CPU and disk only when nobody else wants them, from here on */
void proc_lower_priority(void);

/** proc_is_alive() - by its pidfd */
bool proc_is_alive(int pid_fd);

enum { PROC_GROUPS_MAX = 128 };

/* With whose rights a process opens files. */
struct proc_user {
	uint32_t uid;
	uint32_t gid;
	uint32_t groups[PROC_GROUPS_MAX]; /* gid_t of the kernel */
	size_t groups_count;
};

/** proc_user() - Return: false when the process is gone */
bool proc_user(pid_t pid, struct proc_user *ret_user);
