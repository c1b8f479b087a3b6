/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume_files - the files of configMap and secret volumes, and removing the folder of a Pod
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/kube/client/object.h"
#include "local/runner/io/volume_private.h"

#define DATA_FOLDER "..0"
#define DATA_LINK "..data"

enum { REMOVE_ENTRIES_MAX = 512, REMOVE_DEPTH_MAX = 512 };

struct files {
	int dir_fd;  /* the volume */
	int data_fd; /* the folder that ..data points to */
	bool secret;
	mode_t mode;
	const json_t *object;
};

static int bytes_write(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static char *base64_bytes(const char *base64, size_t *ret_len)
{
	char *bytes = base64 ? malloc(base64_data_bytes(base64)) : NULL;

	if (bytes != NULL && base64_decode(base64, bytes, ret_len))
		return bytes;
	free(bytes);
	return NULL;
}

/* The bytes of a key. Return: new memory, or NULL when it is missing or malformed */
static char *key_bytes(const struct files *f, const char *key, size_t *ret_len)
{
	const char *text = json_str_at(f->object, NULL, "data", key, NULL);
	const char *binary = json_str_at(f->object, NULL, "binaryData", key, NULL);

	if (f->secret || text == NULL)
		return base64_bytes(f->secret ? text : binary, ret_len);
	*ret_len = strlen(text);
	return strdup(text);
}

/* ..data/PATH, and a link to its first component beside ..data */
static int file_put(const struct files *f, const char *key, const char *path, mode_t mode,
                    struct err *err)
{
	size_t len = 0, first = strcspn(path, "/");
	const char *slash = strrchr(path, '/');
	char top[256], target[300], parent[512] = "";
	CLEANUP(free_var) char *bytes = key_bytes(f, key, &len);
	CLEANUP(fd_close_var) int parent_fd = -1;
	CLEANUP(fd_close_var) int fd = -1;

	if (bytes == NULL)
		return err_set(err, ERR_NOT_FOUND, 0, "references non-existent key: %s", key);
	if (slash != NULL)
		(void)snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
	parent_fd = volume_dirs_make(f->data_fd, parent, 0755, err);
	if (parent_fd < 0)
		return -1;
	fd = openat(parent_fd, slash ? slash + 1 : path,
	            O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || bytes_write(fd, bytes, len) < 0 || fchmod(fd, mode) < 0)
		return err_set(err, ERR_SYS, errno, "write %s", path);
	(void)snprintf(top, sizeof top, "%.*s", (int)first, path);
	(void)snprintf(target, sizeof target, DATA_LINK "/%s", top);
	if (symlinkat(target, f->dir_fd, top) < 0 && errno != EEXIST)
		return err_set(err, ERR_SYS, errno, "link %s", top);
	return 0;
}

static int files_put_items(const struct files *f, const json_t *items, bool optional,
                           struct err *err)
{
	json_t *item;
	size_t i;

	json_array_foreach(items, i, item) {
		const char *key = json_str_at(item, "", "key", NULL);
		const char *path = json_str_at(item, key, "path", NULL);
		mode_t mode = (mode_t)json_int_at(item, f->mode, "mode", NULL);

		if (file_put(f, key, path, mode, err) < 0 &&
		    !(optional && err->code == ERR_NOT_FOUND))
			return -1;
	}
	return 0;
}

static int files_put_all(const struct files *f, struct err *err)
{
	static const char *const maps[] = {"data", "binaryData"};
	const char *key;
	json_t *value;

	for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
		json_object_foreach(json_object_get(f->object, maps[i]), key, value) {
			(void)value;
			if (file_put(f, key, key, f->mode, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int files_open(int parent_fd, const char *name, struct files *f, struct err *err)
{
	f->dir_fd = volume_dirs_make(parent_fd, name, 0755, err);
	if (f->dir_fd < 0)
		return -1;
	f->data_fd = volume_dirs_make(f->dir_fd, DATA_FOLDER, 0755, err);
	if (f->data_fd < 0)
		return -1;
	if (symlinkat(DATA_FOLDER, f->dir_fd, DATA_LINK) < 0 && errno != EEXIST)
		return err_set(err, ERR_SYS, errno, "link " DATA_LINK);
	return 0;
}

int volume_files_write(int parent_fd, const struct volume_files *volume,
                       const struct pod_env_source *src, struct err *err)
{
	const json_t *source = volume->source;
	bool secret = strcmp(volume->kind, "secret") == 0;
	const char *object_name = json_str_at(source, "", secret ? "secretName" : "name", NULL);
	bool optional = json_bool_at(source, false, "optional", NULL);
	json_t *object = src->find(src->arg, secret ? "Secret" : "ConfigMap", object_name);
	const json_t *items = json_object_get(source, "items");
	struct files f = {
	        .dir_fd = -1,
	        .data_fd = -1,
	        .secret = secret,
	        .mode = (mode_t)json_int_at(source, 0644, "defaultMode", NULL),
	        .object = object,
	};
	int r;

	if (object == NULL && !optional)
		return err_set(err, ERR_NOT_FOUND, 0, "%s \"%s\" not found",
		               secret ? "secret" : "configmap", object_name);
	r = files_open(parent_fd, volume->name, &f, err);
	if (r == 0 && object != NULL)
		r = json_array_size(items) > 0 ? files_put_items(&f, items, optional, err)
		                               : files_put_all(&f, err);
	fd_close_var(&f.dir_fd);
	fd_close_var(&f.data_fd);
	json_decref(object);
	return r;
}

struct removal {
	unsigned left; /* entries that this call may still delete */
	unsigned depth;
	uint64_t mount_id; /* no other mount is entered */
};

static int dir_remove(int parent_fd, const char *name, struct removal *rm, struct err *err);

/* What a killed process left mounted on @name is taken off; a link is not followed. */
static void mount_detach(int dir_fd, const char *name)
{
	char path[320];

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d/%s", dir_fd, name);
	(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
}

static int mount_id_of(int fd, uint64_t *ret_id)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return -1;
	*ret_id = st.stx_mnt_id;
	return 0;
}

/* Return: a descriptor of the folder itself, not of what is mounted on it; -1 with errno */
static int dir_open(int parent_fd, const char *name, const struct removal *rm)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(parent_fd, name, flags);
	uint64_t id;

	if (fd < 0 || (mount_id_of(fd, &id) == 0 && id == rm->mount_id))
		return fd;
	(void)close(fd);
	mount_detach(parent_fd, name);
	fd = openat(parent_fd, name, flags);
	if (fd < 0 || (mount_id_of(fd, &id) == 0 && id == rm->mount_id))
		return fd;
	(void)close(fd);
	errno = EBUSY;
	return -1;
}

static int entry_remove(int dir_fd, const char *name, struct removal *rm, struct err *err)
{
	if (rm->left == 0)
		return 1;
	rm->left--;
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EBUSY) {
		mount_detach(dir_fd, name);
		return unlinkat(dir_fd, name, 0) == 0
		               ? 0
		               : err_set(err, ERR_SYS, errno, "remove %s", name);
	}
	if (errno != EISDIR && errno != EPERM)
		return err_set(err, ERR_SYS, errno, "remove %s", name);
	return dir_remove(dir_fd, name, rm, err);
}

static int dir_remove(int parent_fd, const char *name, struct removal *rm, struct err *err)
{
	int fd = dir_open(parent_fd, name, rm);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	int r = 0;

	if (dir == NULL) {
		fd_close_var(&fd);
		return errno == ENOENT ? 0 : err_set(err, ERR_SYS, errno, "open %s", name);
	}
	if (rm->depth >= REMOVE_DEPTH_MAX)
		r = err_set(err, ERR_INVALID, 0, "remove %s: too deep", name);
	rm->depth++;
	while (r == 0 && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = entry_remove(fd, entry->d_name, rm, err);
	}
	rm->depth--;
	(void)closedir(dir);
	if (r == 0 && unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = err_set(err, ERR_SYS, errno, "remove %s", name);
	return r;
}

int volume_remove(struct volume_store *s, const char *uid, struct err *err)
{
	struct removal rm = {.left = REMOVE_ENTRIES_MAX};

	if (*uid == '\0' || strchr(uid, '/') != NULL || *uid == '.')
		return err_set(err, ERR_INVALID, 0, "not a UID: \"%s\"", uid);
	if (mount_id_of(s->fd, &rm.mount_id) < 0)
		return err_set(err, ERR_SYS, errno, "folder of the Pods");
	return dir_remove(s->fd, uid, &rm, err);
}

void volume_foreach_uid(struct volume_store *s, void (*visit)(void *arg, const char *uid),
                        void *arg)
{
	DIR *dir = opendir(s->dir);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			visit(arg, entry->d_name);
	}
	if (dir != NULL)
		(void)closedir(dir);
}
