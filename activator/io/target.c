/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "activator/io/internal.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"

static void target_feed(struct target *t, enum wake_event ev);

static void on_lease_timer(evutil_socket_t fd, short what, void *arg)
{
	target_resume(arg);
}

static void request_dial(struct request *r)
{
	struct target *t = r->target;

	r->state = REQUEST_DIALING;
	TAILQ_INSERT_TAIL(&t->dialing, r, link);
	t->dialing_count++;
	if (r->dial_ms == 0)
		r->dial_ms = clk_now_ms();
	upstream_attach(r);
}

static void on_dial_timer(evutil_socket_t fd, short what, void *arg)
{
	struct target *t = arg;
	uint64_t now_ms = clk_now_ms();
	struct request *r;
	struct request *next;

	for (r = TAILQ_FIRST(&t->dialing); r; r = next) {
		next = TAILQ_NEXT(r, link);
		if (r->upstream != NULL)
			continue;
		if (r->retry_ms <= now_ms)
			upstream_attach(r);
		else
			upstream_dial_later(t); /* its own interval is not over yet */
	}
}

struct target *target_new(struct proxy *p, const struct target_opts *opts)
{
	struct target *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->proxy = p;
	t->opts = *opts;
	t->ns = strdup(opts->ns);
	t->name = strdup(opts->name);
	t->uid = strdup(opts->uid);
	TAILQ_INIT(&t->held);
	TAILQ_INIT(&t->dialing);
	TAILQ_INIT(&t->active);
	TAILQ_INIT(&t->idle);
	TAILQ_INIT(&t->busy);
	wake_init(&t->wake);
	(void)event_assign(&t->lease_timer, p->base, -1, 0, on_lease_timer, t);
	(void)event_assign(&t->dial_timer, p->base, -1, 0, on_dial_timer, t);
	TAILQ_INSERT_TAIL(&p->targets, t, link);
	if (t->ns && t->name && t->uid)
		t->tenant = tenant_join(p, t);
	if (t->tenant)
		return t;
	target_free(t);
	return NULL;
}

void target_free(struct target *t)
{
	struct upstream *u;

	if (t == NULL)
		return;
	t->freeing = true;
	while (!TAILQ_EMPTY(&t->held))
		request_fail(TAILQ_FIRST(&t->held), END_DELETED, NULL);
	while (!TAILQ_EMPTY(&t->dialing))
		request_fail(TAILQ_FIRST(&t->dialing), END_DELETED, NULL);
	while (!TAILQ_EMPTY(&t->active))
		request_fail(TAILQ_FIRST(&t->active), END_DELETED, NULL);
	while ((u = TAILQ_FIRST(&t->idle)))
		upstream_close(u);
	while ((u = TAILQ_FIRST(&t->busy)))
		upstream_close(u);
	(void)event_del(&t->lease_timer);
	(void)event_del(&t->dial_timer);
	TAILQ_REMOVE(&t->proxy->targets, t, link);
	tenant_leave(t);
	site_leave(t->proxy, t->site);
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

	return (struct wake_buckets){&t->proxy->wakes, &t->tenant->wakes,
	                             site ? &site->whole->wakes : NULL, site ? &site->wakes : NULL};
}

static enum end_reason target_wake_rate(const struct target *t, uint64_t now_ms)
{
	const struct wake_buckets buckets = target_buckets(t);

	return wake_rate_check(&t->proxy->opts.wakes, &buckets, now_ms);
}

static void target_ask_wake(struct target *t)
{
	const struct wake_buckets buckets = target_buckets(t);

	if (t->waking)
		return;
	wake_rate_take(&t->proxy->opts.wakes, &buckets, clk_now_ms());
	t->waking = true;
	t->wake_asked_ms = clk_now_ms();
	t->cold_start = true;
	t->opts.ask_wake(t->opts.arg, t);
}

static void target_tell_held(struct target *t, enum end_reason reason)
{
	struct request *r;

	while ((r = TAILQ_FIRST(&t->held)))
		request_fail(r, reason, request_detail(r));
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
	while (!TAILQ_EMPTY(&t->dialing))
		target_hold_again(TAILQ_LAST(&t->dialing, requests));
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
		proxy_stage(t->proxy, PROXY_STAGE_READY, clk_now_ms() - t->wake_asked_ms);
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
	ev = wake_observe(&t->wake, &t->view, target_has_held(t) || t->dialing_count > 0);
	if (t->waking && (ev == WAKE_EV_STOPPED || ev == WAKE_EV_STOPPED_HELD))
		return;
	if (ev != WAKE_EV_UNSET)
		target_feed(t, ev);
}

static void target_set_endpoint(struct target *t, const struct target_view *v)
{
	bool same =
	        strcmp(t->consumer_uid, v->consumer_uid) == 0 &&
	        t->address_bytes == v->address_bytes &&
	        (v->address_bytes == 0 || memcmp(&t->address, v->address, v->address_bytes) == 0);
	struct upstream *u;

	if (same)
		return;
	t->endpoint++;
	(void)snprintf(t->consumer_uid, sizeof t->consumer_uid, "%s", v->consumer_uid);
	t->address_bytes = v->address ? v->address_bytes : 0;
	if (t->address_bytes > 0)
		memcpy(&t->address, v->address, t->address_bytes);
	while ((u = TAILQ_FIRST(&t->idle)))
		upstream_close(u);
	target_recall(t);
}

static void target_set_site(struct target *t, const char *node)
{
	struct site *old = t->site;

	if (node == NULL || strlen(node) > SITE_NODE_BYTES_MAX)
		node = "";
	if (strcmp(old ? old->node : "", node) == 0)
		return;
	t->site = *node != '\0' ? site_join(t->proxy, node, t->ns) : NULL;
	site_leave(t->proxy, old);
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
		proxy_stage(t->proxy, PROXY_STAGE_PATCH, clk_now_ms() - t->wake_asked_ms);
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

/* Its requests are told while the wake still counts as under way: else one that comes behind an
   answer would ask for the next. */
void target_wake_refused(struct target *t, const char *why)
{
	target_wake_trouble(t, why);
	target_tell_held(t, END_WAKE_REFUSED);
	target_wake_done(t, 0);
}

bool target_quiesce(struct target *t, uint64_t lease_ms)
{
	enum wake_state before = t->wake.state;
	uint64_t now_ms = clk_now_ms();
	unsigned actions;

	if (t->active_count > 0 || t->dialing_count > 0 || target_has_held(t))
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

static void request_uncharge(struct request *r)
{
	if (!r->charged)
		return;
	tenant_discharge(r->target, r->charged_bytes);
	r->charged = false;
}

static size_t request_hold_bytes(const struct request *r)
{
	return r->head_bytes + (r->client->head ? r->client->head->capacity : 0);
}

static void request_charge(struct request *r)
{
	r->charged_bytes = request_hold_bytes(r);
	tenant_charge(r->target, r->charged_bytes);
	r->charged = r->was_held = true;
	r->state = REQUEST_HELD;
}

/* Of its own container's places there must be one; of everybody's one may be made. */
static enum end_reason target_may_hold(struct target *t, const struct request *r)
{
	const struct hold_limits *all = &t->proxy->opts.held;
	size_t bytes = request_hold_bytes(r);
	enum end_reason reason;

	do
		reason = hold_admit(&t->limits.held, &t->usage, all, &t->proxy->usage, bytes);
	while (reason == END_OVERLOADED && tenant_make_room(t, bytes));
	return reason;
}

/* A sweep over names must not start all of them. What is held already has its wake. */
static enum end_reason target_may_wake(const struct target *t)
{
	if (t->wake.state != WAKE_COLD || t->waking)
		return END_NONE;
	return target_wake_rate(t, clk_now_ms());
}

void target_admit(struct target *t, struct request *r)
{
	enum wake_state before = t->wake.state;
	enum end_reason reason;
	unsigned actions;

	/* The answer to one request lets its client's next one come, while the target ends. */
	if (t->freeing) {
		request_fail(r, END_DELETED, NULL);
		return;
	}
	reason = target_may_wake(t);
	if (reason != END_NONE) {
		request_fail(r, reason, NULL);
		return;
	}
	actions = wake_step(&t->wake, WAKE_EV_REQUEST, clk_now_ms());
	target_log_state(t, before, WAKE_EV_REQUEST);
	if (actions & WAKE_DO_REFUSE) {
		target_act(t, actions);
		request_fail(r, END_FAILED, request_detail(r));
		return;
	}
	if ((actions & WAKE_DO_PASS) && TAILQ_EMPTY(&t->held) && t->dialing_count < DIALS_MAX &&
	    (t->limits.concurrency_max == 0 ||
	     t->active_count + t->dialing_count < t->limits.concurrency_max)) {
		request_dial(r);
		return;
	}
	reason = target_may_hold(t, r);
	if (reason == END_NONE) {
		request_charge(r);
		TAILQ_INSERT_TAIL(&t->held, r, link);
	}
	target_act(t, actions);
	if (reason != END_NONE)
		request_fail(r, reason, NULL);
}

void target_hold_again(struct request *r)
{
	struct target *t = r->target;

	target_request_gone(r);
	if (r->upstream) {
		struct upstream *u = r->upstream;

		r->upstream = NULL;
		u->request = NULL;
		upstream_close(u);
	}
	r->delivered = r->delivered || r->sent;
	r->sent = false;
	request_charge(r);
	TAILQ_INSERT_HEAD(&t->held, r, link);
}

void target_dispatch_done(struct request *r)
{
	struct target *t = r->target;

	assert(r->state == REQUEST_DIALING);
	TAILQ_REMOVE(&t->dialing, r, link);
	t->dialing_count--;
	TAILQ_INSERT_TAIL(&t->active, r, link);
	t->active_count++;
	r->state = REQUEST_ACTIVE;
}

void target_request_gone(struct request *r)
{
	struct target *t = r->target;

	request_uncharge(r);
	switch (r->state) {
	case REQUEST_NEW:
		break;
	case REQUEST_HELD:
		TAILQ_REMOVE(&t->held, r, link);
		break;
	case REQUEST_DIALING:
		TAILQ_REMOVE(&t->dialing, r, link);
		t->dialing_count--;
		break;
	case REQUEST_ACTIVE:
		TAILQ_REMOVE(&t->active, r, link);
		t->active_count--;
		break;
	}
}

void target_release(struct target *t)
{
	struct request *r;

	if (t->freeing)
		return;
	while (t->wake.state == WAKE_READY && t->dialing_count < DIALS_MAX &&
	       (t->limits.concurrency_max == 0 ||
	        t->active_count + t->dialing_count < t->limits.concurrency_max) &&
	       (r = TAILQ_FIRST(&t->held))) {
		target_request_gone(r);
		proxy_stage(t->proxy, PROXY_STAGE_HOLD, clk_now_ms() - r->start_ms);
		request_dial(r);
	}
}

void target_activity(const struct target *t, struct target_activity *ret_activity)
{
	*ret_activity = (struct target_activity){
	        .in_flight_count = t->active_count + t->dialing_count,
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
