/* SPDX-License-Identifier: Apache-2.0 */
#include "loadtest/dorm.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "lib/api/names.h"
#include "lib/base/clk.h"
#include "lib/kube/informer.h"
#include "lib/kube/kubeconfig.h"
#include "lib/kube/object.h"
#include "loadtest/dorm_texts.h"
#include "loadtest/loop.h"
#include "loadtest/probe.h"
#include "loadtest/waiter.h"

enum {
	DORM_TIMEOUT_MS = 60000,
	DORM_FILL_TIMEOUT_MS = 1800000,
	DORM_PARALLEL = 32, /* containers that are being made at once */
};

struct dorm {
	struct event_base *base;
	struct dorm_opts opts;
	struct kube_client *client;
	struct informer *containers, *pods;
	struct waiter *waiter;
	unsigned wanted_count;
	unsigned asked_count;  /* creates that were sent */
	unsigned asleep_count; /* phase Stopped */
	unsigned failed_count; /* calls that were refused or lost */
	struct err why;        /* the last of them */
	char name[32];         /* of the container that is woken */
	bool is_asleep;
};

static void dorm_more(struct dorm *d);

static void dorm_name(char name[32], unsigned at)
{
	(void)snprintf(name, 32, "sleeper-%05u", at);
}

static void on_written(void *arg, const struct kube_result *res)
{
	struct dorm *d = arg;

	/* what is deleted meanwhile needs no word */
	if (res->err == NULL || res->err->code == ERR_NOT_FOUND)
		return;
	d->failed_count++;
	d->why = *res->err;
}

/* Takes @patch. */
static void dorm_patch(struct dorm *d, const struct kube_type *type, const char *name,
                       const char *subresource, json_t *patch)
{
	const struct kube_ref ref = {type, d->opts.ns, name, subresource};

	if (patch == NULL ||
	    kube_patch(d->client, &ref, KUBE_PATCH_MERGE, patch, on_written, d) == NULL)
		d->failed_count++;
	json_decref(patch);
}

/* ---- kubelet and agent ---- */

static const char *dorm_role(const json_t *pod)
{
	return kube_label(pod, SC_LABEL_ROLE);
}

static void dorm_prepare(struct dorm *d, const json_t *pod)
{
	const char *name = kube_label(pod, SC_LABEL_INSTANCE);

	dorm_patch(d, &KUBE_PODS, kube_name(pod), "status", dorm_pod_status(pod));
	dorm_patch(d, &KUBE_STOPPABLECONTAINERINSTANCES, name, "status", dorm_rootfs_status(pod));
}

static void on_pod(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct dorm *d = arg;

	if (old_object != NULL || new_object == NULL)
		return;
	if (strcmp(json_str_at(new_object, "", "status", "phase", NULL), "Running") == 0)
		return; /* so it was prepared by a former fill */
	if (strcmp(dorm_role(new_object), SC_ROLE_PROVIDER) == 0)
		dorm_prepare(d, new_object);
	else if (strcmp(dorm_role(new_object), SC_ROLE_CONSUMER) == 0)
		dorm_patch(d, &KUBE_STOPPABLECONTAINERINSTANCES,
		           kube_label(new_object, SC_LABEL_INSTANCE), "status",
		           dorm_consumer_status(new_object, waiter_port(d->waiter)));
}

static bool dorm_sleeps(const json_t *container)
{
	return strcmp(json_str_at(container, "", "status", "phase", NULL), "Stopped") == 0 &&
	       !json_bool_at(container, true, "spec", "running", NULL);
}

static void on_container(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct dorm *d = arg;

	d->asleep_count -= dorm_sleeps(old_object) ? 1 : 0;
	d->asleep_count += dorm_sleeps(new_object) ? 1 : 0;
	if (new_object != NULL && strcmp(kube_name(new_object), d->name) == 0)
		d->is_asleep = dorm_sleeps(new_object);
	dorm_more(d);
}

/* ---- to fill ---- */

static void dorm_more(struct dorm *d)
{
	while (d->asked_count < d->wanted_count &&
	       d->asked_count < d->asleep_count + DORM_PARALLEL) {
		const struct kube_ref ref = {&KUBE_STOPPABLECONTAINERS, d->opts.ns, NULL, NULL};
		char name[32];
		json_t *container;

		dorm_name(name, d->asked_count++);
		if (informer_has(d->containers, d->opts.ns, name)) /* of a former fill */
			continue;
		container = dorm_container(name);
		if (container == NULL ||
		    kube_create(d->client, &ref, container, on_written, d) == NULL)
			d->failed_count++;
		json_decref(container);
	}
}

static bool dorm_is_full(const void *arg)
{
	const struct dorm *d = arg;

	return d->failed_count > 0 || d->asleep_count >= d->wanted_count;
}

static int dorm_failure(const struct dorm *d, struct err *err)
{
	return err_set(err, ERR_UNAVAILABLE, 0, "%u calls failed: %s", d->failed_count,
	               d->why.text);
}

int dorm_fill(struct dorm *d, unsigned count, struct err *err)
{
	d->wanted_count = count;
	dorm_more(d);
	if (loop_until(d->base, dorm_is_full, d, DORM_FILL_TIMEOUT_MS, "fill", err) < 0)
		return -1;
	return d->failed_count > 0 ? dorm_failure(d, err) : 0;
}

/* ---- to wake ---- */

static bool dorm_is_back(const void *arg)
{
	const struct dorm *d = arg;

	return d->failed_count > 0 || d->is_asleep;
}

int dorm_wake(struct dorm *d, unsigned at, uint64_t *ret_us, struct err *err)
{
	char host[128];
	struct probe p = {
	        .base = d->base, .address = "127.0.0.1", .port = d->opts.port, .host = host};
	uint64_t begin_us = clk_now_us();
	int r;

	dorm_name(d->name, at);
	(void)snprintf(host, sizeof host, "%s.%s.localhost", d->name, d->opts.ns);
	r = probe_start(&p, err);
	if (r == 0)
		r = loop_until(d->base, probe_is_over, &p, DORM_TIMEOUT_MS, "wake", err);
	probe_stop(&p);
	if (r == 0 && p.status != 200)
		r = err_set(err, ERR_INVALID, 0, "wake: status %d", p.status);
	if (r < 0)
		return r;
	*ret_us = p.first_byte_us - begin_us;
	d->is_asleep = false;
	dorm_patch(d, &KUBE_STOPPABLECONTAINERS, d->name, NULL,
	           json_pack("{s:{s:b}}", "spec", "running", 0));
	if (loop_until(d->base, dorm_is_back, d, DORM_TIMEOUT_MS, "sleep", err) < 0)
		return -1;
	return d->failed_count > 0 ? dorm_failure(d, err) : 0;
}

/* ---- life ---- */

static bool dorm_is_synced(const void *arg)
{
	const struct dorm *d = arg;

	return informer_is_synced(d->containers) && informer_is_synced(d->pods);
}

static int dorm_watch(struct dorm *d, const struct kube_type *type, const char *selector,
                      void (*on_change)(void *, const json_t *, const json_t *),
                      struct informer **ret_informer, struct err *err)
{
	const struct informer_opts opts = {.ref = {.type = type, .ns = d->opts.ns},
	                                   .label_selector = selector,
	                                   .on_change = on_change,
	                                   .arg = d};

	return informer_new(d->base, d->client, &opts, ret_informer, err);
}

int dorm_new(struct event_base *base, const struct dorm_opts *opts, struct dorm **ret_dorm,
             struct err *err)
{
	struct dorm *d = calloc(1, sizeof *d);

	if (d == NULL)
		return err_set(err, ERR_NOMEM, 0, "dorm");
	d->base = base;
	d->opts = *opts;
	if (waiter_new(base, &d->waiter, err) < 0 ||
	    kube_client_new(base, opts->kubeconfig, "sc-loadtest/" SC_VERSION, &d->client, err) <
	            0 ||
	    dorm_watch(d, &KUBE_STOPPABLECONTAINERS, NULL, on_container, &d->containers, err) < 0 ||
	    dorm_watch(d, &KUBE_PODS, SC_LABEL_MANAGED_BY "=" SC_MANAGED_BY, on_pod, &d->pods,
	               err) < 0 ||
	    loop_until(base, dorm_is_synced, d, DORM_TIMEOUT_MS, "watches", err) < 0) {
		dorm_free(d);
		return -1;
	}
	*ret_dorm = d;
	return 0;
}

void dorm_free(struct dorm *d)
{
	if (d == NULL)
		return;
	informer_free(d->pods);
	informer_free(d->containers);
	kube_client_free(d->client);
	waiter_free(d->waiter);
	free(d);
}
