/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_mark - the mark on upper/: read, written, opened before a run and closed after it
 */
#include "agent/io/mounts/files_mark.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "agent/core/record.h"
#include "agent/io/mounts/fs.h"
#include "lib/base/clk.h"

uint32_t files_random(void)
{
	uint32_t random = 0;

	/* never blocks: an agent runs long after the kernel has enough */
	if (getrandom(&random, sizeof random, 0) < (ssize_t)sizeof random || random == 0)
		random = 1;
	return random;
}

static uint64_t files_time_ns(const struct statx_timestamp *t)
{
	return (uint64_t)t->tv_sec * 1000000000U + t->tv_nsec;
}

static int files_see_folder(int upper_fd, struct files_folder *ret_folder, struct err *err)
{
	struct statx st;

	if (statx(upper_fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MTIME | STATX_BTIME, &st) < 0)
		return err_set(err, ERR_SYS, errno, "look at upper");
	*ret_folder = (struct files_folder){
	        .inode = st.stx_ino,
	        .born_ns = (st.stx_mask & STATX_BTIME) != 0 ? files_time_ns(&st.stx_btime) : 0,
	        .changed_ns = files_time_ns(&st.stx_mtime),
	};
	return 0;
}

static int files_see_mark(int upper_fd, struct files_seen *seen, struct err *err)
{
	char text[FILES_MARK_BYTES];
	ssize_t bytes = fgetxattr(upper_fd, FILES_MARK_ATTRIBUTE, text, sizeof text - 1);

	if (bytes < 0 && errno == ENODATA)
		return 0;
	if (bytes < 0 && errno != ERANGE)
		return err_set(err, ERR_SYS, errno, "mark of upper");
	if (bytes >= 0) {
		text[bytes] = '\0';
		seen->has_mark = files_mark_parse(text, &seen->mark, NULL) == 0;
	}
	seen->is_mark_broken = !seen->has_mark;
	return 0;
}

int files_see(int dir_fd, struct files_seen *ret_seen, struct err *err)
{
	CLEANUP(fd_close_var) int upper = -1;
	struct files_seen seen = {0};
	int empty = 0;

	if (dir_fd >= 0)
		upper = fs_open_beneath(dir_fd, "upper", O_RDONLY | O_DIRECTORY, err);
	if (dir_fd >= 0 && upper < 0 && err->sys_errno != ENOENT)
		return -1;
	if (upper < 0) {
		*ret_seen = seen;
		return 0;
	}
	seen.has_upper = true;
	if (files_see_folder(upper, &seen.folder, err) < 0 || files_see_mark(upper, &seen, err) < 0)
		return -1;
	/* not asked where it does not matter: that is the way of a start */
	if (!seen.has_mark || seen.mark.folder.changed_ns != seen.folder.changed_ns)
		empty = fs_is_empty(dir_fd, "upper", err);
	if (empty < 0)
		return -1;
	seen.is_empty = empty > 0;
	*ret_seen = seen;
	return 0;
}

int files_mark_put(int dir_fd, struct files_mark *mark, struct err *err)
{
	CLEANUP(fd_close_var)
	int upper = fs_open_beneath(dir_fd, "upper", O_RDONLY | O_DIRECTORY, err);
	char text[FILES_MARK_BYTES];
	size_t bytes;

	assert(mark->id.number != 0);
	if (upper < 0 || files_see_folder(upper, &mark->folder, err) < 0)
		return -1;
	bytes = files_mark_format(mark, text);
	if (fsetxattr(upper, FILES_MARK_ATTRIBUTE, text, bytes, 0) < 0)
		return err_set(err, ERR_SYS, errno, "mark upper");
	return 0;
}

/* @ret_fd: O_PATH, or -1: there is none */
static int files_find_folder(const struct rootfs_place *p, int *ret_fd, struct err *err)
{
	*ret_fd = rootfs_open(p, O_PATH, err);
	return *ret_fd >= 0 || err->sys_errno == ENOENT ? 0 : -1;
}

const char *files_refuse(const struct rootfs_place *p, enum files_verdict verdict, const char *why,
                         const char *order, struct err *err)
{
	static const char advice[] = "Nothing was touched: put them back, or go on";
	bool missing = verdict == FILES_MISSING;

	if (order[0] == '\0')
		(void)err_set(err, ERR_INVALID, 0, "the kept files are not what they were: %s",
		              why);
	else
		(void)err_set(err, ERR_INVALID, 0,
		              "the kept files are not what they were: %s. %s %s: kubectl annotate "
		              "-n %s sci %s stoppablecontainer.xtlsoft.top/accept-rootfs=%s",
		              why, advice, missing ? "without them" : "with them as they are now",
		              p->ns, p->name, order);
	return missing ? "FilesMissing" : "FilesChanged";
}

static int files_open_now(const struct files_use *use, struct files_opened *opened, struct err *err)
{
	CLEANUP(fd_close_var) int dir = -1;
	char order[2 * FILES_ID_BYTES] = "";
	char why[FILES_WHY_BYTES];
	enum files_verdict verdict;
	struct files_seen seen;

	if (files_find_folder(&use->place, &dir, err) < 0 || files_see(dir, &seen, err) < 0)
		return -1;
	verdict = files_judge(&use->known, &seen, why);
	if (verdict == FILES_UNMARKED)
		return 0;
	if (verdict == FILES_SAME) {
		seen.mark.is_open = true;
		return files_mark_put(dir, &seen.mark, err);
	}
	if (verdict != FILES_COPY)
		(void)files_order(&use->known, &seen, order);
	else /* mounted again, it is */
		(void)snprintf(why, sizeof why, "upper/ is not the folder that is mounted");
	(void)snprintf(opened->reason, sizeof opened->reason, "%s",
	               files_refuse(&use->place, verdict, why, order, err));
	return 1;
}

int files_open(const struct files_use *use, struct files_opened *ret_opened, struct err *err)
{
	uint64_t begin_us = clk_now_us();
	int rc = files_open_now(use, ret_opened, err);

	ret_opened->took_us = clk_now_us() - begin_us;
	return rc;
}

int files_close(void *arg, void *data, struct err *err)
{
	const struct files_use *use = arg;
	CLEANUP(fd_close_var) int dir = -1;
	struct files_mark mark = {.before = use->known.recorded.random};
	char why[FILES_WHY_BYTES];
	enum files_verdict verdict;
	struct files_seen seen;
	int empty;

	(void)data;
	if (rootfs_holder(&use->place) > 0)
		return FILES_IN_USE;
	if (files_find_folder(&use->place, &dir, err) < 0 || files_see(dir, &seen, err) < 0)
		return -1;
	verdict = files_judge(&use->known, &seen, why);
	if (verdict != FILES_SAME && verdict != FILES_UNMARKED)
		return err_set(err, ERR_INVALID, 0, "the next start is refused: %s", why);
	if (seen.has_mark && !seen.mark.is_open)
		return FILES_CLOSED;
	empty = fs_is_empty(dir, "upper", err);
	if (empty < 0)
		return -1;
	mark.id = files_next(&use->known, &seen, files_random());
	mark.is_empty = empty > 0;
	return files_mark_put(dir, &mark, err);
}

static int files_record(int dir_fd, struct files_id id, struct err *err)
{
	CLEANUP(free_var) char *text = NULL;
	CLEANUP(free_var) char *next = NULL;
	struct record record;
	bool is_there;

	if (fs_read_file(dir_fd, "record.json", RECORD_BYTES_MAX, &text, err) < 0 ||
	    record_parse(text, &record, err) < 0)
		return err_wrap(err, "record.json");
	is_there = files_id_is(record.files, id);
	if (!is_there)
		next = record_format_files(&record, id);
	record_done(&record);
	if (is_there)
		return 0;
	if (next == NULL)
		return err_set(err, ERR_NOMEM, 0, "record");
	return fs_write_file(dir_fd, "record.json", next, strlen(next), err);
}

int files_settle(void *arg, void *data, struct err *err)
{
	const struct files_use *use = arg;
	struct files_id *settled = data;
	CLEANUP(fd_close_var) int dir = -1;
	CLEANUP(fd_close_var) int upper = -1;
	struct files_seen seen;

	if (files_find_folder(&use->place, &dir, err) < 0)
		return -1;
	upper = fs_open_beneath(dir, "upper", O_RDONLY | O_DIRECTORY, err);
	if (upper < 0 || files_see(dir, &seen, err) < 0)
		return -1;
	if (!seen.has_mark)
		return err_set(err, ERR_NOT_FOUND, 0, "upper has no mark");
	/* the record must never have a generation that a power failure may take back */
	if (fsync(upper) < 0)
		return err_set(err, ERR_SYS, errno, "sync upper");
	if (files_record(dir, seen.mark.id, err) < 0)
		return -1;
	*settled = seen.mark.id;
	return 0;
}
