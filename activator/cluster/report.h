/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report - the data path's counters as metrics, published twice a second and off the hot path
 */
#pragma once

#include "activator/proxy/proxy.h"
#include "lib/http/metrics.h"

struct report {
	struct metrics *metrics;
	struct metric *requests;
	struct metric *wakes;
	struct metric *held;
	struct metric *hold_seconds;
	struct metric *stage_seconds;
	struct metric *clients;
	struct metric *upstreams;
	struct metric *upstreams_opened;
	struct metric *unsolicited;
	struct metric *retries;
	struct metric *memory;
	struct metric *memory_max;
	struct proxy_stats last;
};

void report_init(struct report *r);
void report_done(struct report *r);
void report_publish(struct report *r, struct proxy *p);
/** report_stage() - for proxy_opts.on_stage */
void report_stage(struct report *r, enum proxy_stage stage, uint64_t ms);
