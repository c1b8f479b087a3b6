/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay - mounts an overlay, and finds out about those that are mounted
 */
#include "agent/io/mounts/overlay.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "agent/core/mountinfo.h"
#include "agent/io/mounts/fs.h"
#include "agent/io/mounts/proc.h"
#include "lib/base/openat2.h"

enum { OVERLAY_OPTIONS_BYTES = 4096, OVERLAY_XATTR_BYTES = 65536, OVERLAY_MARK_BYTES = 256 };

#define OVERLAY_MARK "trusted.stoppablecontainer.instance"

int overlay_namespace(const char *staging_dir, struct err *err)
{
	if (mkdir(staging_dir, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_SYS, errno, "make %s", staging_dir);
	if (unshare(CLONE_NEWNS) < 0)
		return err_set(err, ERR_SYS, errno, "own mount namespace");
	/* the host's mounts still come in, ours do not go out */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_set(err, ERR_SYS, errno, "mount propagation");
	if (mount("tmpfs", staging_dir, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
	          "mode=0700,size=1m") < 0 ||
	    mount(NULL, staging_dir, NULL, MS_PRIVATE, NULL) < 0)
		return err_set(err, ERR_SYS, errno, "mount %s", staging_dir);
	return 0;
}

/* These attributes belong to the container's own overlay, not to the folder. */
static bool overlay_is_copied(const char *attribute)
{
	return strncmp(attribute, "trusted.overlay.", 16) != 0 &&
	       strncmp(attribute, "user.overlay.", 13) != 0;
}

static int overlay_copy_attributes(int upper_fd, const char *layer, struct err *err)
{
	CLEANUP(free_var) char *names = malloc(OVERLAY_XATTR_BYTES);
	CLEANUP(free_var) char *value = malloc(OVERLAY_XATTR_BYTES);
	ssize_t bytes;
	ssize_t n;

	if (names == NULL || value == NULL)
		return err_set(err, ERR_NOMEM, 0, "attributes");
	bytes = listxattr(layer, names, OVERLAY_XATTR_BYTES);
	if (bytes < 0 && errno != ENOTSUP)
		return err_set(err, ERR_SYS, errno, "attributes of %s", layer);
	for (char *name = names; name < names + bytes; name += strlen(name) + 1) {
		if (!overlay_is_copied(name))
			continue;
		n = getxattr(layer, name, value, OVERLAY_XATTR_BYTES);
		if (n < 0 || fsetxattr(upper_fd, name, value, (size_t)n, 0) < 0)
			return err_set(err, ERR_SYS, errno, "attribute %s of %s", name, layer);
	}
	return 0;
}

int overlay_mark(int upper_fd, const char *mark, struct err *err)
{
	if (fsetxattr(upper_fd, OVERLAY_MARK, mark, strlen(mark), 0) < 0)
		return err_set(err, ERR_SYS, errno, "mark of the upper directory");
	return 0;
}

/* @tree: a mount that is attached nowhere */
static bool overlay_has_mark(int tree, const char *mark)
{
	char path[64];
	char value[OVERLAY_MARK_BYTES];
	ssize_t bytes;

	assert(mark != NULL);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", tree);
	bytes = getxattr(path, OVERLAY_MARK, value, sizeof value);
	return bytes > 0 && (size_t)bytes == strlen(mark) &&
	       memcmp(value, mark, (size_t)bytes) == 0;
}

int overlay_open_layer(const char *runtime_root, const char *layer, struct err *err)
{
	size_t len = runtime_root != NULL ? strlen(runtime_root) : 0;
	CLEANUP(fd_close_var) int root = -1;
	int fd;

	if (runtime_root == NULL) {
		fd = open(layer, O_PATH | O_DIRECTORY | O_CLOEXEC);
	} else if (strncmp(layer, runtime_root, len) != 0 || layer[len] != '/') {
		return err_set(err, ERR_DENIED, 0, "layer %s is not below --runtime-root %s", layer,
		               runtime_root);
	} else {
		/* Podman's short names are links, within */
		root = open(runtime_root, O_PATH | O_DIRECTORY | O_CLOEXEC);
		fd = root < 0 ? -1
		              : openat2_call(root, layer + len + 1, O_PATH | O_DIRECTORY,
		                             RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
	}
	if (fd < 0 && errno == EXDEV)
		return err_set(err, ERR_DENIED, 0, "layer %s leads out of --runtime-root %s", layer,
		               runtime_root);
	if (fd < 0)
		return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_SYS, errno, "layer %s",
		               layer);
	return fd;
}

int overlay_upper_init(int upper_fd, const char *top_layer, struct err *err)
{
	struct stat st;

	if (stat(top_layer, &st) < 0)
		return err_set(err, ERR_SYS, errno, "layer %s", top_layer);
	if (fchown(upper_fd, st.st_uid, st.st_gid) < 0 || fchmod(upper_fd, st.st_mode & 07777) < 0)
		return err_set(err, ERR_SYS, errno, "owner and mode of the upper directory");
	return overlay_copy_attributes(upper_fd, top_layer, err);
}

/* What separates options and layers can't be in our own paths. */
static bool overlay_is_plain(const char *path)
{
	return path[0] == '/' && path[strcspn(path, ",:\\\n")] == '\0';
}

/*
 * Layers go by descriptor: a page of options would not hold many real paths, and a short name can
 * contain nothing that had to be escaped.
 */
static int overlay_options(const struct overlay_paths *p, const int *layer_fds, char *options,
                           struct err *err)
{
	size_t at;

	if (!overlay_is_plain(p->upper) || !overlay_is_plain(p->work))
		return err_set(err, ERR_INVALID, 0, "%s: not usable as an overlay's directory",
		               p->upper);
	at = (size_t)snprintf(options, OVERLAY_OPTIONS_BYTES, "index=on,upperdir=%s,workdir=%s",
	                      p->upper, p->work);
	for (size_t i = 0; p->layers[i] != NULL && at < OVERLAY_OPTIONS_BYTES; i++)
		at += (size_t)snprintf(options + at, OVERLAY_OPTIONS_BYTES - at,
		                       "%s/proc/self/fd/%d", i == 0 ? ",lowerdir=" : ":",
		                       layer_fds[i]);
	if (at >= OVERLAY_OPTIONS_BYTES)
		return err_set(err, ERR_INVALID, 0, "too many layers for one mount");
	return 0;
}

int overlay_mount(const struct overlay_paths *p, struct err *err)
{
	char options[OVERLAY_OPTIONS_BYTES];
	int fds[OVERLAY_LAYERS_MAX];
	size_t count = 0;
	int rc = 0;

	assert(p->layers != NULL && p->target[0] == '/');
	for (; rc == 0 && p->layers[count] != NULL && count < OVERLAY_LAYERS_MAX; count++) {
		fds[count] = overlay_open_layer(p->runtime_root, p->layers[count], err);
		if (fds[count] < 0) {
			rc = -1;
			break;
		}
	}
	if (rc == 0 && count == 0)
		rc = err_set(err, ERR_INVALID, 0, "an image without layers");
	if (rc == 0 && p->layers[count] != NULL)
		rc = err_set(err, ERR_INVALID, 0, "more than %d layers", OVERLAY_LAYERS_MAX);
	if (rc == 0)
		rc = overlay_options(p, fds, options, err);
	if (rc == 0 && mount("overlay", p->target, "overlay", 0, options) < 0)
		rc = err_set(err, ERR_SYS, errno, "overlay on %s", p->upper);
	while (count > 0)
		(void)close(fds[--count]);
	return rc;
}

int overlay_forget_origin(const char *upper, const char *work, struct err *err)
{
	CLEANUP(fd_close_var) int work_fd = open(work, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (work_fd < 0)
		return err_set(err, ERR_SYS, errno, "open %s", work);
	if (removexattr(upper, "trusted.overlay.origin") < 0 && errno != ENODATA)
		return err_set(err, ERR_SYS, errno, "origin of %s", upper);
	return fs_remove_tree(work_fd, "index", err);
}

/* The overlay at @pid's "/": its options, in @line. Return: NULL when its root is none. */
static char *overlay_root_options(pid_t pid, char **line, struct err *err)
{
	char path[64];
	struct mountinfo info;
	size_t size = 0;
	char *options = NULL;
	CLEANUP(fclose_var) FILE *f = NULL;

	(void)snprintf(path, sizeof path, "/proc/%d/mountinfo", (int)pid);
	f = fopen(path, "re");
	if (f == NULL) {
		(void)err_set(err, ERR_SYS, errno, "open %s", path);
		return NULL;
	}
	while (options == NULL && getline(line, &size, f) > 0) {
		if (mountinfo_parse(*line, &info) && strcmp(info.mount_point, "/") == 0 &&
		    strcmp(info.fs_type, "overlay") == 0)
			options = info.super_options;
	}
	if (options == NULL)
		(void)err_set(err, ERR_INVALID, 0, "process %d: its root is no overlay", (int)pid);
	return options;
}

/* One that ends meanwhile can't be asked for its user namespace any more, and had a true root. */
static bool overlay_is_upper(const char *value, const char *upper, pid_t pid)
{
	struct err err;

	return value != NULL && strcmp(value, upper) == 0 &&
	       (proc_check_own_userns(pid, &err) == 0 || err.code != ERR_DENIED);
}

bool overlay_has_upper(pid_t pid, const char *upper)
{
	CLEANUP(free_var) char *line = NULL;
	char *cursor = overlay_root_options(pid, &line, NULL);
	const char *value = mountinfo_option(&cursor, "upperdir", NULL);

	return overlay_is_upper(value, upper, pid);
}

bool overlay_may_have_upper(pid_t pid, const char *upper)
{
	CLEANUP(free_var) char *line = NULL;
	struct err err;
	char *cursor = overlay_root_options(pid, &line, &err);
	char path[64];

	if (cursor != NULL)
		return overlay_is_upper(mountinfo_option(&cursor, "upperdir", NULL), upper, pid);
	(void)snprintf(path, sizeof path, "/proc/%d", (int)pid);
	return err.code == ERR_SYS && access(path, F_OK) == 0;
}

int overlay_take_back(pid_t holder, const struct overlay_paths *p, struct err *err)
{
	char path[64];
	struct mount_attr attr = {.attr_clr = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
	                                      MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	                          .propagation = MS_PRIVATE};
	CLEANUP(fd_close_var) int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	CLEANUP(fd_close_var) int theirs = -1;
	CLEANUP(fd_close_var) int tree = -1;

	assert(holder > 0);
	(void)snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)holder);
	theirs = open(path, O_RDONLY | O_CLOEXEC);
	if (own < 0 || theirs < 0)
		return err_set(err, ERR_SYS, errno, "open %s", path);
	/* the descriptor that is entered below: what the process does meanwhile changes nothing */
	if (proc_is_own_userns(theirs) != 1)
		return err_set(err, ERR_DENIED, 0,
		               "process %d has a mount namespace that was made in a user "
		               "namespace, not by the runtime",
		               (int)holder);
	if (!overlay_has_upper(holder, p->upper))
		return 1;
	if (setns(theirs, CLONE_NEWNS) < 0)
		return err_set(err, ERR_SYS, errno, "enter the holder's namespace");
	tree = open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		(void)err_set(err, ERR_SYS, errno, "clone the holder's root");
	if (setns(own, CLONE_NEWNS) < 0)
		abort(); /* whatever is mounted next would be mounted in a container */
	if (tree < 0)
		return -1;
	if (!overlay_has_mark(tree, p->mark))
		return err_set(err, ERR_DENIED, 0,
		               "the root of process %d is not the overlay of this instance",
		               (int)holder);
	if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0)
		return err_set(err, ERR_SYS, errno, "flags of the mount");
	if (move_mount(tree, "", AT_FDCWD, p->target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_set(err, ERR_SYS, errno, "attach the mount");
	return 0;
}

/* An absolute copy of @layer. */
static char *overlay_layer_path(const char *layer_root, const char *layer)
{
	char *path = NULL;

	if (layer[0] == '/')
		return strdup(layer);
	if (layer_root == NULL || asprintf(&path, "%s/%s", layer_root, layer) < 0)
		return NULL;
	return path;
}

void overlay_layers_free(char **layers)
{
	for (char **l = layers; l != NULL && *l != NULL; l++)
		free(*l);
	free(layers);
}

int overlay_layers_of(pid_t pid, const char *layer_root, char ***ret_layers, struct err *err)
{
	CLEANUP(free_var) char *line = NULL;
	CLEANUP(overlay_layers_free_var)
	char **layers = calloc(OVERLAY_LAYERS_MAX + 1, sizeof *layers);
	char *cursor = overlay_root_options(pid, &line, err);
	size_t count = 0;
	char *list;
	char *layer;

	if (layers == NULL)
		return err_set(err, ERR_NOMEM, 0, "layers");
	if (cursor == NULL)
		return -1;
	while ((list = mountinfo_option(&cursor, "lowerdir", "lowerdir+")) != NULL) {
		while ((layer = mountinfo_layer(&list)) != NULL) {
			if (count == OVERLAY_LAYERS_MAX)
				return err_set(err, ERR_INVALID, 0, "more than %d layers",
				               OVERLAY_LAYERS_MAX);
			layers[count] = overlay_layer_path(layer_root, layer);
			if (layers[count++] == NULL)
				return err_set(err, ERR_INVALID, 0,
				               "layer %s is relative and --layer-root is not set",
				               layer);
		}
	}
	if (count == 0)
		return err_set(err, ERR_INVALID, 0, "process %d: its root has no layers", (int)pid);
	if (proc_check_own_userns(pid, err) < 0) /* after it was read */
		return -1;
	*ret_layers = TAKE_PTR(layers);
	return 0;
}
