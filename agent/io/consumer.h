/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consumer - one consumer Pod: from its wrapper's hello to the end of its process 1
 */
#pragma once

#include <netinet/in.h>

#include "agent/core/consumer_state.h"
#include "agent/io/instance.h"
#include "agent/io/netns.h"

struct link;

struct consumer {
	LIST_ENTRY(consumer) entry;
	struct instance *inst;
	char pod_uid[64];
	uint64_t start;      /* which start of the instance made it */
	uint64_t generation; /* of the container, which it was made for */
	bool has_pod;        /* the Pod is still in the API */
	json_t *pod;         /* as it was seen last; owned */
	enum consumer_state state;
	char reason[ROOTFS_REASON_BYTES];
	char message[256];
	char address[INET6_ADDRSTRLEN];
	int exit_code;
	bool becomes;    /* the user's process is process 1: only the kubelet knows how it ends */
	bool awaits_end; /* and has not yet */
	char last_end[128]; /* the container whose end was in the Pod's status last */
	uint64_t started_wall_ms;
	uint64_t handover_us;
	uint64_t handing_since_us;
	struct link *link;
	struct task *task;      /* its hand-over */
	uint64_t handed_number; /* the process that it is for: link_peer.number */
	char cwd[PATH_MAX];     /* its working directory */
	struct netns netns;
	bool is_on_host;                     /* in the node's network, with others */
	char host_address[INET6_ADDRSTRLEN]; /* then; "" until it is in the Pod's status */
	uint64_t started_ms;                 /* monotonic; for the polls */
	struct event *poll;
	struct pause poll_pause;  /* after a look that failed */
	struct pause ports_pause; /* those that listen instead of the wanted one */
};

/**
 * consumer_new() - @pod: borrowed; it is @inst's, and @inst's list owns the consumer
 * Return: 0; negative: ERR_NOMEM.
 */
int consumer_new(struct instance *inst, const json_t *pod, struct consumer **ret_consumer,
                 struct err *err);
/** consumer_free() - a hand-over to it goes on, and nobody waits for its end. NULL is allowed */
void consumer_free(struct consumer *c);

/** consumer_see_pod() - @pod: its Pod as it is now; a reference is kept until the next one */
void consumer_see_pod(struct consumer *c, const json_t *pod);

/** consumer_is_alive() - a process of its container lives, as far as is known */
bool consumer_is_alive(const struct consumer *c);

/** consumer_feed() - the next state, by the table; it is logged and written to the API */
void consumer_feed(struct consumer *c, enum consumer_event ev);

/** consumer_refuse() - its root filesystem will not come: the wrapper is sent `refuse` and ends */
void consumer_refuse(struct consumer *c, const char *reason, const char *why);

/** consumer_status() - status.consumer. Return: new reference */
json_t *consumer_status(const struct consumer *c);
