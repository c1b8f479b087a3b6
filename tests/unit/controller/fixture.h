/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixture - the objects of one container, and what an API server does with the actions of a plan
 *
 * settle() makes plans and carries each out until one has nothing to do; every plan is one line of
 * the trace: what happened before it, its actions in their order, and its Events.
 */
#pragma once

/* cmocka's own order of headers */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <jansson.h>
#include <stdio.h>

#include "controller/core/plan.h"

enum { FIXTURE_TRACE_BYTES = 16384, FIXTURE_PODS_MAX = 16 };

struct fixture {
	json_t *container, *instance, *service, *slice, *slice6;
	json_t *pods[FIXTURE_PODS_MAX];
	size_t pods_count;
	json_t *shown; /* of them all, what the last plan saw */
	struct memory memory;
	struct plan_config config;
	struct status_times now;
	json_t *hosts; /* that are admitted */
	const char *hosts_reason;
	bool node_missing, node_silent;
	unsigned uids;
	/* The next answers are lost: the server has done it, the cache does not show it. */
	bool deaf;
	struct plan last; /* actions without bodies */
	char trace[FIXTURE_TRACE_BYTES];
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* A container "hello" in namespace "default"; @spec is merged over the usual one. */
void fixture_container(struct fixture *f, const char *spec_json);
/* The same, asleep with its root filesystem ready, and an empty trace. */
void fixture_asleep(struct fixture *f, const char *spec_json);
/* And awake, with the process listening. */
void fixture_awake(struct fixture *f);

void spec(struct fixture *f, const char *merge_json); /* changes the generation */
void set_running(struct fixture *f, bool running);
void settle(struct fixture *f, const char *what_happened);
/* When the last plan wanted to look again. */
void later(struct fixture *f);
void plan_once(struct fixture *f, const char *what_happened);
void expect_trace(struct fixture *f, const char *want);

json_t *pod(struct fixture *f, const char *name);
void pod_status(struct fixture *f, const char *name, const char *status_json);
void pod_placed(struct fixture *f, const char *name, const char *node);
void pod_gone(struct fixture *f, const char *name);
void agent_rootfs(struct fixture *f, const char *rootfs_json); /* merged over a ready one */
void agent_says(struct fixture *f, const char *pod_name, const char *state);
void agent_says_more(struct fixture *f, const char *consumer_json);
void instance_gone(struct fixture *f);

const json_t *condition(struct fixture *f, const char *type);
void expect_condition(struct fixture *f, const char *type, const char *status, const char *reason,
                      const char *message_part);
const char *phase(struct fixture *f); /* the container's */
const char *instance_phase(struct fixture *f);
