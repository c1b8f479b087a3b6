/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files - generations of files: their texts, and whether what is there is what was left
 */
#include "agent/core/files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/num.h"

enum { FILES_MARK_VERSION = 1, FILES_RANDOM_DIGITS = 8 };

/* In the order in which they stand in a mark. */
enum mark_field {
	MARK_VERSION,
	MARK_NUMBER,
	MARK_RANDOM,
	MARK_BEFORE,
	MARK_IS_OPEN,
	MARK_IS_EMPTY,
	MARK_INODE,
	MARK_BORN,
	MARK_CHANGED,
	MARK_FIELDS_COUNT
};

static const uint64_t field_max[MARK_FIELDS_COUNT] = {FILES_MARK_VERSION, UINT64_MAX, UINT32_MAX,
                                                      UINT32_MAX,         1,          1,
                                                      UINT64_MAX,         UINT64_MAX, UINT64_MAX};

const char *files_id_format(struct files_id id, char text[FILES_ID_BYTES])
{
	text[0] = '\0';
	if (id.number != 0)
		(void)snprintf(text, FILES_ID_BYTES, "%" PRIu64 "-%08" PRIx32, id.number,
		               id.random);
	return text;
}

int files_id_parse(const char *text, struct files_id *ret_id, struct err *err)
{
	char number[FILES_ID_BYTES];
	size_t bytes = strcspn(text, "-");
	struct files_id id = {0};

	if (*text != '\0') {
		const char *random = text + bytes + 1;

		if (bytes >= sizeof number || strlen(text) != bytes + 1 + FILES_RANDOM_DIGITS ||
		    strspn(random, "0123456789abcdef") != FILES_RANDOM_DIGITS)
			return err_set(err, ERR_PARSE, 0, "\"%.40s\" is no generation", text);
		memcpy(number, text, bytes);
		number[bytes] = '\0';
		if (num_parse_u64(number, 1, UINT64_MAX, &id.number, err) < 0)
			return -1;
		id.random = (uint32_t)strtoul(random, NULL, 16);
	}
	*ret_id = id;
	return 0;
}

bool files_id_is(struct files_id a, struct files_id b)
{
	return a.number == b.number && a.random == b.random;
}

size_t files_mark_format(const struct files_mark *m, char text[FILES_MARK_BYTES])
{
	int bytes = snprintf(text, FILES_MARK_BYTES,
	                     "%d %" PRIu64 " %" PRIu32 " %" PRIu32 " %d %d %" PRIu64 " %" PRIu64
	                     " %" PRIu64,
	                     FILES_MARK_VERSION, m->id.number, m->id.random, m->before, m->is_open,
	                     m->is_empty, m->folder.inode, m->folder.born_ns, m->folder.changed_ns);

	return (size_t)bytes;
}

int files_mark_parse(const char *text, struct files_mark *ret_mark, struct err *err)
{
	uint64_t v[MARK_FIELDS_COUNT];
	char word[FILES_ID_BYTES];

	for (int i = 0; i < MARK_FIELDS_COUNT; i++) {
		size_t bytes = strcspn(text, " ");
		bool is_last = i == MARK_FIELDS_COUNT - 1;

		if (bytes >= sizeof word || (text[bytes] == '\0') != is_last)
			return err_set(err, ERR_PARSE, 0, "not a mark of version %d",
			               FILES_MARK_VERSION);
		memcpy(word, text, bytes);
		word[bytes] = '\0';
		if (num_parse_u64(word, i <= MARK_NUMBER ? 1 : 0, field_max[i], &v[i], err) < 0)
			return err_wrap(err, "mark, field %d", i + 1);
		text += bytes + 1;
	}
	*ret_mark = (struct files_mark){
	        .id = {v[MARK_NUMBER], (uint32_t)v[MARK_RANDOM]},
	        .before = (uint32_t)v[MARK_BEFORE],
	        .is_open = v[MARK_IS_OPEN] != 0,
	        .is_empty = v[MARK_IS_EMPTY] != 0,
	        .folder = {v[MARK_INODE], v[MARK_BORN], v[MARK_CHANGED]},
	};
	return 0;
}

/*
 * The mark continues what is recorded: it is that, or was made when that was the last. A record
 * that was put back from a copy is older; then the status decides.
 */
static bool files_continue(const struct files_mark *m, const struct files_known *known)
{
	if (files_id_is(m->id, known->recorded) || files_id_is(m->id, known->reported))
		return true;
	return m->id.number > known->recorded.number && m->before == known->recorded.random;
}

/* The API server may have been restored from an older copy; it never has a later one. */
static bool files_reach(struct files_id id, struct files_id reported)
{
	return reported.number < id.number || files_id_is(reported, id);
}

static struct files_id files_expected(const struct files_known *known)
{
	return known->reported.number > known->recorded.number ? known->reported : known->recorded;
}

static enum files_verdict judge_unmarked(const struct files_known *known,
                                         const struct files_seen *seen, char why[FILES_WHY_BYTES])
{
	struct files_id expected = files_expected(known);

	if (expected.number == 0) {
		if (seen->has_upper)
			return FILES_UNMARKED;
		if (!known->was_made)
			return FILES_NEW;
		(void)snprintf(why, FILES_WHY_BYTES, "they were there, and the folder is gone");
		return FILES_MISSING;
	}
	if (!seen->has_upper || (seen->is_empty && !seen->is_mark_broken)) {
		(void)snprintf(why, FILES_WHY_BYTES, "generation %" PRIu64 " was there, and %s",
		               expected.number,
		               seen->has_upper ? "the folder is empty" : "the folder is gone");
		return FILES_MISSING;
	}
	(void)snprintf(why, FILES_WHY_BYTES, "generation %" PRIu64 " was there, and upper/ %s",
	               expected.number,
	               seen->is_mark_broken
	                       ? "has a mark that cannot be read"
	                       : "has no mark: another folder, or copied without its extended "
	                         "attributes (then files that were deleted are back)");
	return FILES_CHANGED;
}

static bool is_same_folder(const struct files_folder *a, const struct files_folder *b)
{
	return a->inode == b->inode && a->born_ns == b->born_ns;
}

static enum files_verdict judge_folder(const struct files_seen *seen, char why[FILES_WHY_BYTES])
{
	const struct files_mark *m = &seen->mark;

	if (m->is_open) {
		if (is_same_folder(&m->folder, &seen->folder))
			return FILES_SAME;
		(void)snprintf(why, FILES_WHY_BYTES,
		               "upper/ is a copy that was taken while a process used the files of "
		               "generation %" PRIu64,
		               m->id.number);
		return FILES_CHANGED;
	}
	if (m->folder.changed_ns != seen->folder.changed_ns) {
		if (seen->is_empty && !m->is_empty) {
			(void)snprintf(why, FILES_WHY_BYTES,
			               "generation %" PRIu64 " was there, and upper/ is empty",
			               m->id.number);
			return FILES_MISSING;
		}
		(void)snprintf(why, FILES_WHY_BYTES,
		               "entries of upper/ were made, removed or renamed since generation "
		               "%" PRIu64 " was left",
		               m->id.number);
		return FILES_CHANGED;
	}
	return is_same_folder(&m->folder, &seen->folder) ? FILES_SAME : FILES_COPY;
}

enum files_verdict files_judge(const struct files_known *known, const struct files_seen *seen,
                               char why[FILES_WHY_BYTES])
{
	char should[FILES_ID_BYTES];
	char is[FILES_ID_BYTES];

	why[0] = '\0';
	if (!seen->has_mark)
		return judge_unmarked(known, seen, why);
	if (files_continue(&seen->mark, known) && files_reach(seen->mark.id, known->reported))
		return judge_folder(seen, why);
	(void)snprintf(why, FILES_WHY_BYTES, "they are of generation %s, and the last was %s",
	               files_id_format(seen->mark.id, is),
	               files_id_format(files_expected(known), should));
	return FILES_CHANGED;
}

bool files_is_refused(enum files_verdict verdict)
{
	return verdict == FILES_CHANGED || verdict == FILES_MISSING;
}

struct files_id files_next(const struct files_known *known, const struct files_seen *seen,
                           uint32_t random)
{
	uint64_t last = files_expected(known).number;

	if (seen->has_mark && seen->mark.id.number > last)
		last = seen->mark.id.number;
	/* a mark that names the most that there can be is nobody's work but a forger's */
	return (struct files_id){last < UINT64_MAX ? last + 1 : last, random};
}

const char *files_order(const struct files_known *known, const struct files_seen *seen,
                        char order[2 * FILES_ID_BYTES])
{
	char should[FILES_ID_BYTES];
	char is[FILES_ID_BYTES];

	(void)files_id_format(files_expected(known), should);
	(void)files_id_format(seen->has_mark ? seen->mark.id : (struct files_id){0}, is);
	(void)snprintf(order, 2 * FILES_ID_BYTES, "%s:%s", should[0] != '\0' ? should : "none",
	               is[0] != '\0' ? is : "none");
	return order;
}
