/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_spec - a Pod's container as the body of libpod's POST /containers/create
 *
 * Pure: what a container needs from the machine (namespace, mount sources, limits) is handed in.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "local/runner/core/pod_env.h"

/* Labels by which containers are found again; the names are the kubelet's. */
#define POD_LABEL_UID "io.kubernetes.pod.uid"
#define POD_LABEL_NAME "io.kubernetes.pod.name"
#define POD_LABEL_NAMESPACE "io.kubernetes.pod.namespace"
#define POD_LABEL_CONTAINER "io.kubernetes.container.name"
#define POD_LABEL_ATTEMPT "io.kubernetes.container.restartCount"
#define POD_LABEL_ADDRESS "stoppablecontainer.xtlsoft.top/address"
#define POD_LABEL_OOM_KILLS "stoppablecontainer.xtlsoft.top/oom-kills-before"

struct pod_spec_input {
	struct pod_env_source env;
	const json_t *container;
	const char *image; /* as the runtime is to look it up */
	const char *netns_path;
	const char *cgroup_parent;
	const char *const *mount_sources; /* one for each of the container's volumeMounts */
	unsigned attempt;                 /* 0 for the first start; part of the container's name */
	uint64_t oom_kills;               /* in the Pod's cgroup, before this run */
	uint64_t nofile_max;              /* not above our own hard limits */
	uint64_t nproc_max;
	uint64_t log_bytes_max;
};

/** pod_spec_check() - what this engine cannot do, before anything is made
 * Return: 0; negative with a message for the Pod's status. */
int pod_spec_check(const json_t *pod, struct err *err);

/**
 * pod_spec_make() - the create body
 * Return: 0, *ret_spec new reference; negative: reason CreateContainerConfigError and err its text.
 */
int pod_spec_make(const struct pod_spec_input *in, json_t **ret_spec, struct err *err);

/** pod_spec_security() - a field of the container's securityContext, else of the Pod's. Borrowed */
const json_t *pod_spec_security(const json_t *pod, const json_t *container, const char *field);

/**
 * pod_spec_non_root() - does the container keep to runAsNonRoot?
 * @image_user: what the image says, NULL: not known yet
 * Return: 0 it does; 1 the image's user must be known; negative with the kubelet's message
 */
int pod_spec_non_root(const json_t *pod, const json_t *container, const char *image_user,
                      struct err *err);
