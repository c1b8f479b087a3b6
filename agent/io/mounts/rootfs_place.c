/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootfs_place - where a root filesystem is, and what its folder shows without mounting it
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "agent/core/record.h"
#include "agent/io/mounts/fs.h"
#include "agent/io/mounts/rootfs.h"

int rootfs_path(char path[PATH_MAX], struct err *err, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(path, PATH_MAX, fmt, ap);
	va_end(ap);
	return len >= 0 && len < PATH_MAX ? 0 : err_set(err, ERR_INVALID, 0, "path too long");
}

int rootfs_dir(const struct rootfs_place *p, char path[PATH_MAX], struct err *err)
{
	return rootfs_path(path, err, "%s/%s/%s.%s", p->prefix, p->ns, p->name, p->uid);
}

int rootfs_target(const struct rootfs_place *p, char path[PATH_MAX], struct err *err)
{
	return rootfs_path(path, err, "%s/%s", p->staging_dir, p->uid);
}

int rootfs_open(const struct rootfs_place *p, int flags, struct err *err)
{
	char dir[PATH_MAX];
	int fd;

	if (rootfs_dir(p, dir, err) < 0)
		return -1;
	fd = open(dir, flags | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : err_set(err, ERR_SYS, errno, "open %s", dir);
}

bool rootfs_has_layers(const struct rootfs_place *p)
{
	struct err err;
	struct record record = {0};
	CLEANUP(free_var) char *text = NULL;
	CLEANUP(fd_close_var) int fd = rootfs_open(p, O_PATH, &err);
	bool has_all = true;
	json_t *layer;
	size_t i;

	if (fd < 0 || fs_read_file(fd, "record.json", RECORD_BYTES_MAX, &text, NULL) < 0 ||
	    record_parse(text, &record, NULL) < 0)
		return true;
	json_array_foreach(record.layers, i, layer) {
		if (access(json_string_value(layer), F_OK) < 0 && errno == ENOENT)
			has_all = false;
	}
	record_done(&record);
	return has_all;
}
