/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance_dropped - what a reset gave up is removed behind the start, one instance at a time
 */
#pragma once

#include <stdbool.h>

#include "agent/core/pause.h"

struct event;
struct err;
struct instance;
struct rootfs_made;
struct task;

struct instance_dropped {
	bool is_due; /* something is there */
	struct task *task;
	struct event *retry; /* also when another one's turn is over */
	struct pause pause;
};

int instance_dropped_init(struct instance *inst, struct err *err);
void instance_dropped_done(struct instance *inst);

/** instance_dropped_made() - @made: of rootfs_make(), also of one that failed */
void instance_dropped_made(struct instance *inst, const struct rootfs_made *made);

/** instance_dropped_stop() - all of the instance is about to be removed */
void instance_dropped_stop(struct instance *inst);
