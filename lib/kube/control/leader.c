/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leader - reads and writes the Lease as lease_rules says
 */
#include "lib/kube/control/leader.h"

#include <event2/event.h>
#include <string.h>

#include "lib/base/clk.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"
#include "lib/kube/control/lease_rules.h"

struct leader {
	struct kube_client *client;
	struct event *timer;
	struct leader_opts opts;
	char *ns;
	char *name;
	char *identity;
	struct lease lease;
	struct kube_call *call; /* under way */
	json_t *record;         /* as last read or written; NULL: there is none */
	bool told;              /* the last value that on_change got */
	bool released;
	void (*on_released)(void *arg);
	void *on_released_arg;
};

DEFINE_CLEANUP(struct leader *, leader_free);

static void leader_feed(struct leader *l, enum lease_event ev);

static struct kube_ref leader_ref(const struct leader *l, bool create)
{
	return (struct kube_ref){&KUBE_LEASES, l->ns, create ? NULL : l->name, NULL};
}

static void leader_set_record(struct leader *l, json_t *record)
{
	json_incref(record);
	json_decref(l->record);
	l->record = record;
}

static void on_leader_read(void *arg, const struct kube_result *res)
{
	struct leader *l = arg;
	uint64_t now_ms = clk_now_ms();
	const char *holder;
	bool changed;

	l->call = NULL;
	if (res->err != NULL && res->err->code != ERR_NOT_FOUND) {
		leader_feed(l, LEASE_EV_FAILED);
		return;
	}
	changed = strcmp(kube_resource_version(l->record), kube_resource_version(res->body)) != 0;
	leader_set_record(l, res->err == NULL ? res->body : NULL);
	holder = json_str_at(l->record, "", "spec", "holderIdentity", NULL);
	leader_feed(l, lease_observe(&l->lease, *holder != '\0', strcmp(holder, l->identity) == 0,
	                             changed, now_ms));
}

static void on_leader_written(void *arg, const struct kube_result *res)
{
	struct leader *l = arg;

	l->call = NULL;
	if (res->err == NULL)
		leader_set_record(l, res->body);
	leader_feed(l, res->err == NULL ? LEASE_EV_WRITTEN : LEASE_EV_FAILED);
}

static void on_leader_released(void *arg, const struct kube_result *res)
{
	struct leader *l = arg;

	/* a refusal means that another has it: as good as released */
	(void)res;
	l->call = NULL;
	l->on_released(l->on_released_arg);
}

/*
 * The record with @holder ("": given up). The resourceVersion stays in it, so that the write is
 * refused when another was faster. New reference; NULL when memory ran out.
 */
static json_t *leader_record(const struct leader *l, const char *holder)
{
	const char *before = json_str_at(l->record, "", "spec", "holderIdentity", NULL);
	int64_t transitions = json_int_at(l->record, 0, "spec", "leaseTransitions", NULL);
	const char *acquired = json_str_at(l->record, "", "spec", "acquireTime", NULL);
	json_int_t seconds = *holder != '\0' ? (json_int_t)((l->opts.lease_ms + 999) / 1000) : 1;
	bool same = strcmp(before, l->identity) == 0 && *acquired != '\0';
	char now[NUM_RFC3339_BYTES];
	json_t *metadata = json_object_get(l->record, "metadata");

	num_format_rfc3339(clk_wall_ms(), true, now);
	if (l->record != NULL && !same)
		transitions++;
	metadata = metadata != NULL ? json_deep_copy(metadata)
	                            : json_pack("{ss ss}", "name", l->name, "namespace", l->ns);
	return json_pack("{ss ss so s{ss sI ss ss sI}}", "apiVersion", "coordination.k8s.io/v1",
	                 "kind", "Lease", "metadata", metadata, "spec", "holderIdentity", holder,
	                 "leaseDurationSeconds", seconds, "acquireTime", same ? acquired : now,
	                 "renewTime", now, "leaseTransitions", (json_int_t)transitions);
}

/* Return: false when the call could not be begun. */
static bool leader_write(struct leader *l, const char *holder, kube_done_fn done)
{
	json_t *record = leader_record(l, holder);
	struct kube_ref ref = leader_ref(l, l->record == NULL);

	if (record == NULL)
		return false;
	l->call = l->record == NULL ? kube_create(l->client, &ref, record, done, l)
	                            : kube_replace(l->client, &ref, record, done, l);
	json_decref(record);
	return l->call != NULL;
}

static void leader_cancel(struct leader *l)
{
	if (l->call != NULL)
		kube_cancel(TAKE_PTR(l->call));
}

static void leader_arm(struct leader *l, uint64_t now_ms)
{
	uint64_t wait_ms = l->lease.next_ms > now_ms ? l->lease.next_ms - now_ms : 0;
	struct timeval tv = clk_timeval(wait_ms);

	(void)evtimer_add(l->timer, &tv);
}

static void leader_tell(struct leader *l, uint64_t now_ms)
{
	bool leading = leader_is_leading(l, now_ms);

	if (leading == l->told)
		return;
	l->told = leading;
	l->opts.on_change(l->opts.arg, leading);
}

static void leader_feed(struct leader *l, enum lease_event ev)
{
	uint64_t now_ms = clk_now_ms();
	enum lease_action action = lease_step(&l->lease, ev, now_ms);
	struct kube_ref ref = leader_ref(l, false);

	/* a call that could not be begun is tried again by the timer that is armed for its answer
	 */
	if (action == LEASE_DO_READ) {
		leader_cancel(l);
		l->call = kube_get(l->client, &ref, on_leader_read, l);
	} else if (action == LEASE_DO_WRITE) {
		leader_cancel(l);
		(void)leader_write(l, l->identity, on_leader_written);
	}
	leader_arm(l, now_ms);
	leader_tell(l, now_ms);
}

static void on_leader_timer(evutil_socket_t fd, short what, void *arg)
{
	struct leader *l = arg;

	if (l->released)
		l->on_released(l->on_released_arg);
	else
		leader_feed(l, LEASE_EV_TICK);
}

int leader_new(struct event_base *base, struct kube_client *client, const struct leader_opts *opts,
               struct leader **ret_leader, struct err *err)
{
	CLEANUP(leader_free_var) struct leader *l = calloc(1, sizeof *l);
	const struct lease_limits limits = {opts->lease_ms, opts->renew_ms, opts->retry_ms};

	if (opts->renew_ms >= opts->lease_ms / 3 * 2 || opts->retry_ms == 0 ||
	    opts->retry_ms > opts->renew_ms || *opts->identity == '\0')
		return err_set(
		        err, ERR_INVALID, 0,
		        "leader election: want an identity and retry <= renew < 2/3 of lease");
	if (l == NULL)
		return err_set(err, ERR_NOMEM, 0, "leader election");
	l->client = client;
	l->opts = *opts;
	l->ns = strdup(opts->ns);
	l->name = strdup(opts->name);
	l->identity = strdup(opts->identity);
	l->timer = evtimer_new(base, on_leader_timer, l);
	if (l->ns == NULL || l->name == NULL || l->identity == NULL || l->timer == NULL)
		return err_set(err, ERR_NOMEM, 0, "leader election");
	lease_init(&l->lease, &limits, clk_now_ms());
	leader_arm(l, l->lease.next_ms);
	*ret_leader = TAKE_PTR(l);
	return 0;
}

void leader_release(struct leader *l, void (*done)(void *arg), void *arg)
{
	static const struct timeval at_once = {0, 0};
	bool leading = leader_is_leading(l, clk_now_ms());

	l->released = true;
	l->told = false;
	l->on_released = done;
	l->on_released_arg = arg;
	leader_cancel(l);
	(void)evtimer_del(l->timer);
	if (!leading || !leader_write(l, "", on_leader_released))
		(void)evtimer_add(l->timer, &at_once);
}

void leader_free(struct leader *l)
{
	if (l == NULL)
		return;
	leader_cancel(l);
	if (l->timer != NULL)
		event_free(l->timer);
	json_decref(l->record);
	free(l->ns);
	free(l->name);
	free(l->identity);
	free(l);
}

bool leader_is_leading(const struct leader *l, uint64_t now_ms)
{
	return !l->released && lease_is_leading(&l->lease, now_ms);
}
