/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program - the loop, metrics, client, lease and signals of a program, made in order and freed
 */
#include "lib/program/program.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/util.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/http/admin.h"
#include "lib/http/metrics.h"
#include "lib/kube/client/client.h"
#include "lib/kube/client/kubeconfig.h"
#include "lib/kube/client/refusal.h"
#include "lib/kube/control/leader.h"
#include "lib/kube/control/recorder.h"
#include "lib/program/trim.h"

/* The lease's times are the defaults of client-go's leaderelection. */
enum { LEASE_MS = 15000, RENEW_MS = 5000, RETRY_MS = 2000 };

/* An end waits so long for the API server to take the lease back. */
enum { END_WAIT_S = 2 };

bool program_is_leading(const struct program *p)
{
	if (p->is_ending)
		return false;
	return !p->elects || (p->leader != NULL && leader_is_leading(p->leader, clk_now_ms()));
}

static bool on_guard(void *arg)
{
	return program_is_leading(arg);
}

static void on_leader(void *arg, bool leading)
{
	struct program *p = arg;

	metric_set(p->leading, NULL, leading ? 1 : 0);
	log_event(LOG_INFO, leading ? "leader.gained" : "leader.lost",
	          log_str("identity", p->identity));
	if (!p->is_ending)
		p->opts->on_leader(p->opts->arg, leading);
}

static void on_released(void *arg)
{
	struct program *p = arg;

	(void)event_base_loopexit(p->base, NULL);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	const struct timeval wait = {END_WAIT_S, 0};
	struct program *p = arg;

	(void)what;
	if (p->is_ending)
		return;
	p->is_ending = true;
	p->opts->on_end(p->opts->arg, (int)number);
	if (p->leader == NULL) {
		on_released(p);
		return;
	}
	(void)event_base_loopexit(p->base, &wait);
	leader_release(p->leader, on_released, p);
}

static void identity_make(char identity[PROGRAM_IDENTITY_BYTES])
{
	unsigned char random[4];
	char host[65] = "";

	evutil_secure_rng_get_bytes(random, sizeof random);
	(void)gethostname(host, sizeof host - 1);
	(void)snprintf(identity, PROGRAM_IDENTITY_BYTES, "%s_%02x%02x%02x%02x", host, random[0],
	               random[1], random[2], random[3]);
}

int program_open(struct program *p, const struct program_opts *opts, struct err *err)
{
	p->opts = opts;
	p->elects = true;
	p->base = event_base_new();
	p->metrics = metrics_new();
	if (p->base == NULL || p->metrics == NULL)
		return err_set(err, ERR_NOMEM, 0, "start");
	refusals_count_in(p->metrics);
	identity_make(p->identity);
	p->on_term = evsignal_new(p->base, SIGTERM, on_signal, p);
	p->on_int = evsignal_new(p->base, SIGINT, on_signal, p);
	if (p->on_term == NULL || p->on_int == NULL || event_add(p->on_term, NULL) < 0 ||
	    event_add(p->on_int, NULL) < 0)
		return err_set(err, ERR_NOMEM, 0, "signals");
	return 0;
}

int program_connect(struct program *p, const char *path, const char *context, struct err *err)
{
	char agent[64];

	assert(p->client == NULL);
	(void)snprintf(agent, sizeof agent, "%s/" SC_VERSION, p->opts->name);
	if (kubeconfig_load(path, context, &p->kubeconfig, err) < 0 ||
	    kube_client_new(p->base, p->kubeconfig, agent, &p->client, err) < 0)
		return -1;
	kube_client_guard(p->client, on_guard, p);
	return recorder_new(p->base, p->client, p->opts->name, &p->recorder, err);
}

int program_lead(struct program *p, const struct program_lease *lease, struct err *err)
{
	const struct leader_opts opts = {
	        .ns = lease->ns != NULL ? lease->ns : kubeconfig_namespace(p->kubeconfig),
	        .name = lease->name,
	        .identity = p->identity,
	        .lease_ms = LEASE_MS,
	        .renew_ms = RENEW_MS,
	        .retry_ms = RETRY_MS,
	        .on_change = on_leader,
	        .arg = p,
	};

	assert(p->client != NULL && p->leader == NULL);
	p->elects = lease->elects;
	metric_set(p->leading, NULL, p->elects ? 0 : 1);
	return p->elects ? leader_new(p->base, p->client, &opts, &p->leader, err) : 0;
}

int program_run(struct program *p)
{
	trim_start(p->base);
	return event_base_dispatch(p->base) < 0 ? -1 : 0;
}

static void event_done(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

void program_close(struct program *p)
{
	leader_free(p->leader);
	recorder_free(p->recorder);
	kube_client_free(p->client);
	kubeconfig_free(p->kubeconfig);
	admin_free(p->admin);
	metrics_free(p->metrics);
	event_done(p->on_term);
	event_done(p->on_int);
	if (p->base != NULL)
		event_base_free(p->base);
}
