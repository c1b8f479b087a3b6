/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal - the list of informers whose list or watch is refused now
 */
#include "lib/kube/client/refusal.h"

#include <stdio.h>

#include "lib/base/log.h"
#include "lib/http/metrics.h"

enum { REFUSALS_TEXT_BYTES = 2048 };

/* Of the process: its informers are few, and readiness and metrics are of the whole program. */
static LIST_HEAD(, refusal) refusals = LIST_HEAD_INITIALIZER(refusals);
static struct metric *refusals_total;

static const char *refusal_reason(enum err_code code)
{
	static const char *const names[] = {
	        [ERR_DENIED] = "denied",
	        [ERR_NOT_FOUND] = "not_found",
	        [ERR_TIMEOUT] = "timeout",
	        [ERR_UNAVAILABLE] = "unavailable",
	};

	return (size_t)code < ARRAY_LEN(names) && names[code] != NULL ? names[code] : "invalid";
}

void refusal_init(struct refusal *r, const char *resource)
{
	*r = (struct refusal){.resource = resource};
	LIST_INSERT_HEAD(&refusals, r, entry);
}

void refusal_done(struct refusal *r)
{
	LIST_REMOVE(r, entry);
}

void refusal_set(struct refusal *r, const char *verb, const struct err *why)
{
	bool is_news = r->code != why->code;

	r->verb = verb;
	r->code = why->code;
	r->why = *why;
	if (refusals_total != NULL)
		metric_add(refusals_total,
		           (const char *const[]){r->resource, refusal_reason(r->code)}, 1);
	if (is_news)
		log_event(LOG_WARN, "informer.refused", log_str("resource", r->resource),
		          log_str("verb", verb), log_str("reason", refusal_reason(r->code)),
		          log_err(why));
}

void refusal_clear(struct refusal *r)
{
	if (r->code == ERR_NONE)
		return;
	r->code = ERR_NONE;
	log_event(LOG_INFO, "informer.answered", log_str("resource", r->resource));
}

const char *refusals_text(void)
{
	static char text[REFUSALS_TEXT_BYTES];
	const struct refusal *r;
	size_t len = 0;

	LIST_FOREACH(r, &refusals, entry) {
		if (r->code != ERR_NONE && len < sizeof text)
			len += (size_t)snprintf(text + len, sizeof text - len,
			                        "%s of %s is refused: %s\n", r->verb, r->resource,
			                        r->why.text);
	}
	return len > 0 ? text : NULL;
}

void refusals_count_in(struct metrics *metrics)
{
	static const char *const labels[] = {"resource", "reason", NULL};

	refusals_total =
	        metrics == NULL
	                ? NULL
	                : metrics_counter(metrics, "sc_informer_refused_total",
	                                  "Lists and watches that the API server refused.", labels);
}
