/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pulls - notes of pulls under way, so that a power cut in one is noticed
 */
#include "local/runner/io/pulls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/hash.h"
#include "local/runner/io/sync.h"

enum { BOOT_ID_BYTES = 40, PULL_NAME_BYTES = 24 };

DEFINE_CLEANUP(DIR *, closedir);

static void pull_name(const char *image, char name[PULL_NAME_BYTES])
{
	(void)snprintf(name, PULL_NAME_BYTES, "%016" PRIx64,
	               hash_bytes(HASH_BEGIN, image, strlen(image)));
}

static void pull_path(const char *dir, const char *image, char path[PATH_MAX])
{
	char name[PULL_NAME_BYTES];

	pull_name(image, name);
	(void)snprintf(path, PATH_MAX, "%s/%s", dir, name);
}

/* One line without its end. Return: false: there is none, or it is too long */
static bool line_read(FILE *f, char *line, size_t size)
{
	char *end;

	if (fgets(line, (int)size, f) == NULL)
		return false;
	end = strchr(line, '\n');
	if (end == NULL)
		return false;
	*end = '\0';
	return true;
}

static void boot_id(char id[BOOT_ID_BYTES])
{
	CLEANUP(fclose_var) FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f == NULL || !line_read(f, id, BOOT_ID_BYTES))
		(void)snprintf(id, BOOT_ID_BYTES, "unknown");
}

static int dir_sync(const char *dir)
{
	CLEANUP(fd_close_var) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : fsync(fd);
}

int pulls_begin(const char *dir, const char *image, const char *before, struct err *err)
{
	char boot[BOOT_ID_BYTES], path[PATH_MAX];
	FILE *f;
	int rc;

	boot_id(boot);
	pull_path(dir, image, path);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_SYS, errno, "make %s", dir);
	f = fopen(path, "we");
	if (f == NULL)
		return err_set(err, ERR_SYS, errno, "write %s", path);
	rc = fprintf(f, "%s\n%s\n%s\n", boot, image, before) < 0 || fflush(f) != 0 ||
	     fsync(fileno(f)) < 0;
	if (fclose(f) != 0 || rc != 0 || dir_sync(dir) < 0)
		return err_set(err, ERR_SYS, errno, "write %s", path);
	return 0;
}

void pulls_end(const char *dir, const char *image)
{
	char path[PATH_MAX];

	pull_path(dir, image, path);
	(void)unlink(path);
}

void pulls_settle(const char *dir, const char *image)
{
	char path[PATH_MAX];

	pull_path(dir, image, path);
	sync_apart(dir, path);
}

static bool pull_read(int dir_fd, const char *name, struct pull *ret_pull, bool *ret_is_cut)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP(fclose_var) FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	char boot[BOOT_ID_BYTES], now[BOOT_ID_BYTES], wanted[PULL_NAME_BYTES];
	struct pull p;

	/* not written to its end: the pull had not begun */
	if (f == NULL || !line_read(f, boot, sizeof boot) ||
	    !line_read(f, p.image, sizeof p.image) || !line_read(f, p.before, sizeof p.before))
		return false;
	pull_name(p.image, wanted);
	if (strcmp(wanted, name) != 0)
		return false;
	boot_id(now);
	*ret_is_cut = strcmp(boot, now) != 0;
	*ret_pull = p;
	return true;
}

/* @visit: Return: false: that is enough */
static void pulls_foreach(const char *dir,
                          bool (*visit)(void *arg, const struct pull *p, bool is_cut), void *arg)
{
	CLEANUP(closedir_var) DIR *d = opendir(dir);
	const struct dirent *e;
	bool is_cut, goes_on = true;
	struct pull p;

	while (goes_on && d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		if (pull_read(dirfd(d), e->d_name, &p, &is_cut))
			goes_on = visit(arg, &p, is_cut);
		else
			(void)unlinkat(dirfd(d), e->d_name, 0);
	}
}

static bool take_cut(void *arg, const struct pull *p, bool is_cut)
{
	if (is_cut)
		*(struct pull *)arg = *p;
	return !is_cut;
}

bool pulls_next_cut(const char *dir, struct pull *ret_pull)
{
	struct pull p = {0};

	pulls_foreach(dir, take_cut, &p);
	if (p.image[0] == '\0')
		return false;
	*ret_pull = p;
	return true;
}

static bool settle(void *arg, const struct pull *p, bool is_cut)
{
	if (!is_cut)
		pulls_settle(arg, p->image);
	return true;
}

void pulls_settle_all(const char *dir)
{
	pulls_foreach(dir, settle, (void *)(uintptr_t)dir);
}
