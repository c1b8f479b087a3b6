/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mountinfo - lines of /proc/PID/mountinfo, and the layers that an overlay says it has
 *
 * Parsed in place: the strings are parts of the caller's line, with the kernel's octal escapes
 * (proc(5)) undone.
 */
#pragma once

#include <stdbool.h>

struct mountinfo {
	unsigned id;
	unsigned parent_id;
	const char *mount_point;
	const char *fs_type;
	char *super_options; /* still escaped: commas separate, see mountinfo_option() */
};

/** mountinfo_parse() - Return: false for a line that is none. */
bool mountinfo_parse(char *line, struct mountinfo *ret_info);

/**
 * mountinfo_option() - the next option of one of two names, unescaped
 * @cursor: starts as super_options; moved past what was read
 * @name, @other: "lowerdir", "lowerdir+"; @other may be NULL
 *
 * Return: its value, or NULL when there is no further one.
 */
char *mountinfo_option(char **cursor, const char *name, const char *other);

/**
 * mountinfo_layer() - the next layer of a lowerdir value
 * @cursor: starts as the value; "\:" is a colon in a path (kernel's overlayfs documentation)
 *
 * Return: a path, uppermost layer first; NULL after the last.
 */
char *mountinfo_layer(char **cursor);
