/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sleeper - one of our containers, woken by a request and put to sleep by hand
 *
 * What the parts do is seen from outside: own watches on the objects, with the moment at which
 * each change arrived here, and the node agent's log, whose lines carry the millisecond of what
 * the API tells only later or merges into one change.
 */
#pragma once

#include <stdint.h>

#include "loadtest/stages.h"

struct event_base;
struct kubeconfig;
struct sleeper;

struct sleeper_opts {
	const struct kubeconfig *kubeconfig;
	const char *ns;
	const char *name;
	const char *address; /* of the activator */
	uint16_t port;
	const char *host;
	const char *agent_log; /* of the node agent; NULL: its stages are left out */
};

int sleeper_new(struct event_base *base, const struct sleeper_opts *opts,
                struct sleeper **ret_sleeper, struct err *err);
void sleeper_free(struct sleeper *s);

/** sleeper_sleep() - returns when the phase is Stopped and the consumer Pod is gone */
int sleeper_sleep(struct sleeper *s, struct err *err);

/** sleeper_wake() - one request, and all stages of the wake that it causes */
int sleeper_wake(struct sleeper *s, struct stages_cycle *ret_cycle, struct err *err);
