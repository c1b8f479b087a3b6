/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_mark - the mark on the upper directory of an instance's files (core/files.h)
 *
 * An extended attribute of that directory: it is as durable as the directory itself, without an
 * fsync, for the file system writes the changes of one inode in their order. Only root can read or
 * write it; a container that is privileged can, and cheats itself.
 */
#pragma once

#include "agent/core/files.h"
#include "agent/io/mounts/rootfs.h"

#define FILES_MARK_ATTRIBUTE "trusted.stoppablecontainer.files"

/** files_see() - @dir_fd: the folder, or -1: there is none. Touches no file below upper/ */
int files_see(int dir_fd, struct files_seen *ret_seen, struct err *err);

/** files_mark_put() - @mark, with the folder as it is now */
int files_mark_put(int dir_fd, struct files_mark *mark, struct err *err);

/** files_random() - for files_next(); never 0 */
uint32_t files_random(void);

/**
 * files_refuse() - the error: what is wrong, and what can be done
 * @order: of files_order(); "" when there is nothing to order
 *
 * Return: the reason, "FilesChanged" or "FilesMissing"; err is set
 */
const char *files_refuse(const struct rootfs_place *p, enum files_verdict verdict, const char *why,
                         const char *order, struct err *err);

struct files_use {
	struct rootfs_place place;
	struct files_known known;
};

struct files_opened {
	char reason[ROOTFS_REASON_BYTES]; /* "FilesChanged" or "FilesMissing", when refused */
	uint64_t took_us;
};

/**
 * files_open() - before a process starts: they are those that were left, and may change now
 *
 * Some microseconds, however many files there are.
 *
 * Return: 0; 1 refused, and err says why; negative: err
 */
int files_open(const struct files_use *use, struct files_opened *ret_opened, struct err *err);

enum { FILES_CLOSED = 0, FILES_IN_USE = 1 };

/**
 * files_close() - after a process ended; run of a task
 * @use: struct files_use; @data: not used
 *
 * Return: FILES_CLOSED; FILES_IN_USE somebody still uses them; negative: err
 */
int files_close(void *use, void *data, struct err *err);

/**
 * files_settle() - the mark is on the disk, and then in the record; run of a task, waits for disks
 * @use: struct files_use; @data: struct files_id, what is recorded then
 */
int files_settle(void *use, void *data, struct err *err);
