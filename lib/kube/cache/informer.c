/* SPDX-License-Identifier: Apache-2.0 */
/*
 * informer - lists, then watches, and begins anew when the watch is lost
 */
#include "lib/kube/cache/informer.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/util.h>
#include <string.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/kube/cache/informer_cache.h"
#include "lib/kube/client/object.h"
#include "lib/kube/client/refusal.h"

enum {
	INFORMER_RETRY_FIRST_MS = 100,
	INFORMER_RETRY_MAX_MS = 10000,
	/* nobody answered: asking again is cheap, and a server that starts anew is found soon */
	INFORMER_RETRY_CONNECT_MAX_MS = 2000,
	/* a watch that ends sooner did not do its work */
	INFORMER_WATCH_SHORT_MS = 1000,
};

enum informer_state {
	INFORMER_UNSET,
	INFORMER_WAITING, /* the timer runs; then list or watch */
	INFORMER_LISTING,
	INFORMER_WATCHING,
};

struct informer {
	struct kube_client *client;
	struct informer_opts opts;
	struct kube_type type;
	char *ns;
	char *label_selector;
	char *field_selector;
	struct informer_cache *cache;
	enum informer_state state;
	bool must_list;
	bool is_synced;
	struct refusal refusal;
	unsigned failures_count; /* in a row */
	uint64_t lost_since_ms;  /* 0: a watch is open */
	uint64_t watch_started_ms;
	struct kube_call *list;
	struct kube_watch *watch;
	struct event timer;
	unsigned depth; /* callbacks on the stack: freed when they return */
	bool freed;
};

static void informer_list(struct informer *inf);
static void informer_watch(struct informer *inf);

static void informer_destroy(struct informer *inf)
{
	(void)event_del(&inf->timer);
	refusal_done(&inf->refusal);
	informer_cache_free(inf->cache);
	free(inf->ns);
	free(inf->label_selector);
	free(inf->field_selector);
	free(inf);
}

static void informer_leave(struct informer *inf)
{
	if (--inf->depth == 0 && inf->freed)
		informer_destroy(inf);
}

static bool on_cache_change(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct informer *inf = arg;

	if (inf->opts.on_change != NULL)
		inf->opts.on_change(inf->opts.arg, old_object, new_object);
	return !inf->freed;
}

static void informer_wait(struct informer *inf, uint64_t delay_ms)
{
	struct timeval tv = clk_timeval(delay_ms);

	inf->state = INFORMER_WAITING;
	(void)event_add(&inf->timer, &tv);
}

/* Exponential, half of it by chance; never before @at_least_ms (Retry-After). */
static void informer_back_off(struct informer *inf, uint64_t max_ms, uint64_t at_least_ms)
{
	uint64_t delay_ms = INFORMER_RETRY_FIRST_MS;
	uint16_t chance;

	for (unsigned i = 0; i < inf->failures_count && delay_ms < max_ms; i++)
		delay_ms *= 2;
	inf->failures_count++;
	if (delay_ms > max_ms)
		delay_ms = max_ms;
	evutil_secure_rng_get_bytes(&chance, sizeof chance);
	delay_ms = delay_ms / 2 + delay_ms / 2 * chance / UINT16_MAX;
	if (at_least_ms > INFORMER_RETRY_MAX_MS)
		at_least_ms = INFORMER_RETRY_MAX_MS;
	informer_wait(inf, delay_ms > at_least_ms ? delay_ms : at_least_ms);
}

static void informer_lose(struct informer *inf)
{
	if (inf->lost_since_ms == 0)
		inf->lost_since_ms = clk_now_ms();
}

static void on_list_begin(void *arg)
{
	struct informer *inf = arg;

	informer_cache_list_begin(inf->cache);
}

/* Return: 0, 1 when the informer, and the list with it, is gone, -1 when it is no object. */
static int on_list_item(void *arg, const char *text, size_t bytes)
{
	struct informer *inf = arg;
	int r;

	inf->depth++;
	r = informer_cache_list_item(inf->cache, text, bytes);
	if (inf->freed)
		r = 1;
	informer_leave(inf);
	return r;
}

static void informer_listed(struct informer *inf)
{
	inf->must_list = false;
	if (!inf->is_synced) {
		inf->is_synced = true;
		if (inf->opts.on_synced != NULL)
			inf->opts.on_synced(inf->opts.arg);
	}
	if (!inf->freed)
		informer_watch(inf);
}

static void on_list_done(void *arg, const struct kube_result *res)
{
	struct informer *inf = arg;
	int r;

	inf->list = NULL;
	inf->depth++;
	if (res->err != NULL && res->err->code != ERR_GONE)
		refusal_set(&inf->refusal, "list", res->err);
	r = res->err == NULL ? informer_cache_list_end(inf->cache, res->body) : -1;
	if (inf->freed)
		r = 2;
	if (r == 0)
		informer_listed(inf);
	else if (r == 1)
		informer_list(inf);
	else if (r < 0)
		informer_back_off(inf,
		                  res->http_status ? INFORMER_RETRY_MAX_MS
		                                   : INFORMER_RETRY_CONNECT_MAX_MS,
		                  res->retry_after_ms);
	informer_leave(inf);
}

static void informer_list(struct informer *inf)
{
	const struct kube_ref ref = {.type = &inf->type, .ns = inf->ns};
	const struct kube_list_opts opts = {.label_selector = inf->label_selector,
	                                    .field_selector = inf->field_selector,
	                                    .on_begin = on_list_begin,
	                                    .on_item = on_list_item};

	inf->state = INFORMER_LISTING;
	inf->list = kube_list(inf->client, &ref, &opts, on_list_done, inf);
	if (inf->list == NULL)
		informer_back_off(inf, INFORMER_RETRY_MAX_MS, 0);
}

static void on_watch_open(void *arg)
{
	struct informer *inf = arg;

	inf->lost_since_ms = 0;
	refusal_clear(&inf->refusal);
}

static void on_watch_event(void *arg, enum kube_watch_event event, json_t *object)
{
	struct informer *inf = arg;

	inf->failures_count = 0;
	inf->lost_since_ms = 0;
	inf->depth++;
	informer_cache_event(inf->cache, event, object);
	informer_leave(inf);
}

static void on_watch_end(void *arg, const struct err *err)
{
	struct informer *inf = arg;
	bool was_short = clk_now_ms() - inf->watch_started_ms < INFORMER_WATCH_SHORT_MS;

	inf->watch = NULL;
	/* one that was open and broke was not refused */
	if (err != NULL && inf->lost_since_ms != 0 && err->code != ERR_GONE)
		refusal_set(&inf->refusal, "watch", err);
	informer_lose(inf);
	if (err != NULL && (err->code == ERR_GONE || err->code == ERR_INVALID)) {
		inf->must_list = true;
		log_event(LOG_INFO, "watch.expired", log_str("type", inf->type.plural),
		          log_err(err));
	}
	if (!was_short)
		inf->failures_count = 0;
	if (was_short || err != NULL)
		informer_back_off(inf,
		                  err != NULL && err->code == ERR_DENIED
		                          ? INFORMER_RETRY_MAX_MS
		                          : INFORMER_RETRY_CONNECT_MAX_MS,
		                  0);
	else
		informer_watch(inf);
}

static void informer_watch(struct informer *inf)
{
	const struct kube_ref ref = {.type = &inf->type, .ns = inf->ns};
	const struct kube_watch_opts opts = {
	        .label_selector = inf->label_selector,
	        .field_selector = inf->field_selector,
	        .resource_version = informer_cache_version(inf->cache),
	        .keep = informer_cache_keep(inf->cache),
	        .on_open = on_watch_open,
	        .on_event = on_watch_event,
	        .on_end = on_watch_end,
	        .arg = inf,
	};

	inf->state = INFORMER_WATCHING;
	inf->watch_started_ms = clk_now_ms();
	inf->watch = kube_watch_start(inf->client, &ref, &opts);
	if (inf->watch == NULL)
		informer_back_off(inf, INFORMER_RETRY_MAX_MS, 0);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct informer *inf = arg;

	if (inf->must_list)
		informer_list(inf);
	else
		informer_watch(inf);
}

int informer_new(struct event_base *base, struct kube_client *client,
                 const struct informer_opts *opts, struct informer **ret_informer, struct err *err)
{
	struct informer *inf = calloc(1, sizeof *inf);
	const struct informer_cache_opts cache = {.keep = opts->keep,
	                                          .show = opts->show,
	                                          .index_key = opts->index_key,
	                                          .on_change = on_cache_change,
	                                          .arg = inf};

	if (inf == NULL)
		return err_set(err, ERR_NOMEM, 0, "informer");
	inf->client = client;
	inf->opts = *opts;
	inf->type = *opts->ref.type;
	refusal_init(&inf->refusal, inf->type.plural);
	inf->must_list = true;
	inf->lost_since_ms = clk_now_ms();
	(void)evtimer_assign(&inf->timer, base, on_timer, inf);
	inf->cache = informer_cache_new(&cache);
	if (inf->cache == NULL || str_copy(&inf->ns, opts->ref.ns) < 0 ||
	    str_copy(&inf->label_selector, opts->label_selector) < 0 ||
	    str_copy(&inf->field_selector, opts->field_selector) < 0) {
		informer_destroy(inf);
		return err_set(err, ERR_NOMEM, 0, "informer");
	}
	informer_list(inf);
	*ret_informer = inf;
	return 0;
}

void informer_free(struct informer *inf)
{
	if (inf == NULL || inf->freed)
		return;
	inf->freed = true;
	kube_cancel(inf->list);
	kube_watch_stop(inf->watch);
	if (inf->depth == 0)
		informer_destroy(inf);
}

bool informer_is_synced(const struct informer *inf)
{
	return inf->is_synced;
}

uint64_t informer_lost_ms(const struct informer *inf, uint64_t now_ms)
{
	if (inf->lost_since_ms == 0)
		return 0;
	/* lost within this very millisecond is lost all the same */
	return now_ms > inf->lost_since_ms ? now_ms - inf->lost_since_ms : 1;
}

json_t *informer_take(const struct informer *inf, const char *ns, const char *name)
{
	return informer_cache_take(inf->cache, ns, name);
}

bool informer_has(const struct informer *inf, const char *ns, const char *name)
{
	return informer_cache_has(inf->cache, ns, name);
}

size_t informer_count(const struct informer *inf)
{
	return informer_cache_count(inf->cache);
}

void informer_foreach(const struct informer *inf, bool (*visit)(void *arg, const json_t *object),
                      void *arg)
{
	informer_cache_foreach(inf->cache, NULL, visit, arg);
}

void informer_foreach_indexed(const struct informer *inf, const char *key,
                              bool (*visit)(void *arg, const json_t *object), void *arg)
{
	informer_cache_foreach(inf->cache, key, visit, arg);
}

void informer_foreach_name(const struct informer *inf,
                           void (*visit)(void *arg, const char *ns, const char *name), void *arg)
{
	informer_cache_foreach_name(inf->cache, visit, arg);
}

void informer_learn(struct informer *inf, const json_t *object)
{
	inf->depth++;
	informer_cache_learn(inf->cache, object);
	informer_leave(inf);
}
