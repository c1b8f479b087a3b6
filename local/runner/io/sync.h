/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync - what Podman wrote, which does not sync images itself, outlives a power cut
 */
#pragma once

#include "lib/base/err.h"

/** sync_now() - all of the file system that @dir is on; may take seconds */
int sync_now(const char *dir, struct err *err);

/** sync_apart() - the same by a process that nobody waits for; when it is done, @mark is removed */
void sync_apart(const char *dir, const char *mark);
