/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_view - what the agent reads in Pods and instances
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/text/skim.h"

enum { POD_MOUNT_POINTS_MAX = 64, POD_CLEAR_MAX = 16 };

/* All that is read of a Pod. */
extern const struct skim POD_VIEW;

/** pod_is_owned_by() - this very instance, of its namespace, is its controller */
bool pod_is_owned_by(const json_t *pod, const json_t *instance);

/** pod_is_of() - this very instance is its controller, and it has this role */
bool pod_is_of(const json_t *pod, const json_t *instance, const char *role);

/** pod_container_id() - of its first container while that runs; else "" */
const char *pod_container_id(const json_t *pod);

/** pod_main_container_id() - of the main container, wherever its status stands, while that runs */
const char *pod_main_container_id(const json_t *pod);

/**
 * pod_any_other_container() - @is true of a container in the Pod's status that is not the main one
 * @is: asked with each one's "RUNTIME://ID"
 */
bool pod_any_other_container(const json_t *pod, bool (*is)(const void *arg, const char *id),
                             const void *arg);

/** pod_working_dir() - of the main container */
const char *pod_working_dir(const json_t *pod);

/**
 * pod_main_end() - how the main container last ended, by the Pod's status
 * Return: false: it has not ended yet.
 */
bool pod_main_end(const json_t *pod, const char **ret_container_id, int *ret_exit_code);

/** pod_host_address() - of the node, when the Pod is in its network; NULL: it has its own */
const char *pod_host_address(const json_t *pod);

/**
 * pod_may_have_address() - one of status.podIPs, which the kubelet has from the runtime; any while
 * there are none yet
 */
bool pod_may_have_address(const json_t *pod, const char *address);

/** pod_start() - which start of the instance made it */
uint64_t pod_start(const json_t *pod);

/** pod_generation() - of the container, which it was made for; 0: not known */
uint64_t pod_generation(const json_t *pod);

/** instance_is_application() - the user's process takes the wrapper's place */
bool instance_is_application(const json_t *instance);

/** instance_clear_paths() - folders to be emptied before each start. Borrowed, NULL-terminated. */
void instance_clear_paths(const json_t *instance, const char *ret_paths[POD_CLEAR_MAX + 1]);

/** instance_run_as() - the template's runAsUser; NULL: the image's user. Borrowed */
const json_t *instance_run_as(const json_t *instance);

/**
 * instance_mount_points() - folders that the consumer's volumes will be mounted on
 * Only where it is certain that a folder is needed: not for subPath and hostPath, which may be
 * files. Borrowed, NULL-terminated.
 */
void instance_mount_points(const json_t *instance, const char *ret_paths[POD_MOUNT_POINTS_MAX + 1]);
