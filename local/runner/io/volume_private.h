/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume_private - what the files of the volume module share
 */
#pragma once

#include <sys/types.h>

#include "local/runner/io/volume.h"

enum { VOLUME_PATH_BYTES_MAX = 4096 };

struct volume_store {
	const char *dir;
	int fd;
};

/** volume_open_in() - openat2() that cannot leave @root_fd. Return: descriptor, or -1 with errno */
int volume_open_in(int root_fd, const char *path, uint64_t flags);

/** volume_dirs_make() - mkdir -p that follows no link. Return: O_PATH descriptor; -1 with err */
int volume_dirs_make(int root_fd, const char *path, mode_t mode, struct err *err);

struct volume_files {
	const char *name;
	const char *kind;     /* "configMap" or "secret" */
	const json_t *source; /* what the Pod says of it */
};

/**
 * volume_files_write() - the files of a configMap or secret volume, in its folder below @parent_fd
 * The kubelet's layout: a dated folder, ..data that points to it, a link for each file.
 */
int volume_files_write(int parent_fd, const struct volume_files *volume,
                       const struct pod_env_source *src, struct err *err);
