/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target_private - a target as the files of queue/ see it; only target.c writes to it
 */
#pragma once

#include <event2/event_struct.h>

#include "activator/net/address.h"
#include "activator/queue/pool.h"
#include "activator/queue/queue.h"
#include "activator/queue/site.h"
#include "activator/queue/target.h"

struct target {
	struct queue *queue;
	struct target_opts opts;
	char *ns;
	char *name;
	char *uid;
	TAILQ_ENTRY(target) link;
	struct tenant *tenant;
	TAILQ_ENTRY(target) tenant_link;
	struct site *site; /* NULL: no node is known */
	struct target_limits limits;
	/* the wake */
	struct wake wake;
	struct wake_view view;
	bool has_view;
	bool waking;     /* a wake is under way */
	bool cold_start; /* the next first byte of a held request ends one */
	bool freeing;
	uint64_t wake_asked_ms;
	uint32_t refused_turn; /* the turn in which a wake was refused, and all that come in it */
	struct event lease_timer;
	char message[512]; /* of the last view */
	/* where it is */
	char consumer_uid[64];
	struct pool pool;
	/* who wants it */
	struct turn_item item; /* to be marked when somebody may be let go */
	struct waiters held;
	struct waiters coming;
	struct waiters inside;
	uint32_t coming_count;
	uint32_t inside_count;
	struct hold_usage usage;
	/* what the idle-monitor is told */
	uint32_t upgraded_count;
	bool has_last_request;
	bool has_last_byte;
	uint64_t last_request_ms;
	uint64_t last_byte_ms;
	char last_client[ADDRESS_TEXT_BYTES];
};
