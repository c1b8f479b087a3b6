/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starts - starts Pods and our containers on a cluster, and notes when what happened
 *
 * The application is sc-beacon in both: it says by datagram when it listens, so neither side is
 * polled and no Pod's address is dialled before it exists. All clocks are this machine's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/series.h"

struct event_base;
struct kubeconfig;
struct starts;
struct tally_use;

enum { STARTS_MAX = 32, STARTS_ACTIVATORS_MAX = 4 };

struct starts_opts {
	const struct kubeconfig *kubeconfig;
	const char *ns;
	const char *image;           /* of the bare Pods: the containers' own */
	const char *node;            /* of the bare Pods: the containers' own; NULL: any */
	const char *address;         /* of the activators' Service */
	uint16_t port;               /* of it */
	const char *beacon;          /* IPv4 of this side, as Pods reach it */
	uint16_t beacon_port;        /* the same in the containers' environment */
	const char *agent_log;       /* of the node agent; NULL: its stages are left out */
	const char **activator_logs; /* NULL-terminated; NULL: their stage is left out */
};

int starts_new(struct event_base *base, const struct starts_opts *opts, struct starts **ret_starts,
               struct err *err);
void starts_free(struct starts *s);
/** starts_count_use() - from here on what all programs use in a start, to its last first byte, is
 *  added to @use, which stays the caller's; NULL: not */
void starts_count_use(struct starts *s, struct tally_use *use);

/**
 * starts_bare() - create @count bare Pods at once, until each has answered, and remove them
 * @ret_last: stage by stage, the last
 */
int starts_bare(struct starts *s, unsigned count, struct series_start *ret_last, struct err *err);

/**
 * starts_wake() - a request for each of the @count sleeping containers @names, at once
 * They are awake when this returns, and the logs are not read yet (starts_read_logs()).
 */
int starts_wake(struct starts *s, const char *const *names, unsigned count, struct err *err);
/** starts_result() - of the last starts_wake(), what the logs say among it */
void starts_result(struct starts *s, struct series_start *ret_last);

/** starts_stop() - only asks for it; returns when the API server has answered */
int starts_stop(struct starts *s, const char *name, struct err *err);
/** starts_sleep() - stops all of them; returns when their Pods are gone and the phase says so */
int starts_sleep(struct starts *s, const char *const *names, unsigned count, struct err *err);
