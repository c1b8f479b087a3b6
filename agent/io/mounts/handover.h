/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handover - put a root filesystem below a container that waits for it
 *
 *     agent's namespace                 container's namespace
 *     overlay ──open_tree(clone)──setns──> attached over "/"
 *                                          /proc, /dev, volumes … cloned into it
 *                                          pivot_root, old root detached
 *
 * Runs in a forked child: after setns() there is no way back that is worth having.
 */
#pragma once

#include <stdint.h>

#include "agent/io/mounts/proc.h"
#include "lib/base/err.h"

struct handover {
	int root_fd;          /* the overlay's root, in the agent's namespace */
	int ns_fd;            /* the container's mount namespace */
	const char *cwd;      /* the container's working directory: made where it is missing */
	const char *keep_out; /* a mount that stays behind: the control socket's folder, in which
	                         the wrapper stands */
	const struct proc_user *user; /* whose it is; NULL: not known */
};

/**
 * handover_run() - in the child
 * Return: 0 handed over; 1 it had been already; negative: err begins with the step's name, code
 * ERR_INVALID when the tree has no safe mount point. A failed hand-over leaves the container as it
 * was.
 */
int handover_run(const struct handover *h, struct err *err);
