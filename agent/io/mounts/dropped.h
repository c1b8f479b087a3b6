/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dropped - files that were given up: moved aside at once, removed when there is time
 *
 *     <folder>/{upper,work} ──rename──> <folder>/dropped-XXXXXXXX ──task, low priority──> gone
 *
 * It is known by its name: an agent that starts anew finds what the one before it left. It
 * stays in its instance's folder, so that nothing is left of an instance that was removed.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/err.h"

/* So many wait at most: who drops faster than the disk removes waits for it. */
enum { DROPPED_MAX = 8 };

/**
 * dropped_put() - move @name of the folder aside
 *
 * Durable with the next fsync of the folder.
 *
 * Return: 0 it is aside, or was not there; 1 it can't be moved: remove it where it is; negative:
 * err
 */
int dropped_put(int dir_fd, const char *name, struct err *err);

/** dropped_has() - something waits to be removed */
bool dropped_has(int dir_fd);

/** dropped_remove() - run of a task; @place: struct rootfs_place. Return: 0; negative: err */
int dropped_remove(void *place, void *data, struct err *err);
