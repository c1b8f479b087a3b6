/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance_files - the generation of an instance's files: closed after a run, settled, reported
 *
 *     handed over ──> due ──nobody uses them──> closing (task) ──> settling (files.task) ──> status
 *                      ^                              │
 *                      └──────── somebody does ───────┘
 *
 * Closing is short, and a hand-over waits for it. Settling waits for the disk, one instance at a
 * time, and no hand-over waits for that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "agent/core/files.h"
#include "agent/core/pause.h"

struct event;
struct event_base;
struct files_use;
struct instance;
struct rootfs_made;
struct rootfs_wanted;
struct task;

struct instance_files {
	struct files_id recorded; /* on the disk for sure */
	bool is_due;              /* they are open */
	bool is_unsettled;        /* they are closed, and it is not recorded */
	struct task *task;        /* settles them */
	struct event *retry;
	struct pause pause;
};

int instance_files_init(struct instance *inst, struct err *err);
void instance_files_done(struct instance *inst);

/** instance_files_want() - what should be there, for rootfs_make() */
void instance_files_want(const struct instance *inst, struct rootfs_wanted *w);

/** instance_files_made() - @made: what is */
void instance_files_made(struct instance *inst, const struct rootfs_made *made);

/** instance_files_known() - what a start may begin on */
struct files_known instance_files_known(const struct instance *inst);

/** instance_files_use() - the same, and where they are; for the tasks of files_mark and files_list
 */
struct files_use instance_files_use(const struct instance *inst);

/** instance_files_handed() - a process may change them from here on */
void instance_files_handed(struct instance *inst);

/** instance_files_next() - begin to close or to settle them, when it is time */
void instance_files_next(struct instance *inst);

/** instance_files_text() - the generation for the status, "" when there is none */
const char *instance_files_text(const struct instance *inst, char text[FILES_ID_BYTES]);

/** instance_files_accepted() - the order to go on with what is there, when it is carried out; or ""
 */
const char *instance_files_accepted(const struct instance *inst);
