/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dorm - many sleeping containers on an API server without nodes; plays their kubelet and agent
 */
#include "loadtest/dorm.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/api/kinds.h"
#include "lib/api/names.h"
#include "lib/base/clk.h"
#include "lib/kube/cache/informer.h"
#include "lib/kube/client/kubeconfig.h"
#include "lib/kube/client/object.h"
#include "loadtest/dorm_texts.h"
#include "loadtest/loop.h"
#include "loadtest/probe.h"
#include "loadtest/waiter.h"

enum {
	DORM_TIMEOUT_MS = 60000,
	DORM_FILL_TIMEOUT_MS = 1800000,
	DORM_PARALLEL = 32, /* containers that are being made at once */
	DORM_TRIES = 5,     /* of a write whose answer got lost */
	DORM_NAME_BYTES = 64,
};

/* Each says what is to be, not what is to change: it may be sent again. */
struct dorm_write {
	TAILQ_ENTRY(dorm_write) next;
	struct dorm *d;
	const struct kube_type *type;
	const char *subresource;    /* static, or NULL */
	char name[DORM_NAME_BYTES]; /* "": the object is created */
	json_t *body;
	unsigned tries;
};

struct dorm {
	struct event_base *base;
	struct dorm_opts opts;
	struct kube_client *client;
	struct informer *containers, *pods;
	struct waiter *waiter;
	TAILQ_HEAD(, dorm_write) writes; /* under way */
	unsigned wanted_count;
	unsigned asked_count;       /* creates that were sent */
	unsigned asleep_count;      /* phase Stopped */
	unsigned failed_count;      /* calls that were refused or lost */
	struct err why;             /* the last of them */
	char name[DORM_NAME_BYTES]; /* of the container that is woken */
	bool is_asleep;
};

static void dorm_more(struct dorm *d);

static void dorm_name(char name[DORM_NAME_BYTES], unsigned at)
{
	(void)snprintf(name, DORM_NAME_BYTES, "sleeper-%05u", at);
}

/* ---- writes ---- */

static void dorm_write_free(struct dorm_write *w)
{
	TAILQ_REMOVE(&w->d->writes, w, next);
	json_decref(w->body);
	free(w);
}

static void on_written(void *arg, const struct kube_result *res);

static struct kube_call *dorm_write_send(struct dorm_write *w)
{
	const struct kube_ref ref = {w->type, w->d->opts.ns, w->name[0] != '\0' ? w->name : NULL,
	                             w->subresource};

	w->tries++;
	return ref.name == NULL ? kube_create(w->d->client, &ref, w->body, on_written, w)
	                        : kube_patch_merge(w->d->client, &ref, w->body, on_written, w);
}

static void on_written(void *arg, const struct kube_result *res)
{
	struct dorm_write *w = arg;
	enum err_code code = res->err != NULL ? res->err->code : ERR_NONE;

	if ((code == ERR_UNAVAILABLE || code == ERR_TIMEOUT) && w->tries < DORM_TRIES &&
	    dorm_write_send(w) != NULL)
		return;
	/* what is deleted meanwhile needs no word, nor what was there when it was sent again */
	if (code != ERR_NONE && code != ERR_NOT_FOUND && !(code == ERR_EXISTS && w->tries > 1)) {
		w->d->failed_count++;
		w->d->why = *res->err;
	}
	dorm_write_free(w);
}

/* Takes @body. @name: NULL creates it */
static void dorm_write(struct dorm *d, const struct kube_type *type, const char *name,
                       const char *subresource, json_t *body)
{
	struct dorm_write *w = body != NULL ? calloc(1, sizeof *w) : NULL;

	if (w == NULL) {
		d->failed_count++;
		json_decref(body);
		return;
	}
	w->d = d;
	w->type = type;
	w->subresource = subresource;
	(void)snprintf(w->name, sizeof w->name, "%s", name != NULL ? name : "");
	w->body = body;
	TAILQ_INSERT_TAIL(&d->writes, w, next);
	if (dorm_write_send(w) == NULL) {
		d->failed_count++;
		dorm_write_free(w);
	}
}

/* ---- kubelet and agent ---- */

static const char *dorm_role(const json_t *pod)
{
	return kube_label(pod, SC_LABEL_ROLE);
}

static void dorm_prepare(struct dorm *d, const json_t *pod)
{
	const char *name = kube_label(pod, SC_LABEL_INSTANCE);

	dorm_write(d, &KUBE_PODS, kube_name(pod), "status", dorm_pod_status(pod));
	dorm_write(d, &KUBE_STOPPABLECONTAINERINSTANCES, name, "status", dorm_rootfs_status(pod));
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
		dorm_write(d, &KUBE_STOPPABLECONTAINERINSTANCES,
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
		char name[DORM_NAME_BYTES];

		dorm_name(name, d->asked_count++);
		if (!informer_has(d->containers, d->opts.ns, name)) /* else of a former fill */
			dorm_write(d, &KUBE_STOPPABLECONTAINERS, NULL, NULL, dorm_container(name));
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
	if (loop_until(d->base, &(struct loop_goal){dorm_is_full, d, DORM_FILL_TIMEOUT_MS, "fill"},
	               err) < 0)
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
		r = loop_until(d->base,
		               &(struct loop_goal){probe_is_over, &p, DORM_TIMEOUT_MS, "wake"},
		               err);
	probe_stop(&p);
	if (r == 0 && p.status != 200)
		r = err_set(err, ERR_INVALID, 0, "wake: status %d", p.status);
	if (r < 0)
		return r;
	*ret_us = p.first_byte_us - begin_us;
	d->is_asleep = false;
	dorm_write(d, &KUBE_STOPPABLECONTAINERS, d->name, NULL,
	           json_pack("{s:{s:b}}", "spec", "running", 0));
	if (loop_until(d->base, &(struct loop_goal){dorm_is_back, d, DORM_TIMEOUT_MS, "sleep"},
	               err) < 0)
		return -1;
	return d->failed_count > 0 ? dorm_failure(d, err) : 0;
}

/* ---- life ---- */

static bool dorm_is_synced(const void *arg)
{
	const struct dorm *d = arg;

	return informer_is_synced(d->containers) && informer_is_synced(d->pods);
}

static int dorm_watch(struct dorm *d, struct err *err)
{
	const struct informer_opts containers = {
	        .ref = {.type = &KUBE_STOPPABLECONTAINERS, .ns = d->opts.ns},
	        .on_change = on_container,
	        .arg = d,
	};
	const struct informer_opts pods = {
	        .ref = {.type = &KUBE_PODS, .ns = d->opts.ns},
	        .label_selector = SC_LABEL_MANAGED_BY "=" SC_MANAGED_BY,
	        .on_change = on_pod,
	        .arg = d,
	};

	if (informer_new(d->base, d->client, &containers, &d->containers, err) < 0)
		return -1;
	return informer_new(d->base, d->client, &pods, &d->pods, err);
}

int dorm_new(struct event_base *base, const struct dorm_opts *opts, struct dorm **ret_dorm,
             struct err *err)
{
	struct dorm *d = calloc(1, sizeof *d);

	if (d == NULL)
		return err_set(err, ERR_NOMEM, 0, "dorm");
	d->base = base;
	d->opts = *opts;
	TAILQ_INIT(&d->writes);
	if (waiter_new(base, &d->waiter, err) < 0 ||
	    kube_client_new(base, opts->kubeconfig, "sc-loadtest/" SC_VERSION, &d->client, err) <
	            0 ||
	    dorm_watch(d, err) < 0 ||
	    loop_until(base, &(struct loop_goal){dorm_is_synced, d, DORM_TIMEOUT_MS, "watches"},
	               err) < 0) {
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
	while (!TAILQ_EMPTY(&d->writes)) /* whose calls ended without a word */
		dorm_write_free(TAILQ_FIRST(&d->writes));
	waiter_free(d->waiter);
	free(d);
}
