/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster - watches containers and their instances in the Kubernetes API, tells each target of the
 * data path what is so, and writes the patch that wakes a container
 */
#include "activator/cluster/cluster.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "activator/core/share.h"
#include "lib/api/instance.h"
#include "lib/api/kinds.h"
#include "lib/api/names.h"
#include "lib/api/resource.h"
#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/http/metrics.h"
#include "lib/kube/cache/informer.h"
#include "lib/kube/client/client.h"
#include "lib/kube/client/denial.h"
#include "lib/kube/client/object.h"

/* The status of a wake is written this much later, when the API server is done with the wake. */
enum { CLUSTER_TELL_MS = 5000 };

/* How long a denial is waited for that may pass, and how long a refusal is not asked for again. */
enum { CLUSTER_DENIED_MS = 10000, CLUSTER_REFUSED_MS = 5000 };

DEFINE_CLEANUP(json_t *, json_decref);

struct app {
	struct cluster *cluster;
	struct target *target;
	TAILQ_ENTRY(app) link;
	char *ns;
	char *name;
	char *uid;
	bool activatable;
	struct kube_call *wake_call;
	struct kube_call *status_call;
	struct event retry;
	struct event tell;
	unsigned failures;
	uint64_t denied_ms;        /* since when, in this wake; 0: it is not */
	uint64_t refused_until_ms; /* until then, that is the answer: */
	char refusal[sizeof((struct err *)0)->text];
	uint64_t pending_wakes; /* not yet in status.activation */
	uint64_t cold_start_ms;
	uint64_t wake_wall_ms;
};

TAILQ_HEAD(apps, app);

struct cluster {
	struct event_base *base;
	struct cluster_opts opts;
	struct proxy *proxy;
	struct host_claims *claims;
	struct informer *containers;
	struct informer *instances;
	struct apps apps;
	void *by_uid; /* the same as a tree (tsearch(3)), since each request looks one up */
	uint64_t wake_number;
};

_Static_assert((int)UPGRADES_BYTES >= (int)RESOURCE_UPGRADES_BYTES, "what a manifest lists fits");

static int app_compare(const void *a, const void *b)
{
	return strcmp(((const struct app *)a)->uid, ((const struct app *)b)->uid);
}

static struct app *app_find(const struct cluster *cl, const char *uid)
{
	const struct app key = {.uid = (char *)uid};
	struct app *const *found = tfind(&key, &cl->by_uid, app_compare);

	return found != NULL ? *found : NULL;
}

static struct kube_ref app_ref(const struct app *a, const char *subresource)
{
	return (struct kube_ref){.type = &KUBE_STOPPABLECONTAINERS,
	                         .ns = a->ns,
	                         .name = a->name,
	                         .subresource = subresource};
}

static void app_count_wake(const struct app *a, const char *result)
{
	metric_add(a->cluster->opts.wakes_total, &result, 1);
}

static void app_wake(struct app *a);

/* Again while somebody waits; else the next request asks anew. */
static void app_wake_failed(struct app *a)
{
	uint64_t ms = hold_backoff_ms(a->failures++);
	const struct timeval tv = clk_timeval(ms);

	if (target_has_held(a->target))
		(void)event_add(&a->retry, &tv);
	else
		target_wake_done(a->target, 0);
}

/* Whether it was judged, so that asking again changes nothing; else it was not, or not yet. */
static bool app_is_refused(struct app *a, const struct kube_result *res)
{
	uint64_t now_ms = clk_now_ms();

	switch (res->http_status) {
	case 400:
	case 422:
		return true;
	case 403:
		if (!denial_may_pass(res->http_status, res->err->text))
			return true;
		if (a->denied_ms == 0)
			a->denied_ms = now_ms;
		return now_ms - a->denied_ms >= CLUSTER_DENIED_MS;
	default:
		return false;
	}
}

/* Whoever comes in the next seconds is told the same without a call. */
static void app_wake_refused(struct app *a, const struct err *why)
{
	app_count_wake(a, "refused");
	log_event(LOG_WARN, "wake.refused", log_str("namespace", a->ns), log_str("name", a->name),
	          log_err(why));
	a->refused_until_ms = clk_now_ms() + CLUSTER_REFUSED_MS;
	(void)snprintf(a->refusal, sizeof a->refusal, "%s", why->text);
	target_wake_refused(a->target, a->refusal);
}

static void on_wake_answer(void *arg, const struct kube_result *res)
{
	struct app *a = arg;
	struct cluster *cl = a->cluster;

	a->wake_call = NULL;
	if (res->err && app_is_refused(a, res)) {
		app_wake_refused(a, res->err);
		return;
	}
	if (res->err) {
		app_count_wake(a, "failed");
		log_event(LOG_WARN, "wake.failed", log_str("namespace", a->ns),
		          log_str("name", a->name), log_err(res->err));
		target_wake_trouble(a->target, res->err->text);
		app_wake_failed(a);
		return;
	}
	app_count_wake(a, "ok");
	a->failures = 0;
	a->wake_wall_ms = clk_wall_ms();
	a->pending_wakes++;
	/* What is learnt may end the app: its spec can have changed so that it can't be used. */
	informer_learn(cl->containers, res->body);
	a = app_find(cl, kube_uid(res->body));
	if (a)
		target_wake_done(a->target, kube_generation(res->body));
}

static void app_wake(struct app *a)
{
	struct kube_ref ref = app_ref(a, NULL);
	char text[160];
	json_t *patch;

	(void)snprintf(text, sizeof text, "%s/%llu", a->cluster->opts.identity,
	               (unsigned long long)++a->cluster->wake_number);
	/* The UID: one of the same name made anew is not woken for requests to this one. */
	patch = json_pack("{s:{s:s,s:{s:s}},s:{s:b}}", "metadata", "uid", a->uid, "annotations",
	                  SC_ANNOTATION_WAKE, text, "spec", "running", 1);
	if (patch)
		a->wake_call =
		        kube_patch_merge(a->cluster->opts.client, &ref, patch, on_wake_answer, a);
	json_decref(patch);
	if (a->wake_call == NULL)
		app_wake_failed(a);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct app *a = arg;

	if (target_has_held(a->target))
		app_wake(a);
	else
		target_wake_done(a->target, 0);
}

static void on_ask_wake(void *arg, struct target *t)
{
	struct app *a = arg;

	a->failures = 0;
	a->denied_ms = 0;
	if (clk_now_ms() < a->refused_until_ms)
		target_wake_refused(t, a->refusal);
	else
		app_wake(a);
}

static void app_tell_soon(struct app *a)
{
	const struct timeval tv = clk_timeval(CLUSTER_TELL_MS);

	if (!event_pending(&a->tell, EV_TIMEOUT, NULL))
		(void)event_add(&a->tell, &tv);
}

static void on_status_answer(void *arg, const struct kube_result *res)
{
	struct app *a = arg;
	struct cluster *cl = a->cluster;

	a->status_call = NULL;
	if (res->err) {
		log_event(LOG_DEBUG, "status.failed", log_str("namespace", a->ns),
		          log_str("name", a->name), log_err(res->err));
		return;
	}
	informer_learn(cl->containers, res->body);
	a = app_find(cl, kube_uid(res->body));
	if (a && a->pending_wakes > 0)
		app_tell_soon(a);
}

/*
 * Off the critical path, one at a time. "wakes" counts on from what is stored: two activators
 * that write in the same moment may count one wake less, which nothing depends on.
 */
static void app_write_status(struct app *a)
{
	CLEANUP(json_decref_var)
	json_t *object = informer_take(a->cluster->containers, a->ns, a->name);
	struct kube_ref ref = app_ref(a, "status");
	char when[NUM_RFC3339_BYTES];
	json_t *patch;

	if (object == NULL || a->status_call || a->pending_wakes == 0)
		return;
	patch = json_pack("{s:{s:{s:s,s:s,s:I,s:I}}}", "status", "activation", "lastWakeTime",
	                  num_format_rfc3339(a->wake_wall_ms, false, when), "lastWakeSource",
	                  "HTTP", "lastColdStartMs", (json_int_t)a->cold_start_ms, "wakes",
	                  (json_int_t)((uint64_t)json_int_at(object, 0, "status", "activation",
	                                                     "wakes", NULL) +
	                               a->pending_wakes));
	if (patch)
		a->status_call =
		        kube_patch_merge(a->cluster->opts.client, &ref, patch, on_status_answer, a);
	json_decref(patch);
	if (a->status_call)
		a->pending_wakes = 0;
}

static void on_tell(evutil_socket_t fd, short what, void *arg)
{
	app_write_status(arg);
}

static void on_cold_start(void *arg, struct target *t, uint64_t ms)
{
	struct app *a = arg;

	a->cold_start_ms = ms;
	app_tell_soon(a);
}

static void app_free(struct app *a)
{
	struct cluster *cl = a->cluster;

	if (a->wake_call)
		kube_cancel(a->wake_call);
	if (a->status_call)
		kube_cancel(a->status_call);
	(void)event_del(&a->retry);
	(void)event_del(&a->tell);
	if (a->uid) {
		host_claims_remove(cl->claims, a->uid);
		(void)tdelete(a, &cl->by_uid, app_compare);
	}
	TAILQ_REMOVE(&cl->apps, a, link);
	target_free(a->target); /* answers its requests: their clients' next ones find no target */
	free(a->ns);
	free(a->name);
	free(a->uid);
	free(a);
}

static struct app *app_new(struct cluster *cl, const struct resource *r)
{
	struct app *a = calloc(1, sizeof *a);
	const struct target_opts opts = {.ns = r->ns,
	                                 .name = r->name,
	                                 .uid = r->uid,
	                                 .ask_wake = on_ask_wake,
	                                 .on_cold_start = on_cold_start,
	                                 .arg = a};

	if (a == NULL)
		return NULL;
	a->cluster = cl;
	a->ns = strdup(r->ns);
	a->name = strdup(r->name);
	a->uid = strdup(r->uid);
	(void)event_assign(&a->retry, cl->base, -1, 0, on_retry, a);
	(void)event_assign(&a->tell, cl->base, -1, 0, on_tell, a);
	TAILQ_INSERT_TAIL(&cl->apps, a, link);
	if (a->ns && a->name && a->uid && tsearch(a, &cl->by_uid, app_compare))
		a->target = target_new(cl->proxy, &opts);
	if (a->target)
		return a;
	app_free(a);
	return NULL;
}

/* The address as the agent tells it, with the port that it saw. */
static socklen_t view_address(const json_t *instance, struct sockaddr_storage *ss)
{
	const char *text = json_str_at(instance, "", "status", "consumer", "address", NULL);
	int64_t port = json_int_at(instance, 0, "status", "consumer", "port", NULL);
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *in = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof *ss);
	if (port < 1 || port > 65535)
		return 0;
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		return sizeof *in;
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		return sizeof *in6;
	}
	return 0;
}

/* The two watches are apart: the instance may still be that of a predecessor of the same name. */
static json_t *app_take_instance(const struct app *a)
{
	CLEANUP(json_decref_var)
	json_t *instance = informer_take(a->cluster->instances, a->ns, a->name);
	const json_t *owner = kube_owner_controller(instance);

	return strcmp(json_str_at(owner, "", "uid", NULL), a->uid) == 0 ? json_incref(instance)
	                                                                : NULL;
}

static void app_look(struct app *a, const json_t *container)
{
	CLEANUP(json_decref_var) json_t *instance = app_take_instance(a);
	const char *phase = json_str_at(instance, "", "status", "phase", NULL);
	struct instance_consumer consumer;
	struct sockaddr_storage ss;
	socklen_t bytes = view_address(instance, &ss);
	struct target_view v;

	instance_consumer(instance, kube_generation(container), &consumer);
	v = (struct target_view){
	        .wake =
	                {
	                        .generation = kube_generation(container),
	                        .running =
	                                json_bool_at(container, false, "spec", "running", NULL) &&
	                                !kube_is_deleting(container),
	                        .failed = strcmp(phase, "Failed") == 0,
	                        .stopping =
	                                strcmp(phase, "Stopping") == 0 && !consumer.is_status_old,
	                        .consumer_generation = consumer.generation,
	                        .consumer_listening = strcmp(consumer.state, "Listening") == 0,
	                },
	        .consumer_uid = consumer.uid,
	        .address = bytes ? (struct sockaddr *)&ss : NULL,
	        .address_bytes = bytes,
	        .message = json_str_at(instance, "", "status", "message", NULL),
	        /* the controller's word, which names a node only where a provider was */
	        .node = json_str_at(container, "", "status", "nodeName", NULL),
	};

	target_observe(a->target, &v);
}

/* What the manifest does not say, we do; and no manifest takes what is for all. */
static struct target_limits app_limits(const struct cluster *cl,
                                       const struct resource_activation *says)
{
	struct target_limits limits = cl->opts.limits;

	if (says->pending_requests_set)
		limits.held.requests_max = says->pending_requests_max;
	if (says->pending_bytes_set)
		limits.held.bytes_max = says->pending_bytes_max;
	if (says->hold_timeout_set)
		limits.hold_timeout_ms = says->hold_timeout_ms;
	if (limits.hold_timeout_ms > cl->opts.hold_timeout_max_ms)
		limits.hold_timeout_ms = cl->opts.hold_timeout_max_ms;
	limits.held = share_cap(&limits.held, &cl->opts.held, cl->opts.share_pct);
	limits.concurrency_max = says->concurrency_max;
	(void)snprintf(limits.upgrades, sizeof limits.upgrades, "%s", says->upgrades);
	return limits;
}

static void container_set(struct cluster *cl, const json_t *object)
{
	struct resource *r = NULL;
	struct app *a = app_find(cl, kube_uid(object));
	struct err err;

	if (resource_parse(object, &r, &err) < 0) {
		log_event(LOG_WARN, "container.invalid",
		          log_str("namespace", kube_namespace(object)),
		          log_str("name", kube_name(object)), log_err(&err));
		if (a)
			app_free(a);
		return;
	}
	if (a == NULL)
		a = app_new(cl, r);
	if (a == NULL)
		(void)err_set(&err, ERR_NOMEM, 0, "container");
	if (a == NULL || host_claims_set(cl->claims, r, &err) < 0)
		log_event(LOG_ERROR, "container.failed", log_str("namespace", r->ns),
		          log_str("name", r->name), log_err(&err));
	if (a) {
		const struct target_limits limits = app_limits(cl, &r->activation);

		a->activatable = r->activation.enabled && r->activation.port > 0 && !r->deleting;
		target_set_limits(a->target, &limits);
		a->refused_until_ms = 0; /* what was refused may be allowed now */
		app_look(a, object);
	}
	resource_free(r);
}

static void on_container(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct cluster *cl = arg;
	const char *gone = old_object ? kube_uid(old_object) : "";
	struct app *a;

	/* One of the same name made anew is another. */
	if (old_object && (new_object == NULL || strcmp(gone, kube_uid(new_object)) != 0)) {
		a = app_find(cl, gone);
		if (a)
			app_free(a);
	}
	if (new_object)
		container_set(cl, new_object);
}

static void on_instance(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct cluster *cl = arg;
	const json_t *object = new_object ? new_object : old_object;
	CLEANUP(json_decref_var)
	json_t *container =
	        informer_take(cl->containers, kube_namespace(object), kube_name(object));
	struct app *a = container ? app_find(cl, kube_uid(container)) : NULL;

	if (a)
		app_look(a, container);
}

static void on_synced(void *arg)
{
	struct cluster *cl = arg;

	if (cluster_is_synced(cl))
		cl->opts.on_synced(cl->opts.arg);
}

struct cluster *cluster_new(struct event_base *base, const struct cluster_opts *opts,
                            struct err *err)
{
	struct cluster *cl = calloc(1, sizeof *cl);

	if (cl) {
		cl->base = base;
		cl->opts = *opts;
		TAILQ_INIT(&cl->apps);
		cl->claims = host_claims_new(opts->domains, opts->cluster_domain);
	}
	if (cl && cl->claims)
		return cl;
	free(cl);
	(void)err_set(err, ERR_NOMEM, 0, "cluster");
	return NULL;
}

int cluster_start(struct cluster *cl, struct proxy *proxy, struct err *err)
{
	const struct informer_opts containers = {.ref = {.type = &KUBE_STOPPABLECONTAINERS},
	                                         .on_change = on_container,
	                                         .on_synced = on_synced,
	                                         .arg = cl};
	const struct informer_opts instances = {.ref = {.type = &KUBE_STOPPABLECONTAINERINSTANCES},
	                                        .keep = &INSTANCE_CONSUMER,
	                                        .on_change = on_instance,
	                                        .on_synced = on_synced,
	                                        .arg = cl};

	cl->proxy = proxy;
	if (informer_new(cl->base, cl->opts.client, &instances, &cl->instances, err) < 0 ||
	    informer_new(cl->base, cl->opts.client, &containers, &cl->containers, err) < 0)
		return err_wrap(err, "informer");
	return 0;
}

void cluster_free(struct cluster *cl)
{
	struct app *a;

	if (cl == NULL)
		return;
	while ((a = TAILQ_FIRST(&cl->apps)))
		app_free(a);
	informer_free(cl->containers);
	informer_free(cl->instances);
	host_claims_free(cl->claims);
	free(cl);
}

/*
 * An address that a Pod had minutes ago may be another one's by now, who would get what the client
 * sends, cookies and all.
 */
static bool cluster_is_out_of_date(const struct cluster *cl)
{
	return cl->opts.lost_max_ms > 0 && cluster_is_synced(cl) &&
	       cluster_lost_ms(cl, clk_now_ms()) > cl->opts.lost_max_ms;
}

struct target *cluster_route(void *cluster, const char *host, bool is_public,
                             enum end_reason *ret_reason)
{
	struct cluster *cl = cluster;
	const char *uid = host_claims_find(cl->claims, host, is_public);
	struct app *a = uid ? app_find(cl, uid) : NULL;

	if (a && a->activatable && !cluster_is_out_of_date(cl))
		return a->target;
	if (cluster_is_out_of_date(cl))
		*ret_reason = END_WATCH_LOST;
	else if (!cluster_is_synced(cl))
		*ret_reason = END_NOT_SYNCED;
	else if (a)
		*ret_reason = END_NOT_ACTIVATABLE;
	else
		*ret_reason =
		        strchr(host, '.') || host[0] == '[' ? END_UNKNOWN_HOST : END_SHORT_HOST;
	return NULL;
}

bool cluster_is_synced(const struct cluster *cl)
{
	return informer_is_synced(cl->containers) && informer_is_synced(cl->instances);
}

uint64_t cluster_lost_ms(const struct cluster *cl, uint64_t now_ms)
{
	uint64_t a = informer_lost_ms(cl->containers, now_ms);
	uint64_t b = informer_lost_ms(cl->instances, now_ms);

	return a > b ? a : b;
}

struct target *cluster_find(const struct cluster *cl, const char *uid)
{
	struct app *a = app_find(cl, uid);

	return a ? a->target : NULL;
}

void cluster_foreach(const struct cluster *cl, void (*visit)(void *arg, struct target *t),
                     void *arg)
{
	struct app *a;

	TAILQ_FOREACH(a, &cl->apps, link)
		visit(arg, a->target);
}
