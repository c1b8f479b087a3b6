/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar - a ustar archive in memory (POSIX.1-1988), plain files of root only
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tar_buf {
	char *data;
	size_t bytes;
	size_t size;
	bool failed; /* out of memory, or a name over 99 bytes */
};

void tar_add(struct tar_buf *t, const char *name, mode_t mode, const void *data, size_t bytes);
void tar_end(struct tar_buf *t); /* two empty blocks */
void tar_done(struct tar_buf *t);
