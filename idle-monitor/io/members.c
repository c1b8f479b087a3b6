/* SPDX-License-Identifier: Apache-2.0 */
/*
 * members - finds the activators that have to agree to a stop, by their Service
 */
#include "idle-monitor/io/members.h"

#include <assert.h>
#include <event2/event.h>
#include <string.h>

#include "idle-monitor/core/gone.h"
#include "lib/api/endpoints.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"

enum { MEMBERS_CHECK_MS = 1000 };

struct member {
	struct members *members;
	struct endpoint endpoint;
	struct activator *activator;
	bool is_missing;        /* the slices do not show it */
	struct kube_call *call; /* asks the API server for its Pod */
};

struct members {
	struct members_opts opts;
	struct endpoints *endpoints;
	struct event *timer; /* while one is missing */
	struct member *list[SCRAPE_ACTIVATORS_MAX];
	size_t count;
};

DEFINE_CLEANUP(struct members *, members_free);

static void member_free(struct member *one)
{
	kube_cancel(one->call);
	free(one);
}

static void member_forget(struct members *m, size_t i, const char *why)
{
	struct member *one;

	assert(i < m->count);
	one = m->list[i];
	log_event(LOG_INFO, "activator.gone", log_str("url", activator_url(one->activator)),
	          log_str("pod", one->endpoint.pod_name), log_str("why", why));
	m->opts.before_change(m->opts.arg);
	m->opts.before_removal(m->opts.arg, activator_client(one->activator));
	scrape_remove(m->opts.scrape, one->activator);
	m->list[i] = m->list[--m->count];
	member_free(one);
	m->opts.on_change(m->opts.arg);
}

static size_t member_find(const struct members *m, const struct endpoint *e)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct endpoint *have = &m->list[i]->endpoint;

		if (have->port == e->port && strcmp(have->pod_uid, e->pod_uid) == 0 &&
		    strcmp(have->address, e->address) == 0)
			return i;
	}
	return m->count;
}

static void on_pod(void *arg, const struct kube_result *res)
{
	struct member *one = arg;
	struct members *m = one->members;
	const char *why = NULL;

	one->call = NULL;
	if (!one->is_missing)
		return;
	if (res->err != NULL && res->err->code == ERR_NOT_FOUND)
		why = "its Pod does not exist";
	else if (res->err != NULL)
		log_event(LOG_WARN, "activator.unknown",
		          log_str("url", activator_url(one->activator)), log_err(res->err));
	else
		why = gone_pod(res->body, one->endpoint.pod_uid, one->endpoint.address);
	if (why != NULL)
		member_forget(m, member_find(m, &one->endpoint), why);
}

static void member_check(struct members *m, size_t i)
{
	struct member *one = m->list[i];
	const struct kube_ref ref = {.type = &KUBE_PODS,
	                             .ns = endpoints_namespace(m->endpoints),
	                             .name = one->endpoint.pod_name};

	if (one->call != NULL)
		return;
	if (one->endpoint.pod_uid[0] != '\0')
		one->call = kube_get(m->opts.client, &ref, on_pod, one);
	else if (activator_error(one->activator) != NULL)
		member_forget(m, i, "it is no endpoint any more and does not answer");
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval wait = clk_timeval(MEMBERS_CHECK_MS);
	struct members *m = arg;
	bool is_missing = false;

	/* from the end: member_forget() moves the last one to the free place */
	for (size_t i = m->count; i > 0; i--) {
		if (!m->list[i - 1]->is_missing)
			continue;
		is_missing = true;
		member_check(m, i - 1);
	}
	if (is_missing)
		(void)evtimer_add(m->timer, &wait);
}

/* Return: 0, negative when it could not be added: then not every activator is known. */
static int member_add(struct members *m, const struct endpoint *e)
{
	struct member *one = calloc(1, sizeof *one);
	struct err err = {0};
	char url[96];

	if (one == NULL)
		return -1;
	*one = (struct member){.members = m, .endpoint = *e};
	(void)snprintf(url, sizeof url, e->is_ipv6 ? "http://[%s]:%u" : "http://%s:%u", e->address,
	               e->port);
	m->opts.before_change(m->opts.arg);
	if (scrape_add(m->opts.scrape, url, &one->activator, &err) < 0) {
		log_event(LOG_WARN, "activator.not_added", log_str("url", url), log_err(&err));
		free(one);
		return -1;
	}
	log_event(LOG_INFO, "activator.found", log_str("url", url), log_str("pod", e->pod_name));
	m->list[m->count++] = one;
	return 0;
}

/* A Pod with two addresses is one activator: its first, of IPv4 when it has one. */
static bool is_second_address(const struct endpoint_set *set, size_t i)
{
	const struct endpoint *e = &set->list[i];

	return i > 0 && e->pod_uid[0] != '\0' && e->is_ipv6 && !e[-1].is_ipv6 &&
	       strcmp(e->pod_uid, e[-1].pod_uid) == 0;
}

static void on_endpoints(void *arg)
{
	struct members *m = arg;
	const struct endpoint_set *set = endpoints_set(m->endpoints);
	bool is_complete = !set->overflow;

	for (size_t i = 0; i < m->count; i++)
		m->list[i]->is_missing = true;
	for (size_t i = 0; i < set->count; i++) {
		size_t at = member_find(m, &set->list[i]);

		if (is_second_address(set, i))
			continue;
		if (at < m->count)
			m->list[at]->is_missing = false;
		else if (member_add(m, &set->list[i]) < 0)
			is_complete = false;
	}
	scrape_set_complete(m->opts.scrape, is_complete);
	m->opts.on_change(m->opts.arg);
	if (!evtimer_pending(m->timer, NULL))
		on_timer(-1, 0, m);
}

int members_new(struct event_base *base, const struct members_opts *opts,
                struct members **ret_members, struct err *err)
{
	CLEANUP(members_free_var) struct members *m = calloc(1, sizeof *m);
	struct endpoints_opts endpoints = {
	        .service = opts->service,
	        .port_name = "admin",
	        .on_change = on_endpoints,
	        .arg = m,
	};

	if (m == NULL)
		return err_set(err, ERR_NOMEM, 0, "members");
	m->opts = *opts;
	m->timer = evtimer_new(base, on_timer, m);
	if (m->timer == NULL)
		return err_set(err, ERR_NOMEM, 0, "members timer");
	if (endpoints_new(base, opts->client, &endpoints, &m->endpoints, err) < 0)
		return -1;
	*ret_members = TAKE_PTR(m);
	return 0;
}

void members_free(struct members *m)
{
	if (m == NULL)
		return;
	endpoints_free(m->endpoints);
	for (size_t i = 0; i < m->count; i++)
		member_free(m->list[i]);
	if (m->timer != NULL)
		event_free(m->timer);
	free(m);
}

bool members_is_synced(const struct members *m)
{
	return endpoints_is_synced(m->endpoints);
}

uint64_t members_lost_ms(const struct members *m, uint64_t now_ms)
{
	return endpoints_lost_ms(m->endpoints, now_ms);
}
