/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorder - writes Events one after another, and counts up those that come again
 */
#include "lib/kube/control/recorder.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/base/str.h"
#include "lib/kube/client/object.h"

enum {
	RECORDER_MESSAGE_BYTES = 1024, /* the API server's limit on an Event's message */
	RECORDER_KNOWN_MAX = 512,      /* events that may be counted up; the oldest goes first */
	RECORDER_SAME_MS = 10 * 60 * 1000,
	RECORDER_NAME_BYTES = 300,
};

/* An event that was written and may be counted up. */
struct recorder_known {
	TAILQ_ENTRY(recorder_known) entry; /* latest first */
	char *key;                         /* what makes two events the same */
	char ns[64];
	char name[RECORDER_NAME_BYTES];
	uint64_t last_ms;
	uint64_t count;
};

/* One that is to be written, or is being. */
struct recorder_call {
	TAILQ_ENTRY(recorder_call) entry;
	json_t *body;
	bool is_new; /* create it; else it is counted up */
	char ns[64];
	char name[RECORDER_NAME_BYTES];
	uint64_t due_ms;
};

struct recorder {
	struct kube_client *client;
	char *component;
	TAILQ_HEAD(recorder_known_list, recorder_known) known;
	TAILQ_HEAD(, recorder_call) calls; /* by their time; the first may be under way */
	struct kube_call *call;            /* of the first; NULL: none is under way */
	struct event *timer;
	unsigned known_count;
	unsigned calls_count;
	uint64_t dropped_count;
};

DEFINE_CLEANUP(struct recorder *, recorder_free);
DEFINE_CLEANUP(json_t *, json_decref);

static void recorder_known_free(struct recorder *r, struct recorder_known *k)
{
	TAILQ_REMOVE(&r->known, k, entry);
	r->known_count--;
	free(k->key);
	free(k);
}

static void recorder_call_free(struct recorder *r, struct recorder_call *c)
{
	TAILQ_REMOVE(&r->calls, c, entry);
	r->calls_count--;
	json_decref(c->body);
	free(c);
}

/* What is not there cannot be counted up. */
static void recorder_forget(struct recorder *r, const char *name)
{
	struct recorder_known *k;

	TAILQ_FOREACH(k, &r->known, entry) {
		if (strcmp(k->name, name) == 0) {
			recorder_known_free(r, k);
			return;
		}
	}
}

static void recorder_next(struct recorder *r);

static void on_recorder_done(void *arg, const struct kube_result *res)
{
	struct recorder *r = arg;
	struct recorder_call *c = TAILQ_FIRST(&r->calls);

	/* nobody waits for an Event; a warning would be the only trace of a missing permission */
	if (res->err != NULL) {
		log_event(LOG_WARN, "event.not_written", log_err(res->err));
		recorder_forget(r, c->name);
	}
	r->call = NULL;
	recorder_call_free(r, c);
	recorder_next(r);
}

static struct kube_call *recorder_send(struct recorder *r, const struct recorder_call *c)
{
	const struct kube_ref ref = {&KUBE_EVENTS, c->ns, c->is_new ? NULL : c->name, NULL};

	if (c->is_new)
		return kube_create(r->client, &ref, c->body, on_recorder_done, r);
	return kube_patch_merge(r->client, &ref, c->body, on_recorder_done, r);
}

/* The first that waits, when its time has come. */
static void recorder_next(struct recorder *r)
{
	const uint64_t now_ms = clk_now_ms();
	struct recorder_call *c;

	while (r->call == NULL && (c = TAILQ_FIRST(&r->calls)) != NULL) {
		if (c->due_ms > now_ms) {
			const struct timeval wait = clk_timeval(c->due_ms - now_ms);

			(void)evtimer_add(r->timer, &wait);
			return;
		}
		r->call = recorder_send(r, c);
		if (r->call == NULL)
			recorder_call_free(r, c);
	}
}

static void on_recorder_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	recorder_next(arg);
}

/* Takes @body, also when there are too many. */
static void recorder_add(struct recorder *r, const struct recorder_known *k, bool is_new,
                         bool warning, json_t *body)
{
	struct recorder_call *c = NULL, *later;

	if (body == NULL || r->calls_count >= RECORDER_PENDING_MAX ||
	    (c = calloc(1, sizeof *c)) == NULL) {
		json_decref(body);
		r->dropped_count++;
		log_event(LOG_DEBUG, "event.dropped", log_u64("dropped_count", r->dropped_count));
		return;
	}
	c->body = body;
	c->is_new = is_new;
	c->due_ms = clk_now_ms() + (warning ? 0 : RECORDER_PAUSE_MS);
	(void)snprintf(c->ns, sizeof c->ns, "%s", k->ns);
	(void)snprintf(c->name, sizeof c->name, "%s", k->name);
	r->calls_count++;
	TAILQ_FOREACH(later, &r->calls, entry) {
		if (later->due_ms > c->due_ms)
			break;
	}
	if (later != NULL)
		TAILQ_INSERT_BEFORE(later, c, entry);
	else
		TAILQ_INSERT_TAIL(&r->calls, c, entry);
	recorder_next(r);
}

int recorder_new(struct event_base *base, struct kube_client *client, const char *component,
                 struct recorder **ret_recorder, struct err *err)
{
	CLEANUP(recorder_free_var) struct recorder *r = calloc(1, sizeof *r);

	if (r == NULL)
		return err_set(err, ERR_NOMEM, 0, "event recorder");
	TAILQ_INIT(&r->known);
	TAILQ_INIT(&r->calls);
	r->client = client;
	r->component = strdup(component);
	r->timer = evtimer_new(base, on_recorder_timer, r);
	if (r->component == NULL || r->timer == NULL)
		return err_set(err, ERR_NOMEM, 0, "event recorder");
	*ret_recorder = TAKE_PTR(r);
	return 0;
}

void recorder_free(struct recorder *r)
{
	if (r == NULL)
		return;
	kube_cancel(r->call);
	while (!TAILQ_EMPTY(&r->calls))
		recorder_call_free(r, TAILQ_FIRST(&r->calls));
	while (!TAILQ_EMPTY(&r->known))
		recorder_known_free(r, TAILQ_FIRST(&r->known));
	if (r->timer != NULL)
		event_free(r->timer);
	free(r->component);
	free(r);
}

static struct recorder_known *recorder_find(struct recorder *r, const char *key, uint64_t now_ms)
{
	struct recorder_known *k = TAILQ_LAST(&r->known, recorder_known_list);

	while (k != NULL && now_ms - k->last_ms > RECORDER_SAME_MS) {
		recorder_known_free(r, k);
		k = TAILQ_LAST(&r->known, recorder_known_list);
	}
	TAILQ_FOREACH(k, &r->known, entry) {
		if (strcmp(k->key, key) == 0)
			return k;
	}
	return NULL;
}

static json_t *recorder_involved(const json_t *object)
{
	return json_pack("{ss ss ss ss ss ss}", "apiVersion",
	                 json_str_at(object, "", "apiVersion", NULL), "kind",
	                 json_str_at(object, "", "kind", NULL), "namespace", kube_namespace(object),
	                 "name", kube_name(object), "uid", kube_uid(object), "resourceVersion",
	                 kube_resource_version(object));
}

static json_t *recorder_body(const struct recorder *r, const struct recorder_known *k,
                             const json_t *object, const char *const text[3], const char *now)
{
	return json_pack("{ss ss s{ss ss} so ss ss ss s{ss} ss ss ss ss si}", "apiVersion", "v1",
	                 "kind", "Event", "metadata", "name", k->name, "namespace", k->ns,
	                 "involvedObject", recorder_involved(object), "type", text[0], "reason",
	                 text[1], "message", text[2], "source", "component", r->component,
	                 "reportingComponent", r->component, "reportingInstance", r->component,
	                 "firstTimestamp", now, "lastTimestamp", now, "count", 1);
}

/* Takes @key, also on failure. */
static struct recorder_known *recorder_remember(struct recorder *r, char *key, const json_t *object,
                                                uint64_t now_ms)
{
	struct recorder_known *k = calloc(1, sizeof *k);
	const char *ns = kube_namespace(object);

	if (k == NULL) {
		free(key);
		return NULL;
	}
	if (r->known_count >= RECORDER_KNOWN_MAX)
		recorder_known_free(r, TAILQ_LAST(&r->known, recorder_known_list));
	/* Events about objects without a namespace live in "default" (client-go does the same) */
	(void)snprintf(k->ns, sizeof k->ns, "%s", *ns != '\0' ? ns : "default");
	/* the time makes it unique; 236 and ".", 16 digits stay below the limit of a name, 253 */
	(void)snprintf(k->name, sizeof k->name, "%.236s.%" PRIx64, kube_name(object),
	               clk_wall_ms() * 1000 + clk_now_us() % 1000);
	k->key = key;
	k->last_ms = now_ms;
	k->count = 1;
	TAILQ_INSERT_HEAD(&r->known, k, entry);
	r->known_count++;
	return k;
}

void recorder_event(struct recorder *r, const json_t *object, bool warning, const char *reason,
                    const char *fmt, ...)
{
	const char *type = warning ? "Warning" : "Normal";
	uint64_t now_ms = clk_now_ms();
	char message[RECORDER_MESSAGE_BYTES];
	char now[NUM_RFC3339_BYTES];
	struct recorder_known *k;
	char *key = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	if (len >= (int)sizeof message)
		message[str_whole_bytes(message)] = '\0';
	num_format_rfc3339(clk_wall_ms(), false, now);
	if (asprintf(&key, "%s\n%s\n%s\n%s", kube_uid(object), type, reason, message) < 0)
		return;
	k = recorder_find(r, key, now_ms);
	if (k != NULL) {
		free(key);
		k->count++;
		k->last_ms = now_ms;
		TAILQ_REMOVE(&r->known, k, entry);
		TAILQ_INSERT_HEAD(&r->known, k, entry);
		recorder_add(
		        r, k, false, warning,
		        json_pack("{sI ss}", "count", (json_int_t)k->count, "lastTimestamp", now));
		return;
	}
	k = recorder_remember(r, key, object, now_ms);
	if (k != NULL)
		recorder_add(r, k, true, warning,
		             recorder_body(r, k, object,
		                           (const char *const[]){type, reason, message}, now));
}
