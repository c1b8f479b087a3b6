/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meter - the controller's metrics
 */
#pragma once

#include "controller/core/plan.h"

struct meter;
struct metrics;

/* What is counted of one container; zero at first. */
struct meter_entry {
	enum phase phase;
	enum plan_stage stage;
	uint64_t wanted_ms; /* when this start was first seen; 0: none under way */
};

struct meter *meter_new(struct metrics *metrics);
void meter_free(struct meter *m);
/** meter_plan() - one plan was carried out */
void meter_plan(struct meter *m, uint64_t took_us, bool has_failed);
void meter_depth(struct meter *m, size_t depth);
/** meter_stage() - where @plan found the container: its phase, and how far a start has come */
void meter_stage(struct meter *m, struct meter_entry *e, const struct plan *plan, uint64_t now_ms);
void meter_forget(struct meter *m, struct meter_entry *e);
