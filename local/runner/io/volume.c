/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volume - makes the volumes of Pods, and opens them for the mounts of a container
 */
#include "local/runner/io/volume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/kube/client/object.h"
#include "lib/text/json_ref.h"
#include "local/runner/io/volume_private.h"

int volume_store_open(const char *pods_dir, struct volume_store **ret_store, struct err *err)
{
	struct volume_store *s = calloc(1, sizeof *s);

	if (s == NULL)
		return err_set(err, ERR_NOMEM, 0, "volumes");
	if (mkdir(pods_dir, 0700) < 0 && errno != EEXIST)
		goto out;
	s->dir = pods_dir;
	s->fd = open(pods_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->fd < 0)
		goto out;
	*ret_store = s;
	return 0;
out:
	free(s);
	return err_set(err, ERR_SYS, errno, "folder of the Pods %s", pods_dir);
}

void volume_store_close(struct volume_store *s)
{
	if (s == NULL)
		return;
	(void)close(s->fd);
	free(s);
}

static const char *const kinds[] = {"emptyDir", "hostPath", "configMap", "secret"};
static const char *const kind_folders[] = {"kubernetes.io~empty-dir", NULL,
                                           "kubernetes.io~configmap", "kubernetes.io~secret"};

static int kind_of(const json_t *volume, struct err *err)
{
	const char *key;
	json_t *value;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (json_object_get(volume, kinds[i]) != NULL)
			return (int)i;
	json_object_foreach(json_ref(volume), key, value) {
		(void)value;
		if (strcmp(key, "name") != 0)
			return err_set(err, ERR_INVALID, 0,
			               "volume %s: type %s is not supported here",
			               json_str_at(volume, "", "name", NULL), key);
	}
	return 0; /* Kubernetes: no type is an emptyDir */
}

/* type: "", Directory, DirectoryOrCreate, File, FileOrCreate, Socket, CharDevice, BlockDevice */
static int host_path_check(const char *path, const char *type, struct err *err)
{
	static const struct {
		const char *type;
		mode_t mode;
		bool create;
	} types[] = {
	        {"Directory", S_IFDIR, false},   {"DirectoryOrCreate", S_IFDIR, true},
	        {"File", S_IFREG, false},        {"FileOrCreate", S_IFREG, true},
	        {"Socket", S_IFSOCK, false},     {"CharDevice", S_IFCHR, false},
	        {"BlockDevice", S_IFBLK, false},
	};
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		CLEANUP(fd_close_var) int fd = -1;

		if (strcmp(type, types[i].type) != 0)
			continue;
		if (types[i].create && types[i].mode == S_IFDIR && mkdir(path, 0755) < 0 &&
		    errno != EEXIST)
			return err_set(err, ERR_SYS, errno, "hostPath %s", path);
		if (types[i].create && types[i].mode == S_IFREG)
			fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (stat(path, &st) < 0)
			return err_set(err, ERR_SYS, errno, "hostPath %s", path);
		if ((st.st_mode & S_IFMT) != types[i].mode)
			return err_set(err, ERR_INVALID, 0,
			               "hostPath type check failed: %s is not a %s", path, type);
		return 0;
	}
	return *type == '\0' ? 0
	                     : err_set(err, ERR_INVALID, 0, "hostPath type %s is unknown", type);
}

static int volume_make_one(struct volume_store *s, const struct pod_env_source *src,
                           const json_t *volume, struct err *err)
{
	const char *name = json_str_at(volume, "", "name", NULL);
	int kind = kind_of(volume, err);
	const json_t *source;
	CLEANUP(fd_close_var) int fd = -1;
	char path[512];

	if (kind < 0)
		return -1;
	source = json_object_get(volume, kinds[kind]);
	if (kind_folders[kind] == NULL)
		return host_path_check(json_str_at(source, "", "path", NULL),
		                       json_str_at(source, "", "type", NULL), err);
	(void)snprintf(path, sizeof path, "%s/volumes/%s", kube_uid(src->pod), kind_folders[kind]);
	fd = volume_dirs_make(s->fd, path, 0755, err);
	if (fd < 0)
		return -1;
	if (strcmp(kinds[kind], "emptyDir") != 0)
		return volume_files_write(fd, &(struct volume_files){name, kinds[kind], source},
		                          src, err);
	if (mkdirat(fd, name, 0777) < 0)
		return errno == EEXIST ? 0 : err_set(err, ERR_SYS, errno, "emptyDir %s", name);
	return fchmodat(fd, name, 0777, 0) < 0 ? err_set(err, ERR_SYS, errno, "emptyDir %s", name)
	                                       : 0;
}

int volume_make(struct volume_store *s, const struct pod_env_source *src, struct err *err)
{
	json_t *volume;
	size_t i;

	json_array_foreach(json_at(src->pod, "spec", "volumes", NULL), i, volume) {
		if (volume_make_one(s, src, volume, err) < 0)
			return err_wrap(err, "volume %s", json_str_at(volume, "", "name", NULL));
	}
	return 0;
}

static const json_t *volume_find(const json_t *pod, const char *name)
{
	json_t *volume;
	size_t i;

	json_array_foreach(json_at(pod, "spec", "volumes", NULL), i, volume) {
		if (strcmp(json_str_at(volume, "", "name", NULL), name) == 0)
			return volume;
	}
	return NULL;
}

static int volume_path(struct volume_store *s, const json_t *pod, const char *name,
                       char path[VOLUME_PATH_BYTES_MAX], struct err *err)
{
	const json_t *volume = volume_find(pod, name);
	int kind;

	if (volume == NULL)
		return err_set(err, ERR_INVALID, 0, "no volume \"%s\"", name);
	kind = kind_of(volume, err);
	if (kind < 0)
		return -1;
	if (kind_folders[kind] == NULL)
		(void)snprintf(path, VOLUME_PATH_BYTES_MAX, "%s",
		               json_str_at(volume, "", kinds[kind], "path", NULL));
	else
		(void)snprintf(path, VOLUME_PATH_BYTES_MAX, "%s/%s/volumes/%s/%s", s->dir,
		               kube_uid(pod), kind_folders[kind], name);
	return 0;
}

/* A subPath that does not exist is made as a folder, as the kubelet does. */
static int sub_path_open(const char *root, const char *sub, struct err *err)
{
	CLEANUP(fd_close_var) int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = root_fd >= 0 ? volume_open_in(root_fd, sub, O_PATH) : -1;

	if (fd < 0 && root_fd >= 0 && errno == ENOENT)
		return volume_dirs_make(root_fd, sub, 0750, err);
	return fd < 0 ? err_set(err, ERR_SYS, errno, "subPath %s", sub) : fd;
}

/* One of the mounts of a container, that names a subPath. */
struct sub_path {
	struct volume_store *store;
	const struct pod_env_source *src;
	const json_t *container;
	size_t index; /* in its volumeMounts */
};

/* An empty folder or file of ours to mount on. Return: 0, @path set */
static int sub_path_target(const struct sub_path *s, mode_t mode, char path[VOLUME_PATH_BYTES_MAX],
                           struct err *err)
{
	CLEANUP(fd_close_var) int dir_fd = -1;
	CLEANUP(fd_close_var) int file_fd = -1;
	char dir[512], name[24];

	(void)snprintf(dir, sizeof dir, "%s/volume-subpaths/%s", kube_uid(s->src->pod),
	               json_str_at(s->container, "", "name", NULL));
	(void)snprintf(name, sizeof name, "%zu", s->index);
	(void)snprintf(path, VOLUME_PATH_BYTES_MAX, "%s/%s/%s", s->store->dir, dir, name);
	dir_fd = volume_dirs_make(s->store->fd, dir, 0700, err);
	if (dir_fd < 0)
		return -1;
	(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW); /* of a process that was killed */
	if (S_ISDIR(mode))
		return mkdirat(dir_fd, name, 0700) < 0 && errno != EEXIST
		               ? err_set(err, ERR_SYS, errno, "make %s", path)
		               : 0;
	file_fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return file_fd < 0 ? err_set(err, ERR_SYS, errno, "make %s", path) : 0;
}

static int sub_path_bind(const struct sub_path *s, const char *volume,
                         char path[VOLUME_PATH_BYTES_MAX], struct err *err)
{
	const json_t *entry =
	        json_array_get(json_object_get(s->container, "volumeMounts"), s->index);
	const char *sub = json_str_at(entry, "", "subPath", NULL);
	CLEANUP(fd_close_var) int fd = sub_path_open(volume, sub, err);
	struct stat st;
	char source[64];

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return err_set(err, ERR_SYS, errno, "subPath %s", sub);
	if (sub_path_target(s, st.st_mode, path, err) < 0)
		return -1;
	(void)snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
	if (mount(source, path, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, path, NULL, MS_PRIVATE, NULL) < 0)
		return err_set(err, ERR_SYS, errno, "subPath %s", sub);
	return 0;
}

static int mount_open(struct volume_store *s, const struct pod_env_source *src,
                      const json_t *container, struct volume_mounts *m, struct err *err)
{
	const json_t *entry = json_array_get(json_object_get(container, "volumeMounts"), m->count);
	const char *name = json_str_at(entry, "", "name", NULL);
	const struct sub_path mount = {s, src, container, m->count};
	bool sub = *json_str_at(entry, "", "subPath", NULL) != '\0';
	char volume[VOLUME_PATH_BYTES_MAX], path[VOLUME_PATH_BYTES_MAX];

	if (json_object_get(entry, "subPathExpr") != NULL)
		return err_set(err, ERR_INVALID, 0, "subPathExpr is not supported here");
	if (volume_path(s, src->pod, name, volume, err) < 0)
		return -1;
	if (sub && sub_path_bind(&mount, volume, path, err) < 0)
		return -1;
	m->is_sub_path[m->count] = sub;
	m->paths[m->count] = strdup(sub ? path : volume);
	if (m->paths[m->count++] == NULL)
		return err_set(err, ERR_NOMEM, 0, "volume mounts");
	return 0;
}

int volume_mounts_open(struct volume_store *s, const struct pod_env_source *src,
                       const json_t *container, struct volume_mounts *ret_mounts, struct err *err)
{
	const json_t *list = json_object_get(container, "volumeMounts");
	size_t n = json_array_size(list);
	struct volume_mounts m = {
	        .paths = calloc(n + 1, sizeof *m.paths),
	        .is_sub_path = calloc(n + 1, sizeof *m.is_sub_path),
	};
	int r = m.paths && m.is_sub_path ? 0 : err_set(err, ERR_NOMEM, 0, "volume mounts");

	for (size_t i = 0; i < n && r == 0; i++)
		r = mount_open(s, src, container, &m, err);
	if (r < 0) {
		volume_mounts_close(&m);
		return -1;
	}
	*ret_mounts = m;
	return 0;
}

void volume_mounts_close(struct volume_mounts *m)
{
	for (size_t i = 0; i < m->count; i++) {
		if (m->is_sub_path[i])
			(void)umount2(m->paths[i], MNT_DETACH | UMOUNT_NOFOLLOW);
		free((char *)(uintptr_t)m->paths[i]);
	}
	free(m->paths);
	free(m->is_sub_path);
	*m = (struct volume_mounts){0};
}
