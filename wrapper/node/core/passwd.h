/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passwd - an image's USER ("", "1000", "app", "app:web", "1000:50") in numbers
 *
 * The image specification: names are looked up in the image's own /etc/passwd and /etc/group; a
 * user without a group gets its primary one, or 0 when it is not in the file.
 */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"

/**
 * passwd_resolve() - @passwd, @group: the files' texts, "" when there are none
 * Return: 0; negative when a name is in neither file.
 */
int passwd_resolve(const char *user, const char *passwd, const char *group, uint32_t *ret_uid,
                   uint32_t *ret_gid, struct err *err);
