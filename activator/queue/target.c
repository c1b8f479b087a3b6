/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target - a container that clients want: asks for its wake, holds who waits for it in order, lets
 * them go when it is ready, and keeps to the budgets
 */
#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "activator/queue/target_private.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"

/* So many at once are on their way: a fresh server's backlog may be small. */
enum { COMING_MAX = 16 };

static void target_feed(struct target *t, enum wake_event ev);

static void on_lease_timer(evutil_socket_t fd, short what, void *arg)
{
	target_resume(arg);
}

static struct waiters *waiters_of(struct target *t, enum waiter_state state)
{
	assert(state == WAITER_HELD || state == WAITER_COMING || state == WAITER_INSIDE);
	return state == WAITER_HELD ? &t->held : state == WAITER_COMING ? &t->coming : &t->inside;
}

/* The one place where a waiter changes its list. */
static void waiter_set_state(struct waiter *w, enum waiter_state state, bool first)
{
	struct target *t = w->target;

	if (w->state != WAITER_OUT)
		TAILQ_REMOVE(waiters_of(t, w->state), w, link);
	if (w->state == WAITER_HELD)
		tenant_discharge(t, w->bytes);
	t->coming_count -= w->state == WAITER_COMING;
	t->inside_count -= w->state == WAITER_INSIDE;
	w->state = state;
	t->coming_count += state == WAITER_COMING;
	t->inside_count += state == WAITER_INSIDE;
	if (state == WAITER_HELD) {
		tenant_charge(t, w->bytes);
		w->was_held = true;
	}
	if (state != WAITER_OUT && first)
		TAILQ_INSERT_HEAD(waiters_of(t, state), w, link);
	else if (state != WAITER_OUT)
		TAILQ_INSERT_TAIL(waiters_of(t, state), w, link);
}

static bool target_has_place(const struct target *t)
{
	return t->coming_count < COMING_MAX &&
	       (t->limits.concurrency_max == 0 ||
	        t->inside_count + t->coming_count < t->limits.concurrency_max);
}

/* Those that are held go, in order, while there are places. */
static void target_run(void *arg)
{
	struct target *t = arg;
	struct waiter *w;

	while (!t->freeing && t->wake.state == WAKE_READY && target_has_place(t) &&
	       (w = TAILQ_FIRST(&t->held))) {
		queue_stage(t->queue, PROXY_STAGE_HOLD, clk_now_ms() - w->since_ms);
		waiter_set_state(w, WAITER_COMING, false);
		w->ops->granted(w);
	}
}

static void target_release(struct target *t)
{
	if (!TAILQ_EMPTY(&t->held) && !t->freeing)
		turn_mark(t->queue->turn, &t->item);
}

static void target_refuse(struct target *t, struct waiter *w, enum end_reason reason,
                          const char *detail)
{
	waiter_set_state(w, WAITER_OUT, false);
	target_release(t);
	w->ops->refused(w, reason, detail);
}

struct target *target_make(struct queue *q, const struct target_opts *opts)
{
	struct target *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->queue = q;
	t->opts = *opts;
	t->ns = strdup(opts->ns);
	t->name = strdup(opts->name);
	t->uid = strdup(opts->uid);
	TAILQ_INIT(&t->held);
	TAILQ_INIT(&t->coming);
	TAILQ_INIT(&t->inside);
	wake_init(&t->wake);
	pool_init(&t->pool, q->turn, &q->pools);
	turn_item_init(&t->item, target_run, t);
	(void)event_assign(&t->lease_timer, event_get_base(&q->turn->now), -1, 0, on_lease_timer,
	                   t);
	TAILQ_INSERT_TAIL(&q->targets, t, link);
	if (t->ns && t->name && t->uid)
		t->tenant = tenant_join(q, t);
	if (t->tenant)
		return t;
	target_free(t);
	return NULL;
}

void target_free(struct target *t)
{
	struct waiter *w;

	if (t == NULL)
		return;
	t->freeing = true;
	while ((w = TAILQ_FIRST(&t->held)) || (w = TAILQ_FIRST(&t->coming)) ||
	       (w = TAILQ_FIRST(&t->inside)))
		target_refuse(t, w, END_DELETED, NULL);
	pool_done(&t->pool);
	turn_forget(t->queue->turn, &t->item);
	(void)event_del(&t->lease_timer);
	TAILQ_REMOVE(&t->queue->targets, t, link);
	tenant_leave(t);
	site_leave(t->queue, t->site);
	free(t->ns);
	free(t->name);
	free(t->uid);
	free(t);
}

void target_set_limits(struct target *t, const struct target_limits *limits)
{
	t->limits = *limits;
}

static struct wake_buckets target_buckets(const struct target *t)
{
	struct site *site = t->site;

	return (struct wake_buckets){&t->queue->wakes, &t->tenant->wakes,
	                             site ? &site->whole->wakes : NULL, site ? &site->wakes : NULL};
}

static enum end_reason target_wake_rate(const struct target *t, uint64_t now_ms)
{
	const struct wake_buckets buckets = target_buckets(t);

	return wake_rate_check(&t->queue->opts.wakes, &buckets, now_ms);
}

static void target_ask_wake(struct target *t)
{
	const struct wake_buckets buckets = target_buckets(t);

	if (t->waking)
		return;
	wake_rate_take(&t->queue->opts.wakes, &buckets, clk_now_ms());
	t->waking = true;
	t->wake_asked_ms = clk_now_ms();
	t->cold_start = true;
	t->opts.ask_wake(t->opts.arg, t);
}

static void target_tell_held(struct target *t, enum end_reason reason)
{
	struct waiter *w;

	while ((w = TAILQ_FIRST(&t->held)))
		target_refuse(t, w, reason, t->message);
}

/* One function turns actions into effects; those on the request at hand are the caller's. */
static void target_act(struct target *t, unsigned actions)
{
	uint64_t now_ms = clk_now_ms();

	if (actions & WAKE_DO_DISARM)
		(void)event_del(&t->lease_timer);
	if (actions & WAKE_DO_ARM_LEASE) {
		struct timeval tv = clk_timeval(t->wake.lease_until_ms - now_ms);

		(void)event_add(&t->lease_timer, &tv);
	}
	if ((actions & WAKE_DO_NUDGE) && target_wake_rate(t, now_ms) == END_NONE &&
	    wake_nudge_due(&t->wake, now_ms))
		actions |= WAKE_DO_WAKE;
	if (actions & WAKE_DO_WAKE)
		target_ask_wake(t);
	if (actions & WAKE_DO_FAIL_HELD)
		target_tell_held(t, END_FAILED);
	if (actions & WAKE_DO_RELEASE)
		target_release(t);
}

static void target_log_state(const struct target *t, enum wake_state before, enum wake_event ev)
{
	if (before == t->wake.state)
		return;
	log_event(LOG_INFO, "target.state", log_str("namespace", t->ns), log_str("name", t->name),
	          log_str("from", wake_state_name(before)),
	          log_str("to", wake_state_name(t->wake.state)),
	          log_str("event", wake_event_name(ev)), log_u64("held", t->usage.requests_count));
}

/* What was released and has no connection yet waits again, in its old order. */
static void target_recall(struct target *t)
{
	struct waiter *w;

	while ((w = TAILQ_LAST(&t->coming, waiters))) {
		waiter_set_state(w, WAITER_HELD, true);
		w->ops->recalled(w);
	}
}

static void target_feed(struct target *t, enum wake_event ev)
{
	enum wake_state before = t->wake.state;
	unsigned actions = wake_step(&t->wake, ev, clk_now_ms());

	target_log_state(t, before, ev);
	if (before == WAKE_READY && t->wake.state != WAKE_READY)
		target_recall(t);
	if (t->wake.state == WAKE_READY && before != WAKE_READY && t->waking == false &&
	    t->wake_asked_ms) {
		queue_stage(t->queue, PROXY_STAGE_READY, clk_now_ms() - t->wake_asked_ms);
		t->wake_asked_ms = 0;
	}
	target_act(t, actions);
}

/* While a wake is under way "not running" is what the cache says from before it. */
static void target_look(struct target *t)
{
	enum wake_event ev;

	if (!t->has_view)
		return;
	ev = wake_observe(&t->wake, &t->view, target_has_held(t) || t->coming_count > 0);
	if (t->waking && (ev == WAKE_EV_STOPPED || ev == WAKE_EV_STOPPED_HELD))
		return;
	if (ev != WAKE_EV_UNSET)
		target_feed(t, ev);
}

static void target_set_endpoint(struct target *t, const struct target_view *v)
{
	const struct pool *p = &t->pool;
	bool same =
	        strcmp(t->consumer_uid, v->consumer_uid) == 0 &&
	        p->address_bytes == v->address_bytes &&
	        (v->address_bytes == 0 || memcmp(&p->address, v->address, v->address_bytes) == 0);

	if (same)
		return;
	(void)snprintf(t->consumer_uid, sizeof t->consumer_uid, "%s", v->consumer_uid);
	target_recall(t);
	pool_set_address(&t->pool, v->address, v->address_bytes);
}

static void target_set_site(struct target *t, const char *node)
{
	struct site *old = t->site;

	if (node == NULL || strlen(node) > SITE_NODE_BYTES_MAX)
		node = "";
	if (strcmp(old ? old->node : "", node) == 0)
		return;
	t->site = *node != '\0' ? site_join(t->queue, node, t->ns) : NULL;
	site_leave(t->queue, old);
}

void target_observe(struct target *t, const struct target_view *view)
{
	t->view = view->wake;
	if (view->address == NULL)
		t->view.consumer_listening = false;
	t->has_view = true;
	(void)snprintf(t->message, sizeof t->message, "%s", view->message);
	target_set_site(t, view->node);
	target_set_endpoint(t, view);
	target_look(t);
	target_release(t);
}

void target_wake_done(struct target *t, int64_t generation)
{
	t->waking = false;
	if (generation > 0) {
		queue_stage(t->queue, PROXY_STAGE_PATCH, clk_now_ms() - t->wake_asked_ms);
		wake_confirmed(&t->wake, generation);
		if (t->wake.state == WAKE_COLD)
			target_feed(t, WAKE_EV_STARTING);
	} else {
		target_feed(t, WAKE_EV_GIVEN_UP);
	}
	target_look(t);
}

void target_wake_trouble(struct target *t, const char *why)
{
	(void)snprintf(t->message, sizeof t->message, "%s", why);
}

/* What comes in this turn, behind an answer to one that was held, is part of what was refused: it
   does not ask for the next wake. */
void target_wake_refused(struct target *t, const char *why)
{
	target_wake_trouble(t, why);
	t->refused_turn = turn_current(t->queue->turn);
	target_tell_held(t, END_WAKE_REFUSED);
	target_wake_done(t, 0);
}

void target_refuse_held(struct target *t, enum end_reason reason)
{
	struct waiter *w;

	while ((w = TAILQ_FIRST(&t->held)))
		target_refuse(t, w, reason, NULL);
}

bool target_quiesce(struct target *t, uint64_t lease_ms)
{
	enum wake_state before = t->wake.state;
	uint64_t now_ms = clk_now_ms();
	unsigned actions;

	if (t->inside_count > 0 || t->coming_count > 0 || target_has_held(t))
		return false;
	actions = wake_quiesce(&t->wake, lease_ms, now_ms);
	target_log_state(t, before, WAKE_EV_QUIESCE);
	target_act(t, actions);
	return true;
}

void target_resume(struct target *t)
{
	(void)event_del(&t->lease_timer);
	target_feed(t, target_has_held(t) ? WAKE_EV_LEASE_END_HELD : WAKE_EV_LEASE_END);
	target_look(t);
}

/* Of its own container's places there must be one; of everybody's one may be made. */
static enum end_reason target_may_hold(struct target *t, size_t bytes)
{
	const struct hold_limits *all = &t->queue->opts.held;
	struct target *victim;
	enum end_reason reason;

	for (;;) {
		reason = hold_admit(&t->limits.held, &t->usage, all, &t->queue->usage, bytes);
		if (reason != END_OVERLOADED || (victim = tenant_victim(t, bytes)) == NULL)
			return reason;
		/* Who came last has waited the least. */
		target_refuse(victim, TAILQ_LAST(&victim->held, waiters), END_OVER_SHARE, NULL);
	}
}

/* A sweep over names must not start all of them. What is held already has its wake. */
static enum end_reason target_may_wake(const struct target *t)
{
	if (t->wake.state != WAKE_COLD || t->waking)
		return END_NONE;
	return target_wake_rate(t, clk_now_ms());
}

enum end_reason target_enter(struct target *t, struct waiter *w)
{
	enum wake_state before = t->wake.state;
	enum end_reason reason;
	unsigned actions;

	assert(w->state == WAITER_OUT);
	w->target = t;
	assert(!t->freeing);
	if (t->refused_turn == turn_current(t->queue->turn))
		return END_WAKE_REFUSED;
	reason = target_may_wake(t);
	if (reason != END_NONE)
		return reason;
	actions = wake_step(&t->wake, WAKE_EV_REQUEST, clk_now_ms());
	target_log_state(t, before, WAKE_EV_REQUEST);
	if (actions & WAKE_DO_REFUSE) {
		target_act(t, actions);
		return END_FAILED;
	}
	if ((actions & WAKE_DO_PASS) && TAILQ_EMPTY(&t->held) && target_has_place(t)) {
		waiter_set_state(w, WAITER_COMING, false);
		return END_NONE;
	}
	reason = target_may_hold(t, w->bytes);
	if (reason == END_NONE)
		waiter_set_state(w, WAITER_HELD, false);
	target_act(t, actions);
	return reason;
}

void target_settle(struct waiter *w)
{
	assert(w->state == WAITER_COMING);
	waiter_set_state(w, WAITER_INSIDE, false);
	target_release(w->target);
}

void target_hold_again(struct waiter *w)
{
	assert(w->state == WAITER_COMING || w->state == WAITER_INSIDE);
	waiter_set_state(w, WAITER_HELD, true);
	target_release(w->target);
}

void target_leave(struct waiter *w)
{
	if (w->state == WAITER_OUT)
		return;
	waiter_set_state(w, WAITER_OUT, false);
	target_release(w->target);
}

struct waiter *target_first_inside(const struct target *t, uint32_t *ret_count)
{
	*ret_count = t->inside_count;
	return TAILQ_FIRST(&t->inside);
}

struct pool *target_pool(struct target *t)
{
	return &t->pool;
}

const struct target_limits *target_rules(const struct target *t)
{
	return &t->limits;
}

const char *target_message(const struct target *t)
{
	return t->wake.state == WAKE_READY ? NULL : t->message;
}

void target_asked(struct target *t, const char *client)
{
	t->has_last_request = true;
	t->last_request_ms = clk_now_ms();
	if (client) {
		assert(strlen(client) < sizeof t->last_client);
		memcpy(t->last_client, client, strlen(client) + 1);
	}
}

void target_tunnelled(struct target *t, int by)
{
	assert(by == 1 || (by == -1 && t->upgraded_count > 0));
	t->upgraded_count += (uint32_t)by;
}

void target_talked(struct target *t, uint64_t now_ms)
{
	t->has_last_byte = true;
	t->last_byte_ms = now_ms;
}

void target_answered(struct target *t, uint64_t ms)
{
	queue_stage(t->queue, PROXY_STAGE_FIRST_BYTE, ms);
	if (t->cold_start && t->opts.on_cold_start)
		t->opts.on_cold_start(t->opts.arg, t, ms);
	t->cold_start = false;
}

void target_activity(const struct target *t, struct target_activity *ret_activity)
{
	*ret_activity = (struct target_activity){
	        .in_flight_count = t->inside_count + t->coming_count,
	        .held_count = t->usage.requests_count,
	        .upgraded_count = t->upgraded_count,
	        .has_last_request = t->has_last_request,
	        .last_request_ms = t->last_request_ms,
	        .has_last_byte = t->has_last_byte,
	        .last_byte_ms = t->last_byte_ms,
	        .last_client = t->last_client,
	};
}

bool target_has_held(const struct target *t)
{
	return !TAILQ_EMPTY(&t->held);
}

const char *target_uid(const struct target *t)
{
	return t->uid;
}

const char *target_ns(const struct target *t)
{
	return t->ns;
}

const char *target_name(const struct target *t)
{
	return t->name;
}

enum wake_state target_state(const struct target *t)
{
	return t->wake.state;
}
