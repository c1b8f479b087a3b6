/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_cgroup - which Pod a cgroup belongs to, by its path
 *
 * The kubelet's cgroupfs driver names a Pod's folder "pod<uid>", its systemd driver
 * "kubepods-<class>-pod<uid, '-' as '_'>.slice". Only whole path components count.
 */
#pragma once

#include <stdbool.h>

/** pod_cgroup_is_folder() - @name: one component of a cgroup path */
bool pod_cgroup_is_folder(const char *name, const char *pod_uid);

/** pod_cgroup_has() - @text: contents of /proc/PID/cgroup; true when any hierarchy's path is below
 * that Pod's folder */
bool pod_cgroup_has(const char *text, const char *pod_uid);

/**
 * pod_cgroup_has_container() - the same for one container of a Pod
 * @container_id: as the Pod's status has it, "containerd://<id>"; runtimes name its folder <id>,
 * "<word>-<id>" or "<word>-<id>.scope"
 */
bool pod_cgroup_has_container(const char *text, const char *container_id);
