/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workqueue - keys in a hash table: in the queue, in work, or waiting for their timer
 */
#include "lib/kube/control/workqueue.h"

#include <assert.h>
#include <event2/event.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/clk.h"
#include "lib/base/hash.h"

enum { WORKQUEUE_BUCKETS = 1024 };

/*
 * A key is known while it is queued, in work, waits for its time, or has failed before.
 *
 *     add ──> [ queued ] ──> in work ──done──> forgotten
 *                ^  ^            │ └──failed──> waits for its back-off ──┐
 *                │  └── again ───┘                                       │
 *                └────────────────────────────────────────────────────-──┘
 */
struct workqueue_item {
	struct workqueue_item *chain;      /* of its hash bucket */
	TAILQ_ENTRY(workqueue_item) queue; /* while queued */
	struct workqueue *owner;
	struct event *timer; /* made with the first delay */
	uint64_t due_ms;     /* of the timer, while it is pending */
	uint32_t failures;
	bool queued;
	bool in_work;
	bool again; /* added while in work */
	char key[];
};

struct workqueue {
	struct event_base *base;
	struct event *run; /* active once: starts work from the loop, not from add or done */
	struct workqueue_opts opts;
	TAILQ_HEAD(workqueue_list, workqueue_item) queued;
	size_t queued_count;
	uint32_t in_work_count;
	struct workqueue_item *buckets[WORKQUEUE_BUCKETS];
};

DEFINE_CLEANUP(struct workqueue *, workqueue_free);

static struct workqueue_item **workqueue_find(const struct workqueue *q, const char *key)
{
	struct workqueue_item *const *at = &q->buckets[hash_secret(key) % WORKQUEUE_BUCKETS];

	for (; *at != NULL; at = &(*at)->chain) {
		if (strcmp((*at)->key, key) == 0)
			break;
	}
	return (struct workqueue_item **)(uintptr_t)at;
}

static struct workqueue_item *workqueue_get(struct workqueue *q, const char *key)
{
	struct workqueue_item **at = workqueue_find(q, key);
	struct workqueue_item *item;

	if (*at != NULL)
		return *at;
	item = calloc(1, sizeof *item + strlen(key) + 1);
	if (item == NULL)
		abort(); /* a lost key would be a lost change: better a new start */
	item->owner = q;
	memcpy(item->key, key, strlen(key) + 1);
	*at = item;
	return item;
}

static bool workqueue_is_waiting(const struct workqueue_item *item)
{
	return item->timer != NULL && evtimer_pending(item->timer, NULL);
}

static void workqueue_item_free(struct workqueue_item *item)
{
	if (item->timer != NULL)
		event_free(item->timer);
	free(item);
}

/* Nothing is left to remember of the key. */
static void workqueue_forget_idle(struct workqueue *q, const char *key)
{
	struct workqueue_item **at = workqueue_find(q, key);
	struct workqueue_item *item = *at;

	if (item == NULL || item->queued || item->in_work || item->failures > 0 ||
	    workqueue_is_waiting(item))
		return;
	*at = item->chain;
	workqueue_item_free(item);
}

static void workqueue_wake(struct workqueue *q)
{
	if (q->queued_count > 0 && q->in_work_count < q->opts.parallel_max)
		event_active(q->run, 0, 0);
}

static void workqueue_put(struct workqueue *q, struct workqueue_item *item)
{
	if (item->in_work) {
		item->again = true;
		return;
	}
	if (item->queued)
		return;
	item->queued = true;
	TAILQ_INSERT_TAIL(&q->queued, item, queue);
	q->queued_count++;
	workqueue_wake(q);
}

static void on_workqueue_run(evutil_socket_t fd, short what, void *arg)
{
	struct workqueue *q = arg;
	size_t budget = q->queued_count; /* what work() adds waits for the next turn */

	while (budget-- > 0 && q->queued_count > 0 && q->in_work_count < q->opts.parallel_max) {
		struct workqueue_item *item = TAILQ_FIRST(&q->queued);

		TAILQ_REMOVE(&q->queued, item, queue);
		q->queued_count--;
		item->queued = false;
		item->in_work = true;
		q->in_work_count++;
		q->opts.work(q->opts.arg, item->key);
	}
	workqueue_wake(q);
}

static void on_workqueue_due(evutil_socket_t fd, short what, void *arg)
{
	struct workqueue_item *item = arg;

	workqueue_put(item->owner, item);
}

int workqueue_new(struct event_base *base, const struct workqueue_opts *opts,
                  struct workqueue **ret_queue, struct err *err)
{
	CLEANUP(workqueue_free_var) struct workqueue *q = calloc(1, sizeof *q);

	if (q == NULL)
		return err_set(err, ERR_NOMEM, 0, "work queue");
	q->base = base;
	q->opts = *opts;
	if (q->opts.parallel_max == 0)
		q->opts.parallel_max = 16;
	if (q->opts.retry_first_ms == 0)
		q->opts.retry_first_ms = 5;
	if (q->opts.retry_max_ms == 0)
		q->opts.retry_max_ms = 60000;
	TAILQ_INIT(&q->queued);
	q->run = event_new(base, -1, 0, on_workqueue_run, q);
	if (q->run == NULL)
		return err_set(err, ERR_NOMEM, 0, "work queue");
	*ret_queue = TAKE_PTR(q);
	return 0;
}

void workqueue_free(struct workqueue *q)
{
	if (q == NULL)
		return;
	for (size_t i = 0; i < WORKQUEUE_BUCKETS; i++) {
		while (q->buckets[i] != NULL) {
			struct workqueue_item *item = q->buckets[i];

			q->buckets[i] = item->chain;
			workqueue_item_free(item);
		}
	}
	if (q->run != NULL)
		event_free(q->run);
	free(q);
}

void workqueue_add(struct workqueue *q, const char *key)
{
	workqueue_put(q, workqueue_get(q, key));
}

/* The earlier of two times counts. */
static void workqueue_put_after(struct workqueue *q, struct workqueue_item *item, uint64_t delay_ms)
{
	struct timeval tv = clk_timeval(delay_ms);
	uint64_t due_ms = clk_now_ms() + delay_ms;

	if (delay_ms == 0) {
		workqueue_put(q, item);
		return;
	}
	if (item->timer == NULL)
		item->timer = evtimer_new(q->base, on_workqueue_due, item);
	if (item->timer == NULL)
		abort(); /* as in workqueue_get() */
	if (evtimer_pending(item->timer, NULL) && item->due_ms <= due_ms)
		return;
	item->due_ms = due_ms;
	(void)evtimer_add(item->timer, &tv);
}

void workqueue_add_after(struct workqueue *q, const char *key, uint64_t delay_ms)
{
	workqueue_put_after(q, workqueue_get(q, key), delay_ms);
}

static uint64_t workqueue_backoff_ms(const struct workqueue *q, uint32_t failures)
{
	uint64_t ms = q->opts.retry_first_ms;

	while (--failures > 0 && ms < q->opts.retry_max_ms)
		ms *= 2;
	return ms < q->opts.retry_max_ms ? ms : q->opts.retry_max_ms;
}

void workqueue_done(struct workqueue *q, const char *key, bool failed)
{
	struct workqueue_item *item = *workqueue_find(q, key);

	assert(item != NULL && item->in_work);
	item->in_work = false;
	q->in_work_count--;
	if (failed)
		workqueue_put_after(q, item, workqueue_backoff_ms(q, ++item->failures));
	else
		item->failures = 0;
	if (item->again) {
		item->again = false;
		workqueue_put(q, item);
	}
	workqueue_wake(q);
	if (!item->queued)
		workqueue_forget_idle(q, item->key);
}

bool workqueue_in_work(const struct workqueue *q, const char *key)
{
	const struct workqueue_item *item = *workqueue_find(q, key);

	return item != NULL && item->in_work;
}

size_t workqueue_depth(const struct workqueue *q)
{
	return q->queued_count;
}
