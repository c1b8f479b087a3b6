/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay - a root filesystem as an overlay, mounted in the agent's own mount namespace
 *
 * Made with index=on: the kernel refuses a second overlay on one upper directory, in whichever
 * namespace the first lives. All of this blocks on the disk: it runs in a task's child.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/base/err.h"

/* The mount's options must fit a page; with short names for the layers that is this many. */
enum { OVERLAY_LAYERS_MAX = 160 };

struct overlay_paths {
	const char *const *layers; /* NULL-terminated, uppermost first, absolute */
	const char *upper;         /* absolute; below a folder that only root can enter */
	const char *work;
	const char *target; /* an empty directory in our namespace */
	/* The runtime's folder, which layers are below, by whatever links; NULL: anywhere. */
	const char *runtime_root;
	const char *mark; /* whose upper directory that is: overlay_mark() */
};

/** overlay_namespace() - leave the host's mount namespace; a tmpfs of our own at @staging_dir */
int overlay_namespace(const char *staging_dir, struct err *err);

/**
 * overlay_mark() - whose @upper_fd is: an attribute that no container can set
 * It shows at the overlay's root, so that the mount is known again in whatever namespace it is.
 */
int overlay_mark(int upper_fd, const char *mark, struct err *err);

/**
 * overlay_open_layer() - O_PATH; @runtime_root: as above
 * Return: descriptor; -1: err, ERR_NOT_FOUND when it is not there, ERR_DENIED when it is elsewhere
 */
int overlay_open_layer(const char *runtime_root, const char *layer, struct err *err);

/** overlay_upper_init() - a new @upper_fd gets mode, owner and attributes of the image's root */
int overlay_upper_init(int upper_fd, const char *top_layer, struct err *err);

/**
 * overlay_mount() - Return: 0; negative: err, sys_errno EBUSY when the upper directory is part of a
 * mount that lives, ESTALE when the layers are other files than they were
 */
int overlay_mount(const struct overlay_paths *paths, struct err *err);

/** overlay_forget_origin() - after ESTALE, when the image is known to be the same one */
int overlay_forget_origin(const char *upper, const char *work, struct err *err);

/**
 * overlay_take_back() - a mount that lives on in a consumer, back into our namespace
 * @holder: a process whose root it is
 *
 * Return: 0; 1 when that process has another root; negative: err, ERR_DENIED when its mounts are of
 * a user namespace, or that root has not our mark.
 */
int overlay_take_back(pid_t holder, const struct overlay_paths *paths, struct err *err);

/**
 * overlay_has_upper() - is the root of @pid an overlay on this upper directory?
 * Never of a process in a user namespace, which shows whatever it wants.
 */
bool overlay_has_upper(pid_t pid, const char *upper);

/**
 * overlay_may_have_upper() - the same, or the process is about to end: then it shows no root any
 * more, and has not let go of its files yet (the kernel closes them later, on a busy machine much)
 */
bool overlay_may_have_upper(pid_t pid, const char *upper);

/**
 * overlay_layers_of() - the layers below the root of @pid
 * @layer_root: where relative ones begin
 * @ret_layers: NULL-terminated, for overlay_layers_free()
 *
 * A process in a user namespace is refused, ERR_DENIED: there it mounts what it wants.
 */
int overlay_layers_of(pid_t pid, const char *layer_root, char ***ret_layers, struct err *err);
void overlay_layers_free(char **layers);
DEFINE_CLEANUP(char **, overlay_layers_free);
