/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume_private - what the files of the volume module share
 */
#pragma once

#include <sys/types.h>

#include "local/runner/io/volume.h"

struct volume_store {
	const char *dir;
	int fd;
};

/** volume_open_in() - openat2() that cannot leave @root_fd. Return: descriptor, or -1 with errno */
int volume_open_in(int root_fd, const char *path, uint64_t flags);

/** volume_dirs_make() - mkdir -p that follows no link. Return: O_PATH descriptor; -1 with err */
int volume_dirs_make(int root_fd, const char *path, mode_t mode, struct err *err);

/**
 * volume_files_write() - the files of a configMap or secret volume in @name below @parent_fd
 * The kubelet's layout: a dated folder, ..data that points to it, a link for each file.
 */
int volume_files_write(int parent_fd, const char *name, const struct pod_env_source *src,
                       const char *kind, const json_t *source, struct err *err);
