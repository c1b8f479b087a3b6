/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout - brings a change of the activators' endpoints to every container's Service
 */
#include "controller/io/rollout.h"

#include <event2/event.h>

#include "lib/api/endpoints.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/http/metrics.h"

enum {
	ROLLOUT_SETTLE_MS = 100,
	ROLLOUT_KEYS_PER_S = 200,
};

struct rollout {
	struct rollout_opts opts;
	struct service_target target;
	struct endpoints *endpoints; /* NULL: the configuration has the addresses */
	struct event *settle;
	struct metric *addresses;
	bool is_synced;
	uint64_t keys_count; /* of the change that is being rolled out */
};

DEFINE_CLEANUP(struct rollout *, rollout_free);

static void add_key(void *arg, const char *key)
{
	struct rollout *r = arg;

	apply_key(r->opts.apply, key, r->keys_count++ * 1000 / ROLLOUT_KEYS_PER_S);
}

static void on_settled(evutil_socket_t fd, short what, void *arg)
{
	struct rollout *r = arg;
	struct service_target next = r->target;

	service_target_follow(&next, endpoints_set(r->endpoints));
	if (service_target_equal(&next, &r->target))
		return;
	r->target = next;
	r->keys_count = 0;
	metric_set(r->addresses, NULL, (double)service_target_count(&next));
	apply_set_target(r->opts.apply, &next);
	watch_each_key(r->opts.watch, add_key, r);
	log_event(LOG_INFO, "activators.changed",
	          log_u64("addresses_count", service_target_count(&next)),
	          log_u64("containers_count", r->keys_count));
	if (endpoints_set(r->endpoints)->overflow)
		log_event(LOG_WARN, "activators.too_many", log_u64("used_count", ENDPOINTS_MAX));
}

static void on_endpoints(void *arg)
{
	const struct timeval wait = clk_timeval(ROLLOUT_SETTLE_MS);
	struct rollout *r = arg;

	if (!r->is_synced) {
		r->is_synced = true;
		on_settled(-1, 0, r);
	} else if (!evtimer_pending(r->settle, NULL)) {
		(void)evtimer_add(r->settle, &wait);
	}
}

int rollout_new(struct event_base *base, const struct rollout_opts *opts,
                struct rollout **ret_rollout, struct err *err)
{
	CLEANUP(rollout_free_var) struct rollout *r = calloc(1, sizeof *r);
	struct endpoints_opts endpoints = {
	        .service = opts->service,
	        .port_name = "http",
	        .on_change = on_endpoints,
	        .arg = r,
	};

	if (r == NULL)
		return err_set(err, ERR_NOMEM, 0, "rollout");
	r->opts = *opts;
	r->target = opts->target;
	r->addresses = metrics_gauge(opts->metrics, "sc_controller_activator_addresses",
	                             "Addresses of activators that Services lead to.", NULL);
	metric_set(r->addresses, NULL, (double)service_target_count(&r->target));
	apply_set_target(opts->apply, &r->target);
	r->settle = evtimer_new(base, on_settled, r);
	if (r->settle == NULL)
		return err_set(err, ERR_NOMEM, 0, "rollout timer");
	if (opts->service != NULL &&
	    endpoints_new(base, opts->client, &endpoints, &r->endpoints, err) < 0)
		return -1;
	*ret_rollout = TAKE_PTR(r);
	return 0;
}

void rollout_free(struct rollout *r)
{
	if (r == NULL)
		return;
	endpoints_free(r->endpoints);
	if (r->settle != NULL)
		event_free(r->settle);
	free(r);
}

bool rollout_is_synced(const struct rollout *r)
{
	return r->endpoints == NULL || r->is_synced;
}

uint64_t rollout_lost_ms(const struct rollout *r, uint64_t now_ms)
{
	return r->endpoints != NULL ? endpoints_lost_ms(r->endpoints, now_ms) : 0;
}
