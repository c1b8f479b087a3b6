/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootfs - makes, mounts and removes a root filesystem on the disk
 */
#include "agent/io/mounts/rootfs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "agent/core/pause.h"
#include "agent/core/record.h"
#include "agent/io/mounts/dropped.h"
#include "agent/io/mounts/files_mark.h"
#include "agent/io/mounts/fs.h"
#include "agent/io/mounts/overlay.h"
#include "agent/io/mounts/proc.h"

enum {
	ROOTFS_PASSWD_BYTES_MAX = 1 << 20,
	/* two seconds in all */
	BUSY_TRIES_MAX = 100,
	BUSY_WAIT_MS = 20,
};

struct making {
	const struct rootfs_wanted *w;
	struct rootfs_made *made;
	int dir_fd; /* O_PATH: the folder; -1: it is not there, and was */
	char upper[PATH_MAX];
	char work[PATH_MAX];
	char target[PATH_MAX];
	struct record record; /* json NULL: there is none */
	char **layers;        /* owned */
	const char *digest;   /* of the layers */
	pid_t provider;       /* the process that they were read of; with a provider */
	struct files_known known;
	struct files_seen seen;
	struct files_mark mark; /* id.number 0: there is none yet */
	bool needs_mark;        /* another one: the folder is new, or is taken as it is now */
};

/* The reason that the API gives; the first one that is set stays. */
static int rootfs_fail(struct making *m, const char *reason, const struct err *err)
{
	bool full = err->sys_errno == ENOSPC || err->sys_errno == EDQUOT;

	if (m->made->reason[0] == '\0')
		(void)snprintf(m->made->reason, sizeof m->made->reason, "%s",
		               full ? "NoSpace" : reason);
	return -1;
}

/* The administrator's own path: it may have links. */
static int rootfs_open_prefix(const char *prefix, bool is_made, struct err *err)
{
	int fd;

	if (is_made && mkdir(prefix, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_SYS, errno, "make %s", prefix);
	fd = open(prefix, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : err_set(err, ERR_SYS, errno, "open %s", prefix);
}

static int rootfs_make_paths(struct making *m, char dir[PATH_MAX], struct err *err)
{
	const struct rootfs_place *p = &m->w->place;

	if (rootfs_dir(p, dir, err) < 0 || rootfs_target(p, m->target, err) < 0 ||
	    rootfs_path(m->upper, err, "%s/upper", dir) < 0 ||
	    rootfs_path(m->work, err, "%s/work", dir) < 0)
		return -1;
	return 0;
}

/* @is_made: what is missing is made, and else dir_fd stays -1. */
static int rootfs_open_dir(struct making *m, bool is_made, struct err *err)
{
	const char *prefix = m->w->place.prefix;
	char dir[PATH_MAX];
	CLEANUP(fd_close_var) int prefix_fd = rootfs_open_prefix(prefix, is_made, err);
	const char *below = dir + strlen(prefix) + 1;

	if (rootfs_make_paths(m, dir, err) < 0)
		return -1;
	if (prefix_fd >= 0)
		m->dir_fd = is_made ? fs_make_dirs(prefix_fd, below, 0700, err)
		                    : fs_open_beneath(prefix_fd, below, O_PATH | O_DIRECTORY, err);
	if (m->dir_fd >= 0 || (!is_made && err->sys_errno == ENOENT))
		return 0;
	return -1;
}

/* The files may be dropped, by an order that names the image that the provider has. */
static bool rootfs_may_reset(const struct making *m)
{
	return m->w->provider_pod != NULL && strcmp(m->w->reset_digest, m->w->image_digest) == 0;
}

static int rootfs_record_corrupt(struct making *m, const char *what, struct err *err)
{
	const struct rootfs_place *p = &m->w->place;

	(void)err_set(err, ERR_INVALID, 0,
	              "record.json in %.*s: %.80s; the files beside it are untouched: put a copy "
	              "of it back, or drop them: kubectl annotate -n %s sci %s "
	              "stoppablecontainer.xtlsoft.top/reset-rootfs=%s",
	              (int)(strlen(m->upper) - strlen("/upper")), m->upper, what, p->ns, p->name,
	              m->w->provider_pod != NULL ? m->w->image_digest : "IMAGE-DIGEST");
	return rootfs_fail(m, "RecordCorrupt", err);
}

static int rootfs_read_record(struct making *m, struct err *err)
{
	struct err why;
	CLEANUP(free_var) char *text = NULL;

	if (m->dir_fd < 0)
		return 0;
	if (fs_read_file(m->dir_fd, "record.json", RECORD_BYTES_MAX, &text, err) < 0)
		return err->sys_errno == ENOENT ? 0 : rootfs_fail(m, "RecordCorrupt", err);
	if (record_parse(text, &m->record, &why) < 0) /* or as if there were none */
		return rootfs_may_reset(m) ? 0 : rootfs_record_corrupt(m, why.text, err);
	if (strcmp(m->record.instance_uid, m->w->place.uid) != 0) {
		(void)err_set(err, ERR_INVALID, 0, "the record is of another resource, %s",
		              m->record.instance_uid);
		return rootfs_fail(m, "RecordCorrupt", err);
	}
	return 0;
}

/* Nothing is made, mounted or dropped where the files are not those that were left. */
static int rootfs_check_files(struct making *m, struct err *err)
{
	char order[2 * FILES_ID_BYTES];
	char why[FILES_WHY_BYTES];
	enum files_verdict verdict;

	m->known = (struct files_known){m->w->files_reported, m->record.files, m->w->was_made};
	if (files_see(m->dir_fd, &m->seen, err) < 0)
		return rootfs_fail(m, "MountFailed", err);
	m->mark = m->seen.mark;
	if (m->record.is_dropping)
		return 0;
	verdict = files_judge(&m->known, &m->seen, why);
	m->needs_mark = verdict == FILES_COPY;
	if (!files_is_refused(verdict))
		return 0;
	/* they are about to be dropped, by an order */
	if (verdict == FILES_CHANGED && rootfs_may_reset(m) &&
	    (m->record.json == NULL || strcmp(m->record.image_digest, m->w->image_digest) != 0))
		return 0;
	if (strcmp(files_order(&m->known, &m->seen, order), m->w->accept_order) != 0) {
		const char *reason = files_refuse(&m->w->place, verdict, why, order, err);

		return rootfs_fail(m, reason, err);
	}
	m->needs_mark = true;
	memcpy(m->made->accepted, order, sizeof order);
	return m->dir_fd >= 0 ? 0 : rootfs_open_dir(m, true, err);
}

static int rootfs_layers_of_record(struct making *m, struct err *err)
{
	size_t count = json_array_size(m->record.layers);

	if (m->record.json == NULL) {
		(void)err_set(err, ERR_NOT_FOUND, 0, "nothing is recorded and no provider runs");
		return rootfs_fail(m, "ImageGone", err);
	}
	m->digest = m->record.image_digest;
	m->layers = calloc(count + 1, sizeof *m->layers);
	for (size_t i = 0; m->layers != NULL && i < count; i++)
		m->layers[i] = strdup(json_string_value(json_array_get(m->record.layers, i)));
	if (m->layers == NULL)
		return err_set(err, ERR_NOMEM, 0, "layers");
	return 0;
}

/* Before they are recorded. Where one is missing, or moved meanwhile, the mount fails. */
static int rootfs_check_layers(const struct making *m, struct err *err)
{
	for (char **layer = m->layers; *layer != NULL; layer++) {
		CLEANUP(fd_close_var)
		int fd = overlay_open_layer(m->w->place.runtime_root, *layer, err);

		if (fd < 0 && err->code == ERR_DENIED)
			return -1;
	}
	return 0;
}

static int rootfs_layers_of_provider(struct making *m, struct err *err)
{
	const struct rootfs_place *p = &m->w->place;
	pid_t pids[PROC_PIDS_MAX];
	/* of that container only: the Pod's sandbox has an image and layers of its own */
	size_t count = proc_of_container(p->cgroup_roots, m->w->provider_pod,
	                                 m->w->provider_container, pids);
	int rc = err_set(err, ERR_NOT_FOUND, 0,
	                 "no process in the cgroup of container %s of provider Pod %s",
	                 m->w->provider_container, m->w->provider_pod);

	m->digest = m->w->image_digest;
	for (size_t i = 0; i < count && rc < 0; i++) {
		m->provider = pids[i];
		rc = overlay_layers_of(pids[i], p->layer_root, &m->layers, err);
	}
	if (rc == 0)
		rc = rootfs_check_layers(m, err);
	return rc < 0 ? rootfs_fail(m, "MountFailed", err) : 0;
}

static int rootfs_write_record(struct making *m, struct files_id files, bool is_dropping,
                               struct err *err)
{
	const struct record_parts parts = {m->w->place.uid, m->digest,
	                                   (const char *const *)m->layers, files, is_dropping};
	CLEANUP(free_var) char *text = NULL;

	assert(m->dir_fd >= 0 && m->layers != NULL && m->layers[0] != NULL);
	if (m->record.json != NULL && record_is(&m->record, &parts))
		return 0;
	text = record_format(&parts);
	if (text == NULL)
		return err_set(err, ERR_NOMEM, 0, "record");
	if (fs_write_file(m->dir_fd, "record.json", text, strlen(text), err) < 0)
		return rootfs_fail(m, "MountFailed", err);
	return 0;
}

/* They may be very many: what is moved aside is removed when the container has started. */
static int rootfs_drop_one(struct making *m, const char *name, struct err *err)
{
	int rc = dropped_put(m->dir_fd, name, err);

	if (rc > 0)
		rc = fs_remove_tree(m->dir_fd, name, err);
	return rc < 0 ? rootfs_fail(m, "MountFailed", err) : 0;
}

/* It is recorded first: half of it must not look like files that were lost. */
static int rootfs_drop(struct making *m, struct err *err)
{
	assert(m->dir_fd >= 0);
	if (rootfs_holder(&m->w->place) > 0) {
		(void)err_set(err, ERR_INVALID, 0, "a consumer still uses the files to be dropped");
		return rootfs_fail(m, "MountFailed", err);
	}
	if (m->seen.has_upper && rootfs_write_record(m, m->record.files, true, err) < 0)
		return -1;
	if (rootfs_drop_one(m, "upper", err) < 0)
		return -1;
	return rootfs_drop_one(m, "work", err);
}

/* Return: 1 no upper directory, or an empty one; 0 it has files; negative: err. */
static int rootfs_is_unused(struct making *m, struct err *err)
{
	int rc = fs_is_empty(m->dir_fd, "upper", err);

	if (rc < 0)
		return err->sys_errno == ENOENT ? 1 : rootfs_fail(m, "MountFailed", err);
	return rc;
}

/* The files must belong to these layers. An empty upper directory may be made anew. */
static int rootfs_check_kept(struct making *m, struct err *err)
{
	int unused;

	if (m->record.is_dropping)
		return rootfs_drop(m, err);
	unused = rootfs_is_unused(m, err);
	if (unused < 0)
		return -1;
	if (m->record.json != NULL && strcmp(m->record.image_digest, m->digest) == 0)
		return 0;
	if (unused || rootfs_may_reset(m))
		return rootfs_drop(m, err);
	if (m->record.json == NULL)
		return rootfs_record_corrupt(m, "it is not there, but files are", err);
	(void)err_set(err, ERR_INVALID, 0,
	              "the files that are kept belong to image %s, the image is now %s; go back "
	              "to that image, or drop the files: kubectl annotate -n %s sci %s "
	              "stoppablecontainer.xtlsoft.top/reset-rootfs=%s",
	              m->record.image_digest, m->digest, m->w->place.ns, m->w->place.name,
	              m->digest);
	return rootfs_fail(m, "DigestChanged", err);
}

static int rootfs_init_upper(const struct making *m, int upper_fd, struct err *err)
{
	CLEANUP(fd_close_var)
	int top = overlay_open_layer(m->w->place.runtime_root, m->layers[0], err);
	char path[64];

	if (top < 0)
		return -1;
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", top);
	return overlay_upper_init(upper_fd, path, err);
}

/* On the disk before it is recorded; open, until all that we make ourselves is made. */
static int rootfs_mark_anew(struct making *m, int upper_fd, struct err *err)
{
	m->mark = (struct files_mark){.id = files_next(&m->known, &m->seen, files_random()),
	                              .before = m->record.files.random,
	                              .is_open = true};
	if (files_mark_put(m->dir_fd, &m->mark, err) < 0 || fsync(upper_fd) < 0)
		return err->code != ERR_NONE ? -1 : err_set(err, ERR_SYS, errno, "sync upper");
	return 0;
}

/* Upper and work directories; the record before anything can be written into them. */
static int rootfs_make_dirs(struct making *m, struct err *err)
{
	CLEANUP(fd_close_var) int upper = -1;
	bool fresh = mkdirat(m->dir_fd, "upper", 0700) == 0;

	if ((!fresh && errno != EEXIST) ||
	    (mkdirat(m->dir_fd, "work", 0700) < 0 && errno != EEXIST)) {
		(void)err_set(err, ERR_SYS, errno, "make %s", m->upper);
		return rootfs_fail(m, "MountFailed", err);
	}
	upper = fs_open_beneath(m->dir_fd, "upper", O_RDONLY | O_DIRECTORY, err);
	if (upper < 0 || (fresh && rootfs_init_upper(m, upper, err) < 0) ||
	    overlay_mark(upper, m->w->place.uid, err) < 0) {
		if (fresh)
			(void)unlinkat(m->dir_fd, "upper", AT_REMOVEDIR);
		return rootfs_fail(m, err->sys_errno == ENOENT ? "ImageGone" : "MountFailed", err);
	}
	m->needs_mark |= fresh;
	if (m->needs_mark && rootfs_mark_anew(m, upper, err) < 0)
		return rootfs_fail(m, "MountFailed", err);
	m->made->files = m->needs_mark ? m->mark.id : m->record.files;
	return rootfs_write_record(m, m->made->files, false, err);
}

/*
 * The mount may live in a consumer, which has it as its root: it is taken back. Or in one that has
 * just ended, of which the kernel still takes the mounts apart: that is over soon.
 */
static int rootfs_mount_busy(struct making *m, const struct overlay_paths *paths, struct err *err)
{
	int rc = -1;

	for (int tries = 0; rc < 0 && err->sys_errno == EBUSY && tries < BUSY_TRIES_MAX; tries++) {
		pid_t holder = rootfs_holder(&m->w->place);

		if (holder > 0 && overlay_take_back(holder, paths, err) == 0)
			return 0;
		(void)poll(NULL, 0, BUSY_WAIT_MS);
		rc = overlay_mount(paths, err);
	}
	return rc;
}

static int rootfs_mount(struct making *m, struct err *err)
{
	const struct overlay_paths paths = {
	        (const char *const *)m->layers, m->upper,       m->work, m->target,
	        m->w->place.runtime_root,       m->w->place.uid};
	int rc;

	if (mkdir(m->target, 0700) < 0 && errno != EEXIST) {
		(void)err_set(err, ERR_SYS, errno, "make %s", m->target);
		return rootfs_fail(m, "MountFailed", err);
	}
	rc = overlay_mount(&paths, err);
	if (rc < 0 && err->sys_errno == ESTALE) {
		rc = overlay_forget_origin(m->upper, m->work, err);
		if (rc == 0)
			rc = overlay_mount(&paths, err);
	}
	if (rc < 0 && err->sys_errno == EBUSY)
		rc = rootfs_mount_busy(m, &paths, err);
	if (rc < 0)
		return rootfs_fail(m, err->code == ERR_NOT_FOUND ? "ImageGone" : "MountFailed",
		                   err);
	return 0;
}

/* Return: 0; 1 one is missing or of another type, and @is_made is false; negative: err */
static int rootfs_each_mount_point(struct making *m, int root_fd, bool is_made, struct err *err)
{
	static const char *const folders[] = {"/proc", "/dev", "/sys", NULL};
	static const char *const files[] = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf",
	                                    NULL};
	const char *const *lists[] = {folders, m->w->mount_points, files};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		for (const char *const *path = lists[i]; *path != NULL; path++) {
			CLEANUP(fd_close_var) int fd = -1;
			struct stat st;

			if (is_made &&
			    fs_mount_point(root_fd, *path, lists[i] != files, &fd, err) < 0)
				return rootfs_fail(
				        m, pause_helps(err) ? "MountFailed" : "UnsafeMountPoint",
				        err);
			if (is_made)
				continue;
			fd = fs_open_in_root(root_fd, *path, O_PATH, NULL);
			if (fd < 0 || fstat(fd, &st) < 0 ||
			    S_ISDIR(st.st_mode) != (lists[i] != files))
				return 1;
		}
	}
	return 0;
}

static int rootfs_put_mark(struct making *m, bool is_open, struct err *err)
{
	int empty = fs_is_empty(m->dir_fd, "upper", err);

	assert(m->dir_fd >= 0 && m->mark.id.number != 0);
	m->mark.is_open = is_open;
	m->mark.is_empty = empty > 0;
	if (empty < 0 || files_mark_put(m->dir_fd, &m->mark, err) < 0)
		return rootfs_fail(m, "MountFailed", err);
	return 0;
}

/*
 * Made ahead, so that the hand-over finds them: it then takes a millisecond, not a hundred. Files
 * that sleep are open meanwhile: an agent that is killed here must not have changed closed ones.
 */
static int rootfs_make_mount_points(struct making *m, int root_fd, struct err *err)
{
	bool is_closed = m->mark.id.number != 0 && !m->mark.is_open;
	int rc = rootfs_each_mount_point(m, root_fd, false, err);

	if (rc > 0) {
		if (is_closed && rootfs_put_mark(m, true, err) < 0)
			return -1;
		rc = rootfs_each_mount_point(m, root_fd, true, err);
	}
	if (rc == 0 && (m->needs_mark || (is_closed && m->mark.is_open)))
		rc = rootfs_put_mark(m, false, err);
	m->made->is_files_due = m->mark.is_open || !files_id_is(m->mark.id, m->made->files) ||
	                        m->mark.id.number == 0;
	return rc;
}

static char *rootfs_read(int root_fd, const char *path)
{
	char *text = NULL;

	if (fs_read_file_in_root(root_fd, path, ROOTFS_PASSWD_BYTES_MAX, &text, NULL) < 0)
		return strdup("");
	return text;
}

/* In the image itself: what a process wrote into its files makes nobody of it. */
static int rootfs_resolve_user(struct making *m, struct err *err)
{
	CLEANUP(fd_close_var) int root_fd = -1;
	CLEANUP(free_var) char *passwd = NULL;
	CLEANUP(free_var) char *group = NULL;
	char root[64];

	(void)snprintf(root, sizeof root, "/proc/%d/root", (int)m->provider);
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0) {
		(void)err_set(err, ERR_SYS, errno, "open %s", root);
		return rootfs_fail(m, "MountFailed", err);
	}
	passwd = rootfs_read(root_fd, "etc/passwd");
	group = rootfs_read(root_fd, "etc/group");
	if (passwd == NULL || group == NULL)
		return err_set(err, ERR_NOMEM, 0, "users");
	if (passwd_resolve(m->w->image_user, passwd, group, &m->made->user, err) < 0)
		return rootfs_fail(m, "MountFailed", err);
	return 0;
}

static int rootfs_make_it(struct making *m, struct err *err)
{
	CLEANUP(fd_close_var) int root = -1;
	int rc;

	/* what was there once is not made: a disk that is not mounted looks like that */
	if (rootfs_open_dir(m, !m->w->was_made && m->w->files_reported.number == 0, err) < 0)
		return rootfs_fail(m, "MountFailed", err);
	if (rootfs_read_record(m, err) < 0 || rootfs_check_files(m, err) < 0)
		return -1;
	rc = m->w->provider_pod != NULL ? rootfs_layers_of_provider(m, err)
	                                : rootfs_layers_of_record(m, err);
	if (rc < 0 || rootfs_check_kept(m, err) < 0 || rootfs_make_dirs(m, err) < 0 ||
	    rootfs_mount(m, err) < 0)
		return -1;
	(void)snprintf(m->made->digest, sizeof m->made->digest, "%s", m->digest);
	root = open(m->target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_set(err, ERR_SYS, errno, "open %s", m->target);
	if (rootfs_make_mount_points(m, root, err) < 0)
		return -1;
	return m->w->provider_pod != NULL ? rootfs_resolve_user(m, err) : 0;
}

int rootfs_make(void *wanted, void *data, struct err *err)
{
	struct making m = {.w = wanted, .made = data, .dir_fd = -1};
	int rc = rootfs_make_it(&m, err);

	if (rc < 0) {
		(void)rootfs_fail(&m, "MountFailed", err);
		(void)umount2(m.target, MNT_DETACH);
	}
	m.made->has_dropped = m.dir_fd >= 0 && dropped_has(m.dir_fd);
	if (m.dir_fd >= 0)
		(void)close(m.dir_fd);
	overlay_layers_free(m.layers);
	record_done(&m.record);
	return rc;
}

int rootfs_remove(void *place, void *data, struct err *err)
{
	const struct rootfs_place *p = place;
	CLEANUP(fd_close_var) int prefix = rootfs_open_prefix(p->prefix, true, err);
	CLEANUP(fd_close_var) int ns = -1;
	char target[PATH_MAX];
	char name[NAME_MAX + 1];

	(void)data;
	if (prefix < 0 || rootfs_target(p, target, err) < 0)
		return -1;
	if (rootfs_holder(p) > 0)
		return 1;
	/* behind the starts of others; not for long behind what a busy node runs, for the object of
	 * the instance waits: when that is gone, no file is left */
	(void)setpriority(PRIO_PROCESS, 0, 10);
	if (umount2(target, MNT_DETACH) == 0 || errno == EINVAL)
		(void)rmdir(target);
	ns = fs_open_beneath(prefix, p->ns, O_PATH | O_DIRECTORY, err);
	if (ns < 0)
		return err->sys_errno == ENOENT ? 0 : -1;
	if (snprintf(name, sizeof name, "%s.%s", p->name, p->uid) >= (int)sizeof name)
		return 0; /* such a folder can't have been made */
	if (fs_remove_tree(ns, name, err) < 0)
		return -1;
	/* the namespace's last one; else it stays */
	(void)unlinkat(prefix, p->ns, AT_REMOVEDIR);
	return 0;
}
