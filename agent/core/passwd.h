/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passwd - an image's USER ("", "1000", "app", "app:web", "1000:50") in numbers
 *
 * The image specification: names are looked up in the image's own /etc/passwd and /etc/group; a
 * user without a group gets its primary one, or 0 when it is not in the file. As runtimes do, the
 * groups that name the user as a member come along, but for the one that has its name.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum {
	PASSWD_GROUPS_MAX = 64,  /* further ones are left out */
	PASSWD_HOME_BYTES = 512, /* a longer path is not taken */
};

struct passwd_user {
	uint32_t uid;
	uint32_t gid;
	uint32_t groups[PASSWD_GROUPS_MAX];
	size_t groups_count;
	char home[PASSWD_HOME_BYTES]; /* "/" for who is not in the file */
};

/**
 * passwd_resolve() - @passwd, @group: the files' texts, "" when there are none
 * Return: 0; negative when a name is in neither file.
 */
int passwd_resolve(const char *user, const char *passwd, const char *group,
                   struct passwd_user *ret_user, struct err *err);
