/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance - one StoppableContainerInstance whose root filesystem is, or will be, on this node
 */
#pragma once

#include <event2/util.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/core/image.h"
#include "agent/core/pause.h"
#include "agent/io/agent.h"
#include "agent/io/instance_dropped.h"
#include "agent/io/instance_files.h"
#include "agent/io/instance_verify.h"
#include "agent/io/mounts/rootfs.h"

struct consumer;
struct event;
struct image_query;
struct kube_call;
struct task;

#define INSTANCE_STATES(X)                                                                         \
	X(NEW, "Preparing")                                                                        \
	X(READY, "Ready")                                                                          \
	X(FAILED, "Failed")                                                                        \
	X(REMOVED, "Removed") /* nothing of it is left here; it is being deleted */

enum { INSTANCE_CONTAINER_BYTES = 128 };

enum instance_state {
#define X(name, text) INSTANCE_##name,
	INSTANCE_STATES(X)
#undef X
	        INSTANCE_STATES_COUNT
};

struct instance {
	LIST_ENTRY(instance) entry;
	struct agent *agent;
	json_t *object; /* as last seen; owned */
	enum instance_state state;
	char reason[ROOTFS_REASON_BYTES];
	char message[512];
	char digest[ROOTFS_DIGEST_BYTES];
	char provider_uid[64]; /* whose layers these are, or were last tried */
	char provider_container[INSTANCE_CONTAINER_BYTES]; /* of that Pod; "" not known */
	const char *prefix; /* one of the configured ones; NULL: not allowed */
	json_t *image;      /* owned; NULL: not known */
	bool record_is_tried;
	bool record_may_pass; /* why that failed */
	int root_fd;          /* READY: the overlay; else -1 */
	json_t *image_asked;  /* owned: of the image that is being made */
	char digest_asked[ROOTFS_DIGEST_BYTES];
	char user_asked[IMAGE_USER_BYTES];
	char provider_asked[64];
	char container_asked[INSTANCE_CONTAINER_BYTES];
	struct image_query *query;
	struct task *task;
	struct kube_call *status_call;
	bool status_is_dirty;
	bool status_has_failed; /* the retry is due, and nothing is written before */
	struct event *status_retry;
	struct event *retry; /* after a failed step */
	struct pause pause;
	LIST_HEAD(, consumer) consumers;
	/* Of whom an agent before this one spoke: its process may outlive its Pod's object. "" when
	 * the rootfs was handed over since, which nobody else can have held then. */
	char recalled_pod[64];
	struct consumer *handing; /* a hand-over is under way */
	struct event *hand_retry; /* not before it is due */
	struct pause hand_pause;
	struct instance_dropped dropped;
	struct instance_files files;
	struct instance_verify verify;
};

int instance_new(struct agent *agent, const json_t *object, struct instance **ret_instance,
                 struct err *err);
void instance_free(struct instance *inst);

/** instance_set_object() - it changed in the API */
void instance_set_object(struct instance *inst, const json_t *object);

/** instance_reconcile() - look at everything and begin the next step, if there is one */
void instance_reconcile(struct instance *inst);

/** instance_report() - bring status up to date, soon */
void instance_report(struct instance *inst);
/** instance_report_passing() - the same, but only when the state lasts */
void instance_report_passing(struct instance *inst);
/** instance_report_now() - what is not written yet is written in this turn of the loop */
void instance_report_now(struct instance *inst);
/** instance_is_unwritten() - the API does not know yet what is, or is about to be, on the disk */
bool instance_is_unwritten(const struct instance *inst);
/** instance_changed() - its state, or that of a consumer: the agent is told */
void instance_changed(struct instance *inst);

/** on_instance_status_retry() - the event that writes what could not be written before */
void on_instance_status_retry(evutil_socket_t fd, short what, void *arg);

/** instance_hand_next() - give the root filesystem to the consumer that waits for it */
void instance_hand_next(struct instance *inst);

/** instance_refuse_waiting() - tell the consumers that wait that it will not come */
void instance_refuse_waiting(struct instance *inst, const char *reason, const char *why);

/** instance_hand_later() - somebody still has it: not before a pause, which grows */
void instance_hand_later(struct instance *inst);
/** instance_hand_soon() - who had it may be gone: the pause is over */
void instance_hand_soon(struct instance *inst);

/** on_instance_hand_retry() - the event of that pause */
void on_instance_hand_retry(evutil_socket_t fd, short what, void *arg);

/** instance_fail() - say so, and try again after a pause, which grows */
void instance_fail(struct instance *inst, const char *reason, const char *message);
bool instance_is_image_gone(const struct instance *inst);

/** instance_is_in_use() - a consumer has its files, or is about to */
bool instance_is_in_use(const struct instance *inst);

/** instance_unmount() - in our namespace; a consumer that has the mount keeps its own */
void instance_unmount(struct instance *inst);

/** instance_image_gone() - the layers below the mount are not there any more */
void instance_image_gone(struct instance *inst);

/** instance_refuse_files() - they are not what they were; found at a start */
void instance_refuse_files(struct instance *inst, const char *reason, const char *message);

/** instance_find_prefix() - a configured prefix; where it was made before, that stays. NULL: none
 */
const char *instance_find_prefix(const struct instance *inst);
/** instance_prefix_refusal() - what is said when there is none */
void instance_prefix_refusal(const struct instance *inst, char *text, size_t size);

/** instance_place() - @except: a consumer that is not asked whether it holds the rootfs */
struct rootfs_place instance_place(const struct instance *inst, const struct consumer *except);

/** instance_reset_digest() - of the order to drop what was kept, when it is carried out; or "" */
const char *instance_reset_digest(const struct instance *inst);
/** instance_may_write() - its status is this agent's to write, or would be with a claim */
bool instance_may_write(const struct instance *inst);

const char *instance_uid(const struct instance *inst);
bool instance_is_ours(const struct instance *inst);
