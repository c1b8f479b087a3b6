/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal - reports refused lists and watches: in the log, at /readyz, in a metric
 *
 * An informer whose list or watch is refused has an empty or an old cache, which looks as if
 * nothing happened in the cluster. Each informer has one struct refusal. The log has a line for
 * each change: refused, refused for another reason, accepted again.
 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include "lib/base/err.h"

struct metrics;

struct refusal {
	LIST_ENTRY(refusal) entry;
	const char *resource; /* "stoppablecontainers" */
	const char *verb;     /* "list", "watch" */
	enum err_code code;   /* ERR_NONE: not refused */
	struct err why;
};

/** refusal_init() - @resource: borrowed for its life */
void refusal_init(struct refusal *r, const char *resource);
void refusal_done(struct refusal *r);

/** refusal_set() - @verb of it failed; @verb: static */
void refusal_set(struct refusal *r, const char *verb, const struct err *why);
/** refusal_clear() - a watch is open: all is well */
void refusal_clear(struct refusal *r);

/** refusals_text() - all that are refused now, a line each. Return: static; NULL for none */
const char *refusals_text(void);

/** refusals_count_in() - sc_informer_refused_total counts from now on; NULL: no more */
void refusals_count_in(struct metrics *metrics);
