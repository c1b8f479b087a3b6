/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue - what the queues of all containers share: budgets, rates, and the list of them
 */
#include "activator/queue/queue.h"

#include "activator/queue/target_private.h"

void queue_init(struct queue *q, struct turn *turn, const struct queue_opts *opts)
{
	*q = (struct queue){.turn = turn, .opts = *opts};
	TAILQ_INIT(&q->targets);
	TAILQ_INIT(&q->holding);
}

void queue_stage(const struct queue *q, enum proxy_stage stage, uint64_t ms)
{
	if (q->opts.on_stage)
		q->opts.on_stage(q->opts.arg, stage, ms);
}

struct target *queue_largest(const struct queue *q)
{
	struct target *largest = NULL;
	struct target *t;

	TAILQ_FOREACH(t, &q->targets, link)
		if (largest == NULL || t->inside_count > largest->inside_count)
			largest = t;
	return largest;
}

struct target *queue_first(const struct queue *q)
{
	return TAILQ_FIRST(&q->targets);
}

struct target *queue_next(const struct target *t)
{
	return TAILQ_NEXT(t, link);
}
