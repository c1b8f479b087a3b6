/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pulls - images whose files may not be on the disk yet: a file for each, which is
 *
 *     pulls_begin() ──> DIR/<hash of the name> ──pulls_settle(): all is synced──> gone
 *
 * Podman removes by itself what it was writing when it was cut off. But it does not sync an image's
 * files before it says that the image is whole, so that a power cut soon after leaves it with files
 * of no bytes, for good: what has its layers already is not pulled again. A file that is here when
 * the machine has booted anew tells of such an image.
 */
#pragma once

#include <stdbool.h>

#include "lib/base/err.h"

struct pull {
	char image[512];
	char before[128]; /* the id that the name had; "": none */
};

/** pulls_begin() - durable when it returns; @before: "" when the image is not there */
int pulls_begin(const char *dir, const char *image, const char *before, struct err *err);

/** pulls_end() - there is nothing to be feared for: it failed, or was looked after */
void pulls_end(const char *dir, const char *image);

/** pulls_settle() - sync, by a process that nobody waits for, and then as pulls_end() */
void pulls_settle(const char *dir, const char *image);

/** pulls_next_cut() - any one of before the machine's last boot. Return: false: there is none */
bool pulls_next_cut(const char *dir, struct pull *ret_pull);

/** pulls_settle_all() - those that an engine left that was killed: the machine has what it wrote */
void pulls_settle_all(const char *dir);
