/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openat2 - openat2(2), which glibc has no function for
 */
#pragma once

#include <linux/openat2.h>
#include <stdint.h>

/**
 * openat2_call() - @resolve: RESOLVE_…; O_CLOEXEC is added to @flags
 * A rename or mount anywhere on the machine may race a ".." of the path (EAGAIN): it is asked
 * again. Return: descriptor, or -1 with errno
 */
int openat2_call(int dir_fd, const char *path, uint64_t flags, uint64_t resolve);
