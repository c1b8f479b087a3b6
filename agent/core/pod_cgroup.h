/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_cgroup - which Pod a cgroup belongs to, by its path
 *
 * The kubelet's cgroupfs driver names a Pod's folder "pod<uid>", its systemd driver
 * "kubepods-<class>-pod<uid, '-' as '_'>.slice". Only whole path components count.
 */
#pragma once

#include <stdbool.h>

/* A folder's name, as long as file systems have it. */
enum { POD_CGROUP_NAME_BYTES = 256 };

/** pod_cgroup_is_folder() - @name: one component of a cgroup path */
bool pod_cgroup_is_folder(const char *name, const char *pod_uid);

/**
 * pod_cgroup_is_container() - @name: one component of a cgroup path
 * A container's folder is its id, with what its runtime puts before it ("cri-containerd-", "crio-",
 * "libpod-") and the ".scope" of systemd's driver.
 */
bool pod_cgroup_is_container(const char *name, const char *container_id);

/** pod_cgroup_id() - of "RUNTIME://ID", as the kubelet writes it */
const char *pod_cgroup_id(const char *container_id);

/** pod_cgroup_has_container() - @text: as below; @container_id: with its runtime or without */
bool pod_cgroup_has_container(const char *text, const char *container_id);

/** pod_cgroup_has() - @text: contents of /proc/PID/cgroup; true when any hierarchy's path is below
 * that Pod's folder */
bool pod_cgroup_has(const char *text, const char *pod_uid);
