/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume - a Pod's volumes as folders in the kubelet's layout, and what containers mount of them
 *
 *     PODS/<uid>/volumes/kubernetes.io~<kind>/<name>
 *
 * emptyDir (medium Memory is a plain folder too), hostPath, configMap and secret; the last two are
 * written once, when the Pod starts. What a container may have changed is hostile: a subPath is
 * opened with openat2(RESOLVE_IN_ROOT), and what was found is bound to a place of ours, below
 * PODS/<uid>/volume-subpaths, until the container has started.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/err.h"
#include "local/runner/core/pod_env.h"

struct volume_store;

int volume_store_open(const char *pods_dir, struct volume_store **ret_store, struct err *err);
void volume_store_close(struct volume_store *s);

/**
 * volume_make() - all volumes of a Pod that are not there yet
 * Return: 0; negative: reason CreateContainerConfigError or FailedMount with err its text.
 */
int volume_make(struct volume_store *s, const struct pod_env_source *src, struct err *err);

/* The sources of one container's mounts, there for as long as the runtime needs them. */
struct volume_mounts {
	const char **paths; /* one for each volumeMount */
	bool *is_sub_path;  /* mounted for the moment of the start only */
	size_t count;
};
int volume_mounts_open(struct volume_store *s, const struct pod_env_source *src,
                       const json_t *container, struct volume_mounts *ret_mounts, struct err *err);
void volume_mounts_close(struct volume_mounts *m);

/**
 * volume_remove() - delete a Pod's folder, at most a bounded number of entries a call
 * Never follows a link, never crosses a mount. Return: 0 gone; 1 call again; negative with err
 */
int volume_remove(struct volume_store *s, const char *uid, struct err *err);

/** volume_foreach_uid() - the Pods that have a folder */
void volume_foreach_uid(struct volume_store *s, void (*visit)(void *arg, const char *uid),
                        void *arg);
