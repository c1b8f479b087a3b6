/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_list - a list of an instance's files, with what can be known of each without reading it
 *
 * <folder>/files.list, beside the record: a generation, then a record for each file and folder in
 * upper/, ended by NUL. Type, mode, owner, size, time, target of a link, and attributes are
 * compared; the bytes of a file are not read. Some hundred bytes a file.
 */
#pragma once

#include "agent/core/files_diff.h"
#include "agent/io/mounts/files_mark.h"

/* More files than that are not listed. */
enum { FILES_LIST_MAX = 200000 };

struct files_listed {
	uint64_t files;
	bool is_too_many;
};

/**
 * files_list_make() - run of a task; as a process that takes only what nobody else wants
 * @use: struct files_use; @data: struct files_listed
 *
 * Only of files that are closed, and only when they still are so at its end.
 */
int files_list_make(void *use, void *data, struct err *err);

#define FILES_RESULTS(X)                                                                           \
	X(SAME, "Same")                                                                            \
	X(DIFFERS, "Differs")                                                                      \
	X(NO_LIST, "NoList")                                                                       \
	X(IN_USE, "InUse")                                                                         \
	X(MISSING, "Missing")                                                                      \
	X(FAILED, "Failed")

enum files_result {
#define X(name, text) FILES_RESULT_##name,
	FILES_RESULTS(X)
#undef X
};

const char *files_result_text(enum files_result result);

struct files_verified {
	enum files_result result;
	struct files_id generation; /* of the list */
	uint64_t files;
	uint64_t differences;
	char text[FILES_DIFF_TEXT_BYTES]; /* the first differences, or what went wrong */
};

/** files_verify() - run of a task; @use: struct files_use; @data: struct files_verified. Return: 0
 */
int files_verify(void *use, void *data, struct err *err);
