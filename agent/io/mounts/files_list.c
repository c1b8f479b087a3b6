/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_list - files.list: written, and compared with the files
 */
#include "agent/io/mounts/files_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "agent/io/mounts/fs.h"
#include "agent/io/mounts/proc.h"
#include "lib/base/hash.h"

enum { LIST_DEPTH_MAX = 200, LIST_ATTRIBUTES_BYTES = 65536, LIST_HASH_DIGITS = 16 };

#define LIST_NAME "files.list"
#define LIST_TEMPORARY "files.list.new"

struct walk {
	void (*see)(void *arg, const struct files_entry *entry);
	void *see_arg;
	uint64_t files;
	bool is_too_many;
	char path[PATH_MAX];
	char names[LIST_ATTRIBUTES_BYTES];
	char value[LIST_ATTRIBUTES_BYTES];
};

/* --- one file --- */

/* Some attributes of the overlay change with each mount; these belong to the files. */
static bool is_attribute_listed(const char *name)
{
	if (strncmp(name, "trusted.overlay.", 16) == 0)
		return strcmp(name + 16, "opaque") == 0 || strcmp(name + 16, "redirect") == 0;
	return strncmp(name, "trusted.stoppablecontainer.", 27) != 0;
}

/* The same in whichever order the file system has them. */
static uint64_t walk_attributes(struct walk *w, const char *path)
{
	ssize_t bytes = llistxattr(path, w->names, sizeof w->names);
	uint64_t sum = 0;

	for (const char *name = w->names; name < w->names + bytes; name += strlen(name) + 1) {
		ssize_t n;

		if (!is_attribute_listed(name))
			continue;
		n = lgetxattr(path, name, w->value, sizeof w->value);
		sum += hash_bytes(hash_bytes(HASH_BEGIN, name, strlen(name) + 1), w->value,
		                  n > 0 ? (size_t)n : 0);
	}
	return sum;
}

/* A folder's time is not compared: what was made or removed in it is listed itself. */
static int walk_hash(struct walk *w, int dir_fd, const char *name, bool *ret_is_folder,
                     uint64_t *ret_hash)
{
	char path[64 + NAME_MAX];
	char target[PATH_MAX];
	struct statx st;
	uint64_t v[6];
	ssize_t bytes = 0;

	if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW,
	          STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID | STATX_SIZE | STATX_MTIME,
	          &st) < 0)
		return -1;
	*ret_is_folder = S_ISDIR(st.stx_mode);
	v[0] = st.stx_mode;
	v[1] = (uint64_t)st.stx_uid << 32 | st.stx_gid;
	v[2] = (uint64_t)st.stx_rdev_major << 32 | st.stx_rdev_minor;
	v[3] = *ret_is_folder ? 0 : st.stx_size;
	v[4] = *ret_is_folder ? 0
	                      : (uint64_t)st.stx_mtime.tv_sec * 1000000000U + st.stx_mtime.tv_nsec;
	if (S_ISLNK(st.stx_mode))
		bytes = readlinkat(dir_fd, name, target, sizeof target);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d/%s", dir_fd, name);
	v[5] = walk_attributes(w, path);
	*ret_hash = hash_bytes(hash_bytes(HASH_BEGIN, v, sizeof v), target,
	                       bytes > 0 ? (size_t)bytes : 0);
	return 0;
}

/* --- all of them --- */

static int is_entry(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

struct walk_folder {
	int fd;
	size_t at; /* where names of its entries begin in the walk's path */
	unsigned depth;
};

static int walk_folder(struct walk *w, const struct walk_folder *f, struct err *err);

/* @f: of the folder @name, not opened yet */
static int walk_into(struct walk *w, int parent_fd, const char *name, struct walk_folder f,
                     struct err *err)
{
	int rc;

	f.fd = fs_open_beneath(parent_fd, name, O_RDONLY | O_DIRECTORY, err);
	if (f.fd < 0)
		return -1;
	rc = walk_folder(w, &f, err);
	(void)close(f.fd);
	return rc;
}

static int walk_entry(struct walk *w, const struct walk_folder *f, const char *name,
                      struct err *err)
{
	size_t bytes = strlen(name);
	struct files_entry entry = {.path = w->path};
	struct walk_folder below;
	bool is_folder;

	if (w->files >= FILES_LIST_MAX) {
		w->is_too_many = true;
		return 1;
	}
	if (f->at + bytes + 2 > sizeof w->path || f->depth > LIST_DEPTH_MAX)
		return err_set(err, ERR_INVALID, 0, "%.200s…: too deep", w->path);
	memcpy(w->path + f->at, name, bytes + 1);
	if (walk_hash(w, f->fd, name, &is_folder, &entry.hash) < 0)
		return err_set(err, ERR_SYS, errno, "look at %.200s", w->path);
	w->files++;
	w->see(w->see_arg, &entry);
	if (!is_folder)
		return 0;
	w->path[f->at + bytes] = '/';
	below = (struct walk_folder){-1, f->at + bytes + 1, f->depth + 1};
	return walk_into(w, f->fd, name, below, err);
}

/* Return: 0; 1 too many; negative: err */
static int walk_folder(struct walk *w, const struct walk_folder *f, struct err *err)
{
	struct dirent **entries;
	int count = scandirat(f->fd, ".", &entries, is_entry, by_bytes);
	int rc = 0;

	if (count < 0)
		return err_set(err, ERR_SYS, errno, "read folder %.200s", w->path);
	for (int i = 0; i < count; i++) {
		if (rc == 0)
			rc = walk_entry(w, f, entries[i]->d_name, err);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

/* --- the list --- */

static void on_listed(void *arg, const struct files_entry *entry)
{
	(void)fprintf(arg, "%016" PRIx64 " %s%c", entry->hash, entry->path, '\0');
}

struct reader {
	FILE *f;
	char *line;
	size_t size;
};

static bool reader_next(void *arg, struct files_entry *ret_entry)
{
	struct reader *r = arg;
	char *end;

	if (getdelim(&r->line, &r->size, '\0', r->f) < LIST_HASH_DIGITS + 1)
		return false;
	ret_entry->hash = strtoull(r->line, &end, 16);
	ret_entry->path = r->line + LIST_HASH_DIGITS + 1;
	return true;
}

static int files_list_write(int dir, struct files_id id, struct files_listed *listed,
                            struct err *err)
{
	CLEANUP(free_var) struct walk *w = calloc(1, sizeof *w);
	CLEANUP(fclose_var) FILE *f = NULL;
	char text[FILES_ID_BYTES];
	int fd;
	int rc;

	if (w == NULL)
		return err_set(err, ERR_NOMEM, 0, "list of files");
	fd = openat(dir, LIST_TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
	            0600);
	f = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (f == NULL)
		return err_set(err, ERR_SYS, errno, "make " LIST_TEMPORARY);
	(void)fprintf(f, "%s%c", files_id_format(id, text), '\0');
	w->see = on_listed;
	w->see_arg = f;
	rc = walk_into(w, dir, "upper", (struct walk_folder){.fd = -1}, err);
	listed->files = w->files;
	listed->is_too_many = w->is_too_many;
	if (rc == 0 && (fflush(f) != 0 || ferror(f)))
		return err_set(err, ERR_SYS, errno, "write " LIST_TEMPORARY);
	return rc;
}

/* Return: 0 they are closed; 1 they are not; negative: err */
static int files_are_open(int dir, struct files_id *ret_id, struct err *err)
{
	struct files_seen seen;

	if (files_see(dir, &seen, err) < 0)
		return -1;
	*ret_id = seen.mark.id;
	return !seen.has_mark || seen.mark.is_open;
}

int files_list_make(void *arg, void *data, struct err *err)
{
	const struct files_use *use = arg;
	CLEANUP(fd_close_var) int dir = rootfs_open(&use->place, O_RDONLY, err);
	struct files_id before;
	struct files_id after;
	int rc;

	if (dir < 0)
		return -1;
	proc_lower_priority();
	/* that of another generation must not be taken for this one's */
	rc = files_are_open(dir, &before, err);
	if (rc == 0)
		rc = files_list_write(dir, before, data, err);
	if (rc == 0)
		rc = files_are_open(dir, &after, err);
	if (rc == 0 && files_id_is(before, after)) {
		if (renameat(dir, LIST_TEMPORARY, dir, LIST_NAME) < 0)
			return err_set(err, ERR_SYS, errno, "keep " LIST_NAME);
		return 0;
	}
	(void)unlinkat(dir, LIST_TEMPORARY, 0);
	return rc;
}

/* --- the comparison --- */

const char *files_result_text(enum files_result result)
{
	static const char *const texts[] = {
#define X(name, text) [FILES_RESULT_##name] = text,
	        FILES_RESULTS(X)
#undef X
	};

	return texts[result];
}

static void on_verified(void *arg, const struct files_entry *entry)
{
	files_diff_see(arg, entry);
}

static int files_compare(int dir, struct reader *r, struct files_verified *v, struct err *err)
{
	CLEANUP(free_var) struct walk *w = calloc(1, sizeof *w);
	CLEANUP(free_var) struct files_diff *d = calloc(1, sizeof *d);
	int rc;

	if (w == NULL || d == NULL)
		return err_set(err, ERR_NOMEM, 0, "compare files");
	files_diff_begin(d, reader_next, r);
	w->see = on_verified;
	w->see_arg = d;
	rc = walk_into(w, dir, "upper", (struct walk_folder){.fd = -1}, err);
	if (rc == 0)
		files_diff_end(d);
	v->files = w->files;
	v->differences = d->differences;
	memcpy(v->text, d->text, sizeof v->text);
	v->result = d->differences > 0 ? FILES_RESULT_DIFFERS : FILES_RESULT_SAME;
	return rc <= 0 ? rc
	               : err_set(err, ERR_INVALID, 0,
	                         "more than %d files: not compared to their end", FILES_LIST_MAX);
}

static int files_verify_in(int dir, struct files_verified *v, struct err *err)
{
	CLEANUP(free_var) char *line = NULL;
	CLEANUP(fclose_var) FILE *f = NULL;
	struct reader r = {0};
	int rc;
	int fd = fs_open_beneath(dir, LIST_NAME, O_RDONLY, err);

	f = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (f == NULL || getdelim(&line, &r.size, '\0', f) < 0 ||
	    files_id_parse(line, &v->generation, err) < 0) {
		v->result = FILES_RESULT_NO_LIST;
		(void)snprintf(
		        v->text, sizeof v->text,
		        "no list was made of these files: they slept for a few seconds only, "
		        "there are more than %d of them, or they are of an earlier version",
		        FILES_LIST_MAX);
		return 0;
	}
	r = (struct reader){.f = f};
	rc = files_compare(dir, &r, v, err);
	free(r.line);
	return rc;
}

int files_verify(void *arg, void *data, struct err *err)
{
	const struct files_use *use = arg;
	struct files_verified *v = data;
	CLEANUP(fd_close_var) int dir = rootfs_open(&use->place, O_RDONLY, err);
	int rc = -1;

	(void)setpriority(PRIO_PROCESS, 0, 10);
	if (dir >= 0 && faccessat(dir, "upper", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		rc = files_verify_in(dir, v, err);
	else if (dir >= 0)
		(void)err_set(err, ERR_SYS, errno, "look at upper");
	if (rc < 0) {
		v->result = err->sys_errno == ENOENT ? FILES_RESULT_MISSING : FILES_RESULT_FAILED;
		(void)snprintf(v->text, sizeof v->text, "%s", err->text);
	}
	return 0;
}
