/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop - steps one after the other on an event loop
 *
 * The load test is no service: it waits for each thing in turn, and the loop's callbacks set what
 * is waited for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct event_base;

/* What is waited for. */
struct loop_goal {
	bool (*is_done)(const void *arg);
	const void *arg;
	uint64_t timeout_ms;
	const char *what; /* in the text of the error */
};

/**
 * loop_until() - run callbacks until @goal is reached
 * Return: 0; negative with ERR_TIMEOUT when it is too late
 */
int loop_until(struct event_base *base, const struct loop_goal *goal, struct err *err);

/** loop_pause() - run callbacks for so long */
void loop_pause(struct event_base *base, uint64_t ms);
