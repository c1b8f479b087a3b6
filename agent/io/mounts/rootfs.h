/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rootfs - one instance's root filesystem on the disk and as a mount; it runs in a task's child
 *
 *     <prefix>/<namespace>/<name>.<uid>/{upper,work,record.json}     0700 root
 *                                      /dropped-XXXXXXXX            (dropped.h)
 *     <staging>/<uid>                                               the overlay
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "agent/core/files.h"
#include "agent/core/passwd.h"
#include "lib/base/err.h"

enum { ROOTFS_REASON_BYTES = 32, ROOTFS_DIGEST_BYTES = 96, ROOTFS_SIBLINGS_MAX = 16 };

/* Where it is, and how processes are found. All borrowed. */
struct rootfs_place {
	const char *prefix;
	const char *ns;
	const char *name;
	const char *uid;
	const char *staging_dir;
	const char *layer_root;
	const char *runtime_root; /* NULL: layers may be anywhere */
	const char *const *cgroup_roots;
	/* Consumer Pods that may hold it; NULL-terminated UIDs. */
	const char *consumer_pods[ROOTFS_SIBLINGS_MAX + 1];
};

struct rootfs_wanted {
	struct rootfs_place place;
	const char *provider_pod;        /* UID; NULL: mount again what the record has */
	const char *provider_container;  /* with a provider: its id, "RUNTIME://ID" */
	const char *image_digest;        /* with a provider */
	const char *image_user;          /* with a provider */
	const char *reset_digest;        /* the user's order to drop the files, or "" */
	const char *const *mount_points; /* folders for the consumer's mounts, NULL-terminated */
	struct files_id files_reported;  /* the generation that the API has */
	bool was_made;                   /* the status has been Ready once */
	const char *accept_order;        /* the user's order to take the files as they are, or "" */
};

struct rootfs_made {
	char reason[ROOTFS_REASON_BYTES]; /* CamelCase, when it failed */
	char digest[ROOTFS_DIGEST_BYTES];
	struct passwd_user user; /* the image's; with a provider */
	struct files_id files;   /* the generation that is on the disk for sure */
	bool is_files_due;       /* and not the one that the files are of, or they are not closed */
	bool has_dropped; /* files that were given up wait to be removed; also when it failed */
	char accepted[2 * FILES_ID_BYTES]; /* the order that was carried out, or "" */
};

/** rootfs_make() - @data: struct rootfs_made; run of a task. Return: 0 mounted; negative: err */
int rootfs_make(void *wanted, void *data, struct err *err);

/**
 * rootfs_has_layers() - the folders that the record names are there, as far as can be seen
 * Reads the disk: for a task's child. True also where there is no record, which the mount finds.
 */
bool rootfs_has_layers(const struct rootfs_place *p);

/** rootfs_remove() - @place: struct rootfs_place. Return: 0 gone; 1 a process still uses it */
int rootfs_remove(void *place, void *data, struct err *err);

/** rootfs_path() - as snprintf(). Return: 0; negative: err, it is too long */
int rootfs_path(char path[PATH_MAX], struct err *err, const char *fmt, ...) PRINTF_LIKE(3, 4);
/** rootfs_dir() - the path of its folder. Return: 0; negative: err, it is too long */
int rootfs_dir(const struct rootfs_place *p, char path[PATH_MAX], struct err *err);
/** rootfs_target() - the same of the mount */
int rootfs_target(const struct rootfs_place *p, char path[PATH_MAX], struct err *err);

/** rootfs_open() - the folder, with @flags. Return: descriptor, or -1 with err (sys_errno set) */
int rootfs_open(const struct rootfs_place *p, int flags, struct err *err);

/** rootfs_first_of() - process 1 of that container when the root filesystem is its root; else 0 */
pid_t rootfs_first_of(const struct rootfs_place *p, const char *pod_uid, const char *container_id);

/** rootfs_holder() - a process of the consumer Pods whose root it is, or was until now; 0: none */
pid_t rootfs_holder(const struct rootfs_place *p);
