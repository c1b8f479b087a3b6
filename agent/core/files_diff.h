/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_diff - differences between a list of files and the files
 *
 * Both are in the order of files_path_compare(), so that neither need be in memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILES_DIFF_TEXT_BYTES = 1024, FILES_DIFF_PATH_BYTES = 200 };

struct files_entry {
	const char *path; /* relative; any bytes */
	uint64_t hash;    /* of all that is compared */
};

struct files_diff {
	/* The list's next entry. @ret_entry lasts until the next call. Return: false at its end */
	bool (*next)(void *arg, struct files_entry *ret_entry);
	void *next_arg;
	struct files_entry listed;
	bool has_listed;
	uint64_t same;
	uint64_t differences;
	char text[FILES_DIFF_TEXT_BYTES]; /* "removed etc/motd\n…", the first ones; as far as it
	                                     goes */
	size_t text_bytes;
};

/** files_path_compare() - a folder, then all in it; names by their bytes */
int files_path_compare(const char *a, const char *b);

/** files_diff_begin() - reads the list's first entry; @arg: borrowed until files_diff_end() */
void files_diff_begin(struct files_diff *d, bool (*next)(void *, struct files_entry *), void *arg);
/** files_diff_see() - the next one that is there */
void files_diff_see(struct files_diff *d, const struct files_entry *there);
/** files_diff_end() - what is left of the list was removed */
void files_diff_end(struct files_diff *d);
