/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files - whether the files of an instance are those that its last stop left
 *
 * A stop gives the files a generation: its number with a random part, so that two histories never
 * share one. It is in three places: the mark, an extended attribute of the upper directory itself;
 * the record beside it; the instance's status. The mark also says what that directory was: which
 * one (inode and birth), and when entries in it were last made, removed or renamed.
 *
 *     start:  closed ──> open          written before the process can change anything
 *     stop:   open ──> closed          a new generation; then the disk; then the record; then the
 *                                      API. So each may be behind the one before it, never ahead.
 *
 * While it is open nothing is compared that a process may change: files of a run that was cut off
 * (a power failure) are the user's, however they look.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

enum { FILES_MARK_BYTES = 192, FILES_ID_BYTES = 32, FILES_WHY_BYTES = 256 };

/* "7-1f3a9c02"; number 0: none */
struct files_id {
	uint64_t number;
	uint32_t random;
};

struct files_folder {
	uint64_t inode;
	uint64_t born_ns;    /* 0: the file system does not say */
	uint64_t changed_ns; /* its mtime: entries of it, not of what is below */
};

struct files_mark {
	struct files_id id;
	uint32_t before; /* random part of the one that was recorded then; 0: none was */
	bool is_open;
	bool is_empty; /* when it was closed */
	struct files_folder folder;
};

/* What should be there. */
struct files_known {
	struct files_id reported; /* in the instance's status */
	struct files_id recorded; /* in the record */
	bool was_made;            /* the status has been Ready once */
};

/* What is there. */
struct files_seen {
	bool has_upper;
	bool is_empty;
	bool has_mark; /* and it can be read */
	bool is_mark_broken;
	struct files_mark mark;
	struct files_folder folder;
};

#define FILES_VERDICTS(X)                                                                          \
	X(NEW) /* nothing is there, and nothing was */                                             \
	X(SAME)                                                                                    \
	X(COPY)     /* another folder with all that it must have: copied or restored whole */      \
	X(UNMARKED) /* from before there were marks */                                             \
	X(CHANGED)                                                                                 \
	X(MISSING)

enum files_verdict {
#define X(name) FILES_##name,
	FILES_VERDICTS(X)
#undef X
};

/** files_judge() - @why: for people, when they are CHANGED or MISSING */
enum files_verdict files_judge(const struct files_known *known, const struct files_seen *seen,
                               char why[FILES_WHY_BYTES]);

/** files_is_refused() - nobody may start on them until that is accepted */
bool files_is_refused(enum files_verdict verdict);

/** files_next() - a generation later than all that are known; @random: of the caller */
struct files_id files_next(const struct files_known *known, const struct files_seen *seen,
                           uint32_t random);

/**
 * files_order() - the value of the order to go on with the files as they are now
 *
 * It names what should be there and what is, so that it is an order for this case and no later one.
 */
const char *files_order(const struct files_known *known, const struct files_seen *seen,
                        char order[2 * FILES_ID_BYTES]);

/** files_id_format() - "7-1f3a9c02" into @text, "" for none. Return: @text */
const char *files_id_format(struct files_id id, char text[FILES_ID_BYTES]);
/** files_id_parse() - "" is none. Return: 0; negative: ERR_PARSE */
int files_id_parse(const char *text, struct files_id *ret_id, struct err *err);
bool files_id_is(struct files_id a, struct files_id b);

/** files_mark_format() - Return: bytes without the NUL; they always fit */
size_t files_mark_format(const struct files_mark *mark, char text[FILES_MARK_BYTES]);
/** files_mark_parse() - @text: may be anything. Return: 0; negative: ERR_PARSE */
int files_mark_parse(const char *text, struct files_mark *ret_mark, struct err *err);
