/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hand - the hand-over of an instance's root filesystem to a consumer
 *
 *     hand.c          who gets it now (core/hand_plan.h); forks
 *     hand_child.c    in the child: checks the files and puts them below the container
 *     hand_result.c   in the agent again: `go`, a refusal, or a pause (core/handed.h)
 *
 * One hand-over of an instance is under way at a time; inst->handing is its consumer.
 */
#pragma once

#include <event2/util.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/core/pod_view.h"
#include "agent/io/mounts/files_mark.h"
#include "agent/io/mounts/handover.h"

struct consumer;
struct instance;

/* What the child is given; all of it is borrowed from the instance and its consumer. */
struct hand_order {
	struct files_use files; /* which, and where */
	const char *clear[POD_CLEAR_MAX + 1];
	struct handover handover;
	pid_t pid; /* process 1 of the container */
};

/* What the child answers beside its enum handed_result. */
struct hand_done {
	uint64_t took_us;
	struct files_opened files;
};

/** hand_next() - hand it to the consumer whose turn it is, or refuse it to those that wait */
void hand_next(struct instance *inst);

/** on_hand_retry() - the event at the end of the pause: the same */
void on_hand_retry(evutil_socket_t fd, short what, void *arg);

/**
 * hand_child() - run of a task
 * @order: struct hand_order; @data: struct hand_done
 *
 * Return: enum handed_result; negative: err.
 */
int hand_child(void *order, void *data, struct err *err);

/** on_hand_done() - on_done of that task; @arg: the consumer. The instance is looked at again. */
void on_hand_done(void *arg, int rc, const void *data, const struct err *err);

/** hand_pause() - the files are in use, or something was short: not before a pause, which grows */
void hand_pause(struct instance *inst);

/** hand_pause_over() - who had them may be gone: the next one need not wait */
void hand_pause_over(struct instance *inst);
