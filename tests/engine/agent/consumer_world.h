/* SPDX-License-Identifier: Apache-2.0 */
/*
 * consumer_world - an instance that is ready, its one consumer, and the agent's parts for it
 *
 * Run by isolate.sh. The test itself is in the Pod's cgroup, so that what it starts is.
 */
#pragma once

#include <event2/event.h>
#include <stdio.h>

#include "agent/io/consumer.h"
#include "agent/io/link.h"
#include "lib/base/clk.h"
#include "tests/engine/agent/container.h"
#include "tests/engine/agent/tree.h"

#define POD_UID "7f3c9a10-5b2e-4d61-9c08-2a4be1d0f6a7"
#define OTHER_UID "7f3c9a10-5b2e-4d61-9c08-2a4be1d0f6a8"
#define CONTROL T "/pods/" POD_UID "/volumes/kubernetes.io~empty-dir/sc-control"

enum { PORT = 8080, DEADLINE_MS = 15000, FLOOD_MS = 1500 };

/* Shared with what the test starts. */
struct shared {
	bool stops_next_fork;
	pid_t stopped;
	unsigned connections_count;
};

/* One of them: the fixture's. */
struct world {
	struct agent_config config;
	struct agent agent;
	struct metrics *metrics;
	struct kubeconfig *kubeconfig;
	struct instance *inst;
	struct consumer *c;
	json_t *pod;
	pid_t container;
	struct event *tick;
};

extern struct shared *shared;
/* Tasks that were begun, among them. */
extern unsigned forks_count;

/** world_main() - for main(): once, before all tests. Return: false on failure */
bool world_main(void);
int world_setup(void **state);
int world_teardown(void **state);

/** world_turns() - turn() is about that loop from now on */
void world_turns(struct world *w, struct event_base *base);

/** see_pod() - the agent sees the consumer's Pod */
void see_pod(struct world *w);

/** turn() - one turn of the event loop, a few milliseconds at most */
void turn(struct world *w);
void turn_for(struct world *w, uint64_t ms);

/** start_wrapper() - the consumer's container, with a command that the kept files have */
void start_wrapper(struct world *w);

/** start_other() - process 1 of a container that is none of ours: it does what @run does */
void start_other(struct world *w, void (*run)(int listen_fd));

void end_container(struct world *w);

/** listen_on_port() - on the wanted one, where the container is as well */
int listen_on_port(void);

/** free_descriptors() - as many as may be */
void free_descriptors(void);

#define TURN_UNTIL(w, what)                                                                        \
	do {                                                                                       \
		uint64_t until_ms_ = clk_now_ms() + DEADLINE_MS;                                   \
                                                                                                   \
		while (!(what)) {                                                                  \
			if (clk_now_ms() > until_ms_)                                              \
				fail_msg("never: %s; state %s, \"%s\" %s", #what,                  \
				         consumer_state_text((w)->c->state), (w)->c->reason,       \
				         (w)->c->message);                                         \
			turn(w);                                                                   \
		}                                                                                  \
	} while (0)

#define CONSUMER_TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
