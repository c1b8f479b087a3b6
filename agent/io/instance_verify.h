/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance_verify - a list of an instance's files while it sleeps, and the comparison with it
 *
 * The list is made when the files have slept for a while, of one instance at a time, by a process
 * that takes only what nobody else wants; a start ends it. The comparison is an order, the
 * annotation verify-rootfs; its result stays in the status.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/err.h"

struct event;
struct instance;
struct task;

enum { VERIFY_ORDER_BYTES = 64 };

struct instance_verify {
	struct event *list_at;
	struct task *lister;
	struct task *verifier;
	char order[VERIFY_ORDER_BYTES]; /* of the verifier */
	json_t *result;                 /* owned: of the last order; NULL: none */
};

int instance_verify_init(struct instance *inst, struct err *err);
void instance_verify_done(struct instance *inst);

/** instance_verify_settled() - the files sleep, as from now */
void instance_verify_settled(struct instance *inst);

/** instance_verify_stop() - no list: they are about to change, or to go */
void instance_verify_stop(struct instance *inst);

/** instance_verify_next() - carry the order out, when there is a new one */
void instance_verify_next(struct instance *inst);
