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
#include "lib/base/log.h"

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
	INSTANCE_UNSET,
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
	bool record_failed_for_now; /* why that failed */
	int root_fd;                /* READY: the overlay; else -1 */
	json_t *image_asked;        /* owned: of the image that is being made */
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
	struct event *look;  /* at the end of this turn of the loop: instance_look_soon() */
	struct event *retry; /* after a failed step */
	struct pause pause;
	LIST_HEAD(, consumer) consumers;
	/* The consumer Pod in the status at this agent's start: its process may outlive its object.
	 * "" once the rootfs was handed over since then, for then nobody else had it. */
	char recalled_pod[64];
	struct consumer *handing; /* a hand-over is under way */
	struct event *hand_retry; /* not before it is due */
	struct pause hand_pause;
	struct instance_dropped dropped;
	struct instance_files files;
	struct instance_verify verify;
};

/**
 * instance_new() - @object: as it is in the API; a reference is kept
 *
 * The agent's list owns the instance. Nothing of it begins before instance_reconcile().
 * Return: 0; negative: ERR_NOMEM.
 */
int instance_new(struct agent *agent, const json_t *object, struct instance **ret_instance,
                 struct err *err);
/** instance_free() - with its consumers; its mount goes, its files stay */
void instance_free(struct instance *inst);

/** instance_set_object() - it changed in the API; the reference to the former object is dropped */
void instance_set_object(struct instance *inst, const json_t *object);

/* --- instance.c --- */

/** instance_reconcile() - look at everything and begin the next step, if there is one */
void instance_reconcile(struct instance *inst);

/* --- instance_status.c --- */

/** instance_report() - the status has to be written, in this turn of the loop if it can be */
void instance_report(struct instance *inst);
/** instance_report_later() - the same after half a second, by when the state may be another */
void instance_report_later(struct instance *inst);
/** instance_report_now() - what is not written yet is written in this turn of the loop */
void instance_report_now(struct instance *inst);
/** instance_is_unwritten() - the API does not know yet what is, or is about to be, on the disk */
bool instance_is_unwritten(const struct instance *inst);
/** instance_changed() - its state, or that of a consumer: the agent's gauges follow */
void instance_changed(struct instance *inst);

/** on_instance_status_retry() - the event that writes what could not be written before */
void on_instance_status_retry(evutil_socket_t fd, short what, void *arg);

/* --- instance_state.c --- */

/** instance_set_state() - the only place that changes it; a move that there is not is a bug */
void instance_set_state(struct instance *inst, enum instance_state state);

/** instance_fail() - FAILED, for @reason; what failed is tried again after a pause, which grows */
void instance_fail(struct instance *inst, const char *reason, const char *message);

/** instance_pause() - no step of it before a pause, which grows */
void instance_pause(struct instance *inst);

/** instance_unmount() - in our namespace; a consumer that has the mount keeps its own */
void instance_unmount(struct instance *inst);

/** instance_image_gone() - the layers below the mount are not there any more */
void instance_image_gone(struct instance *inst);

/** instance_refuse_files() - they are not what they were; found at a start */
void instance_refuse_files(struct instance *inst, const char *reason, const char *message);

/** instance_refuse_waiting() - the consumers that wait will not get the root filesystem */
void instance_refuse_waiting(struct instance *inst, const char *reason, const char *why);

/** instance_log() - an event of it, with its state's reason */
void instance_log(const struct instance *inst, enum log_level level, const char *event);

/* --- instance_make.c: each begins one step; at its end the instance is looked at again --- */

void instance_make_by_record(struct instance *inst);
void instance_make_by_provider(struct instance *inst);
void instance_remove(struct instance *inst);

/* --- instance_prefix.c --- */

/** instance_find_prefix() - a configured prefix; where it was made before, that stays. NULL: none
 */
const char *instance_find_prefix(const struct instance *inst);
/** instance_prefix_refusal() - the message when there is none */
void instance_prefix_refusal(const struct instance *inst, char *text, size_t size);

/* --- instance_facts.c --- */

/** instance_look_soon() - instance_reconcile() runs in this turn of the loop, when we are done */
void instance_look_soon(struct instance *inst);

/** instance_is_image_gone() - it failed for want of its layers, which a provider brings back */
bool instance_is_image_gone(const struct instance *inst);

/** instance_is_in_use() - a consumer has its files, or is about to */
bool instance_is_in_use(const struct instance *inst);

/** instance_place() - @except: a consumer that is not asked whether it has the root filesystem */
struct rootfs_place instance_place(const struct instance *inst, const struct consumer *except);

/** instance_take_provider() - its provider Pod here, with a container that runs; or NULL. New
 * reference */
json_t *instance_take_provider(const struct instance *inst);

/** instance_reset_digest() - of the order to drop the files, when it is carried out; or "" */
const char *instance_reset_digest(const struct instance *inst);

/** instance_may_write() - its status is this agent's to write, or would be with a claim */
bool instance_may_write(const struct instance *inst);

const char *instance_uid(const struct instance *inst);
/** instance_node() - the node that claimed it; "" none has */
const char *instance_node(const struct instance *inst);
bool instance_is_ours(const struct instance *inst);
