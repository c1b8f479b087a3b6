/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workqueue - keys that need work; each key at most once in the queue and once in work
 *
 * A key added while it is in work is worked on again afterwards. A failed key comes back after a
 * per-key exponential delay (client-go's rate-limited queue: 5 ms doubling to 60 s by default).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct event_base;
struct workqueue;

struct workqueue_opts {
	uint32_t parallel_max;   /* keys in work at once; 0: 16 */
	uint64_t retry_first_ms; /* 0: 5 */
	uint64_t retry_max_ms;   /* 0: 60000 */
	/* Begin work on @key (borrowed, "namespace/name"); ends with workqueue_done(), maybe at
	 * once. */
	void (*work)(void *arg, const char *key);
	void *arg;
};

int workqueue_new(struct event_base *base, const struct workqueue_opts *opts,
                  struct workqueue **ret_queue, struct err *err);
void workqueue_free(struct workqueue *q);
void workqueue_add(struct workqueue *q, const char *key);
void workqueue_add_after(struct workqueue *q, const char *key, uint64_t delay_ms);
/** workqueue_done() - work on @key is over; @failed: again after its back-off, else forget it */
void workqueue_done(struct workqueue *q, const char *key, bool failed);
bool workqueue_in_work(const struct workqueue *q, const char *key);
size_t workqueue_depth(const struct workqueue *q);
