/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch - the caches of all objects that the controller reads, by container
 */
#include "controller/io/watch.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "controller/core/kept.h"
#include "lib/api/host_admission.h"
#include "lib/api/kinds.h"
#include "lib/api/names.h"
#include "lib/base/log.h"
#include "lib/kube/cache/informer.h"
#include "lib/kube/client/object.h"
#include "lib/text/json_ref.h"

enum { CACHES_COUNT = PLAN_ON_SLICE + 1 };

struct cache {
	struct watch *watch;
	enum plan_on on;
	struct informer *informer;
};

struct in_namespace {
	struct watch *watch;
	const char *ns;
};

struct watch {
	struct watch_opts opts;
	struct cache caches[CACHES_COUNT];
	struct informer *nodes;      /* or NULL */
	struct informer *namespaces; /* likewise */
	struct hosts *hosts;
	bool was_synced;
	struct hosts_verdict verdict; /* of the last watch_observe() */
};

const struct kube_type *watch_type(enum plan_on on)
{
	switch (on) {
	case PLAN_ON_CONTAINER:
		return &KUBE_STOPPABLECONTAINERS;
	case PLAN_ON_INSTANCE:
		return &KUBE_STOPPABLECONTAINERINSTANCES;
	case PLAN_ON_POD:
		return &KUBE_PODS;
	case PLAN_ON_SERVICE:
		return &KUBE_SERVICES;
	case PLAN_ON_SLICE:
		break;
	}
	return &KUBE_ENDPOINTSLICES;
}

/* --- keys --- */

/* Containers are found by UID (the owner of a host), the rest by the container's name. */
static const char *container_index(const json_t *object)
{
	return kube_uid(object);
}

static const char *label_index(const json_t *object)
{
	return kube_label(object, SC_LABEL_INSTANCE);
}

/*
 * A Pod that starts changes several times. Those changes are looked at together, since what held
 * requests wait for is in the instance, not in the Pod.
 */
enum { WATCH_POD_PAUSE_MS = 100 };

static void tell_after(struct watch *w, const char *ns, const char *name, uint64_t delay_ms)
{
	char key[WATCH_KEY_BYTES];

	if (*name == '\0')
		return;
	(void)snprintf(key, sizeof key, "%s/%s", ns, name);
	w->opts.on_key(w->opts.arg, key, delay_ms);
}

static void tell(struct watch *w, const char *ns, const char *name)
{
	tell_after(w, ns, name, 0);
}

/* --- hosts --- */

static void tell_refused(void *arg, const char *ns, const char *name)
{
	tell(arg, ns, name);
}

static void learn_hosts(struct watch *w, const json_t *old_object, const json_t *new_object)
{
	struct err err;

	/* an object of the same name with another UID is another object */
	if (old_object != NULL &&
	    (new_object == NULL || strcmp(kube_uid(old_object), kube_uid(new_object)) != 0))
		hosts_remove(w->hosts, kube_uid(old_object));
	if (new_object != NULL && hosts_set(w->hosts, new_object, &err) < 0)
		log_event(LOG_WARN, "hosts.failed",
		          log_str("namespace", kube_namespace(new_object)),
		          log_str("name", kube_name(new_object)), log_err(&err));
	hosts_each_refused(w->hosts, tell_refused, w);
}

static void observe_hosts(struct watch *w, struct observed *seen)
{
	hosts_judge(w->hosts, kube_uid(seen->container), &w->verdict);
	hosts_each_refused(w->hosts, tell_refused, w);
	seen->hosts_admitted = w->verdict.admitted;
	seen->hosts_reason = w->verdict.reason;
	seen->hosts_refusal = w->verdict.text;
}

/* --- events --- */

static void on_change(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct cache *c = arg;
	const json_t *object = new_object != NULL ? new_object : old_object;

	if (c->on == PLAN_ON_CONTAINER)
		learn_hosts(c->watch, old_object, new_object);
	if (c->on == PLAN_ON_CONTAINER || c->on == PLAN_ON_INSTANCE)
		tell(c->watch, kube_namespace(object), kube_name(object));
	else
		tell_after(c->watch, kube_namespace(object), label_index(object),
		           c->on == PLAN_ON_POD && old_object != NULL && new_object != NULL
		                   ? WATCH_POD_PAUSE_MS
		                   : 0);
}

static bool tell_if_on_node(void *arg, const json_t *instance)
{
	struct watch *w = arg;

	if (*json_str_at(instance, "", "status", "rootfs", "nodeName", NULL) != '\0')
		tell(w, kube_namespace(instance), kube_name(instance));
	return true;
}

/* A node without the condition counts as ready: the kubelet writes it when it is not. */
static bool is_silent(const json_t *node)
{
	return strcmp(json_str_at(kube_condition(node, "Ready"), "True", "status", NULL), "True") !=
	       0;
}

/* Of a node's status, which changes often, only whether it is ready matters. */
static void on_node(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct watch *w = arg;

	if (old_object == NULL || new_object == NULL ||
	    is_silent(old_object) != is_silent(new_object))
		informer_foreach(w->caches[PLAN_ON_INSTANCE].informer, tell_if_on_node, w);
}

static void tell_if_in(void *arg, const char *ns, const char *name)
{
	struct in_namespace *in = arg;

	if (strcmp(in->ns, ns) == 0)
		tell(in->watch, ns, name);
}

static void on_namespace(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct in_namespace in = {arg, kube_name(new_object != NULL ? new_object : old_object)};
	const char *domains = json_str_at(new_object, NULL, "metadata", "annotations",
	                                  SC_ANNOTATION_ALLOWED_HOSTS, NULL);
	struct err err;
	int changed = hosts_grant(in.watch->hosts, in.ns, domains, &err);

	if (changed < 0)
		log_event(LOG_WARN, "hosts.failed", log_str("namespace", in.ns),
		          log_str("annotation", SC_ANNOTATION_ALLOWED_HOSTS), log_err(&err));
	if (changed != 0)
		informer_foreach_name(in.watch->caches[PLAN_ON_CONTAINER].informer, tell_if_in,
		                      &in);
}

static void on_synced(void *arg)
{
	struct watch *w = ((struct cache *)arg)->watch;

	if (w->was_synced || !watch_is_synced(w))
		return;
	w->was_synced = true;
	w->opts.on_synced(w->opts.arg);
}

static void on_other_synced(void *arg)
{
	on_synced(&((struct watch *)arg)->caches[PLAN_ON_CONTAINER]);
}

/* --- life --- */

static int cache_open(struct event_base *base, struct kube_client *client, struct watch *w,
                      enum plan_on on, struct err *err)
{
	struct cache *c = &w->caches[on];
	bool is_made = on != PLAN_ON_CONTAINER && on != PLAN_ON_INSTANCE;
	struct informer_opts opts = {
	        .ref = {.type = watch_type(on)},
	        .label_selector = is_made ? SC_LABEL_MANAGED_BY "=" SC_MANAGED_BY : NULL,
	        .keep = kept_of(on),
	        .show = kept_shown_of(on),
	        .on_change = on_change,
	        .on_synced = on_synced,
	        .index_key = is_made ? label_index : container_index,
	        .arg = c,
	};

	c->watch = w;
	c->on = on;
	return informer_new(base, client, &opts, &c->informer, err);
}

static int open_caches(struct event_base *base, struct kube_client *client, struct watch *w,
                       struct err *err)
{
	const struct informer_opts nodes = {
	        .ref = {.type = &KUBE_NODES},
	        .keep = kept_of_node(),
	        .on_change = on_node,
	        .on_synced = on_other_synced,
	        .arg = w,
	};
	const struct informer_opts namespaces = {
	        .ref = {.type = &KUBE_NAMESPACES},
	        .keep = kept_of_namespace(),
	        .on_change = on_namespace,
	        .on_synced = on_other_synced,
	        .arg = w,
	};

	for (int on = 0; on < CACHES_COUNT; on++)
		if (cache_open(base, client, w, (enum plan_on)on, err) < 0)
			return -1;
	if (w->opts.nodes && informer_new(base, client, &nodes, &w->nodes, err) < 0)
		return -1;
	return w->opts.namespaces ? informer_new(base, client, &namespaces, &w->namespaces, err)
	                          : 0;
}

int watch_new(struct event_base *base, struct kube_client *client, const struct watch_opts *opts,
              struct watch **ret_watch, struct err *err)
{
	struct watch *w = calloc(1, sizeof *w);

	if (w == NULL)
		return err_set(err, ERR_NOMEM, 0, "watch");
	w->opts = *opts;
	w->hosts = hosts_new(&opts->hosts, err);
	if (w->hosts == NULL) {
		watch_free(w);
		return err_wrap(err, "allowedHosts");
	}
	if (open_caches(base, client, w, err) < 0) {
		watch_free(w);
		return -1;
	}
	*ret_watch = w;
	return 0;
}

void watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	for (int on = 0; on < CACHES_COUNT; on++)
		informer_free(w->caches[on].informer);
	informer_free(w->nodes);
	informer_free(w->namespaces);
	hosts_free(w->hosts);
	free(w);
}

/* @wanted: whether it is to be there */
static bool other_is_synced(const struct informer *informer, bool wanted)
{
	return informer == NULL ? !wanted : informer_is_synced(informer);
}

bool watch_is_synced(const struct watch *w)
{
	for (int on = 0; on < CACHES_COUNT; on++)
		if (w->caches[on].informer == NULL || !informer_is_synced(w->caches[on].informer))
			return false;
	return other_is_synced(w->nodes, w->opts.nodes) &&
	       other_is_synced(w->namespaces, w->opts.namespaces);
}

uint64_t watch_lost_ms(const struct watch *w, uint64_t now_ms)
{
	uint64_t most_ms = 0;

	for (int on = 0; on < CACHES_COUNT; on++) {
		uint64_t lost_ms = informer_lost_ms(w->caches[on].informer, now_ms);

		if (lost_ms > most_ms)
			most_ms = lost_ms;
	}
	return most_ms;
}

/* --- reading --- */

struct collecting {
	const char *ns;
	const json_t **list;
	size_t *count;
	size_t max;
};

static bool collect(void *arg, const json_t *object)
{
	struct collecting *c = arg;

	if (strcmp(kube_namespace(object), c->ns) != 0)
		return true;
	assert(*c->count < c->max);
	c->list[(*c->count)++] = json_incref(json_ref(object));
	return *c->count < c->max;
}

static void observe_made(struct watch *w, const char *ns, const char *name, struct observed *seen)
{
	struct collecting pods = {ns, seen->pods, &seen->pods_count, OBSERVED_PODS_MAX};
	struct collecting services = {ns, seen->services, &seen->services_count,
	                              OBSERVED_SERVICES_MAX};
	struct collecting slices = {ns, seen->slices, &seen->slices_count, OBSERVED_SERVICES_MAX};

	informer_foreach_indexed(w->caches[PLAN_ON_POD].informer, name, collect, &pods);
	informer_foreach_indexed(w->caches[PLAN_ON_SERVICE].informer, name, collect, &services);
	informer_foreach_indexed(w->caches[PLAN_ON_SLICE].informer, name, collect, &slices);
}

void watch_observe(struct watch *w, const char *key, struct observed *ret_seen)
{
	char ns[WATCH_KEY_BYTES];
	const char *slash = strchr(key, '/');
	const char *name = slash != NULL ? slash + 1 : "";
	const char *node_name;
	json_t *node;

	*ret_seen = (struct observed){0};
	(void)snprintf(ns, sizeof ns, "%.*s", slash != NULL ? (int)(slash - key) : 0, key);
	ret_seen->container = informer_take(w->caches[PLAN_ON_CONTAINER].informer, ns, name);
	ret_seen->instance = informer_take(w->caches[PLAN_ON_INSTANCE].informer, ns, name);
	observe_made(w, ns, name, ret_seen);
	if (ret_seen->container != NULL)
		observe_hosts(w, ret_seen);
	node_name = json_str_at(ret_seen->instance, "", "status", "rootfs", "nodeName", NULL);
	if (w->nodes == NULL || *node_name == '\0')
		return;
	node = informer_take(w->nodes, NULL, node_name);
	ret_seen->node_missing = node == NULL;
	ret_seen->node_silent = node != NULL && is_silent(node);
	json_decref(node);
}

static void observed_drop(const json_t *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		json_decref(json_ref(list[i]));
}

void watch_observed_done(struct observed *seen)
{
	observed_drop(&seen->hosts_admitted, 1);
	observed_drop(&seen->container, 1);
	observed_drop(&seen->instance, 1);
	observed_drop(seen->pods, seen->pods_count);
	observed_drop(seen->services, seen->services_count);
	observed_drop(seen->slices, seen->slices_count);
}

void watch_learn(struct watch *w, enum plan_on on, const json_t *object)
{
	assert(on <= PLAN_ON_SLICE);
	informer_learn(w->caches[on].informer, object);
}

struct visiting {
	void (*visit)(void *arg, const char *key);
	void *arg;
};

static void visit_key(void *arg, const char *ns, const char *name)
{
	struct visiting *v = arg;
	char key[WATCH_KEY_BYTES];

	(void)snprintf(key, sizeof key, "%s/%s", ns, name);
	v->visit(v->arg, key);
}

void watch_each_key(struct watch *w, void (*visit)(void *arg, const char *key), void *arg)
{
	struct visiting v = {visit, arg};

	informer_foreach_name(w->caches[PLAN_ON_CONTAINER].informer, visit_key, &v);
	/* those that their containers have left behind */
	informer_foreach_name(w->caches[PLAN_ON_INSTANCE].informer, visit_key, &v);
}
