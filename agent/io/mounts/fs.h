/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fs - files and folders by descriptor, in trees of two kinds
 *
 * Ours ("beneath"): no symbolic link is followed and nothing leads out. The user's ("in root"):
 * links are followed as a process chrooted there would follow them, so they cannot lead out
 * either; magic links are refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

/** fs_open_beneath() - openat2(); Return: descriptor, or -1 with err (sys_errno set) */
int fs_open_beneath(int dir_fd, const char *path, int flags, struct err *err);
int fs_open_in_root(int root_fd, const char *path, int flags, struct err *err);

/** fs_is_same() - one file, however it was found */
bool fs_is_same(int a_fd, int b_fd);

/** fs_make_dirs() - open @path below @dir_fd, making what is missing with @mode, in our tree */
int fs_make_dirs(int dir_fd, const char *path, mode_t mode, struct err *err);

/** fs_write_file() - whole or not at all, also through a power failure */
int fs_write_file(int dir_fd, const char *name, const char *text, size_t bytes, struct err *err);

/**
 * fs_read_file() - a regular file in our tree
 * @bytes_max: a larger file is an error
 * @ret_text:  NUL-terminated, to be freed
 *
 * Return: 0; negative: err (sys_errno ENOENT when it is not there).
 */
int fs_read_file(int dir_fd, const char *path, size_t bytes_max, char **ret_text, struct err *err);
/** fs_read_file_in_root() - the same in the user's tree */
int fs_read_file_in_root(int root_fd, const char *path, size_t bytes_max, char **ret_text,
                         struct err *err);

/** fs_is_empty() - 1: no entry; 0: some; negative: err */
int fs_is_empty(int dir_fd, const char *path, struct err *err);

/**
 * fs_remove_tree() - @name below @parent_fd and all in it
 *
 * Needs three descriptors however deep the tree is: folders are moved up before they are emptied.
 * Never leaves the file system, follows no link; can be interrupted and called again.
 */
int fs_remove_tree(int parent_fd, const char *name, struct err *err);

/**
 * fs_clear() - empty a folder in the user's tree, and leave the folder
 * @until_ms: monotonic; what is not gone by then stays (ERR_TIMEOUT)
 *
 * No symbolic link is followed, not even on the way to it; no other mount is entered; the root
 * itself is refused. A folder that is not there is empty. Nobody else may write there meanwhile.
 *
 * Return: 0; negative: err, and some of it may be gone.
 */
int fs_clear(int root_fd, const char *path, uint64_t until_ms, struct err *err);

/**
 * fs_mount_point() - open a mount point in the user's tree, making what is missing
 * @directory: else an empty file
 * @ret_fd:    O_PATH
 *
 * Return: 0; negative: ERR_INVALID when the tree has something there that can't be it (with the
 * path), ERR_SYS otherwise.
 */
int fs_mount_point(int root_fd, const char *path, bool directory, int *ret_fd, struct err *err);
