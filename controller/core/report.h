/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report - writes a status as merge patches of the controller's own fields, and as Events
 */
#pragma once

#include "controller/core/status.h"

enum { REPORT_EVENTS_MAX = 7 };

struct report_event {
	bool warning;
	char reason[64]; /* copies: when the Event is written the objects may be other ones */
	char message[STATUS_MESSAGE_BYTES];
};

/**
 * report_container_patch() - what has to change in the container's status
 * @url_template: with %s for the name, then %s for the namespace; "" for no URL
 * Return: new reference, { "status": … }; NULL when all of it is there already
 */
json_t *report_container_patch(const struct facts *f, const struct status *s,
                               const json_t *container, const char *url_template, uint64_t wall_ms);

/**
 * report_instance_patch() - the same for the instance
 * @start_count: the newest start, with the one under way
 */
json_t *report_instance_patch(const struct facts *f, const struct status *s, int64_t start_count,
                              uint64_t wall_ms);

/** report_events() - what changed since the status that @container still shows. Return: count */
size_t report_events(const struct status *s, const json_t *container,
                     struct report_event ret_events[REPORT_EVENTS_MAX]);

/** report_url() - @template with its two %s replaced. Return: new reference */
json_t *report_url(const char *url_template, const char *name, const char *ns);
