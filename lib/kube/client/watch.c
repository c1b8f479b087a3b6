/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch - one watch: a request whose answer is one event a line, until either side ends it
 */
/* One watch: a request whose answer is one event a line, until either side ends it: see client.h.
 */
#include <event2/util.h>
#include <string.h>

#include "lib/kube/client/call.h"
#include "lib/kube/client/object.h"
#include "lib/kube/client/path.h"
#include "lib/kube/client/status.h"
#include "lib/kube/client/watch_frame.h"
#include "lib/text/json_read.h"
#include "lib/text/skim.h"

enum {
	/* The server ends a watch after so long; spread, so that many do not come back at once. */
	WATCH_TIMEOUT_S = 240,
	WATCH_TIMEOUT_SPREAD_S = 60,
	/* Bookmarks come each minute; a server that sends none costs a new watch. */
	WATCH_IDLE_TIMEOUT_MS = 150000,
};

struct kube_watch {
	TAILQ_ENTRY(kube_watch) link;
	struct kube_client *client;
	struct http_call *http;
	struct kube_watch_opts opts; /* only the callbacks and arg */
	struct watch_frame frame;
	struct skim_member members[3]; /* of an event: what is read of it */
	struct skim keep;              /* no members: all */
	struct err why;                /* code ERR_NONE, or why we ended it */
	bool is_reading;               /* in on_data or on_open: freed when that returns */
	bool is_stopped;
};

static void watch_free(struct kube_watch *w)
{
	watch_frame_done(&w->frame);
	free(w);
}

static void watch_unlink(struct kube_watch *w)
{
	TAILQ_REMOVE(&w->client->watches, w, link);
}

static int watch_event_parse(const char *type, enum kube_watch_event *ret_event)
{
	static const char *const names[] = {
	        [KUBE_WATCH_ADDED] = "ADDED",
	        [KUBE_WATCH_MODIFIED] = "MODIFIED",
	        [KUBE_WATCH_DELETED] = "DELETED",
	        [KUBE_WATCH_BOOKMARK] = "BOOKMARK",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(type, names[i]) == 0) {
			*ret_event = (enum kube_watch_event)i;
			return 0;
		}
	}
	return -1;
}

/* An error's object is no object of the type. Return: new reference, or NULL */
static json_t *watch_read(const struct kube_watch *w, const char *line, size_t bytes)
{
	CLEANUP(free_var) char *kept = w->keep.members != NULL ? malloc(bytes) : NULL;
	size_t kept_bytes = kept != NULL ? skim_object(&w->keep, line, bytes, kept) : 0;
	json_t *event = kept_bytes > 0 ? json_read(kept, kept_bytes) : NULL;

	if (event != NULL && strcmp(json_str_at(event, "", "type", NULL), "ERROR") != 0)
		return event;
	json_decref(event);
	return json_read(line, bytes);
}

/* Return: 0, 1 when the watch was stopped meanwhile, -1 with w->why set. */
static int on_line(void *arg, const char *line, size_t bytes)
{
	struct kube_watch *w = arg;
	json_t *event = watch_read(w, line, bytes);
	const char *type = json_str_at(event, "", "type", NULL);
	json_t *object = json_object_get(event, "object");
	enum kube_watch_event kind;
	uint64_t retry_after_ms;
	int r = 0;

	if (strcmp(type, "ERROR") == 0) {
		kube_status_err((int)json_int_at(object, 500, "code", NULL), object,
		                &retry_after_ms, &w->why);
		r = -1;
	} else if (!json_is_object(object) || watch_event_parse(type, &kind) < 0) {
		r = err_set(&w->why, ERR_UNAVAILABLE, 0, "not a watch event: \"%.*s\"",
		            (int)(bytes < 80 ? bytes : 80), line);
	} else {
		w->opts.on_event(w->opts.arg, kind, object);
		r = w->is_stopped ? 1 : 0;
	}
	json_decref(event);
	return r;
}

static int on_data(void *arg, const char *data, size_t bytes)
{
	struct kube_watch *w = arg;
	int r;

	w->is_reading = true;
	r = watch_frame_feed(&w->frame, data, bytes, &w->why);
	w->is_reading = false;
	if (w->is_stopped)
		watch_free(w);
	return r == 0 ? 0 : -1;
}

static void on_open(void *arg)
{
	struct kube_watch *w = arg;

	if (w->opts.on_open == NULL)
		return;
	w->is_reading = true;
	w->opts.on_open(w->opts.arg);
	w->is_reading = false;
	if (w->is_stopped)
		watch_free(w);
}

static void on_done(void *arg, const struct http_response *http)
{
	struct kube_watch *w = arg;
	struct kube_watch_opts opts = w->opts;
	struct err why = w->why;
	uint64_t retry_after_ms;

	if (why.code == ERR_NONE && http->err != NULL) {
		why = *http->err;
	} else if (why.code == ERR_NONE && (http->status < 200 || http->status > 299)) {
		json_t *status = json_loadb(http->body, http->body_bytes, 0, NULL);

		kube_status_err(http->status, status, &retry_after_ms, &why);
		json_decref(status);
	}
	watch_unlink(w);
	watch_free(w);
	opts.on_end(opts.arg, why.code != ERR_NONE ? &why : NULL);
}

static char *watch_path(const struct kube_ref *ref, const struct kube_watch_opts *opts)
{
	const struct kube_ref all = {.type = ref->type, .ns = ref->ns};
	char timeout[16];
	unsigned char random;
	const struct kube_query query[] = {
	        {"watch", "1"},
	        {"allowWatchBookmarks", "true"},
	        {"timeoutSeconds", timeout},
	        {"labelSelector", opts->label_selector},
	        {"fieldSelector", opts->field_selector},
	        {"resourceVersion", opts->resource_version},
	        {NULL, NULL},
	};

	evutil_secure_rng_get_bytes(&random, sizeof random);
	(void)snprintf(timeout, sizeof timeout, "%u",
	               WATCH_TIMEOUT_S + random % WATCH_TIMEOUT_SPREAD_S);
	return kube_path(&all, query);
}

struct kube_watch *kube_watch_start(struct kube_client *c, const struct kube_ref *ref,
                                    const struct kube_watch_opts *opts)
{
	CLEANUP(free_var) char *path = watch_path(ref, opts);
	struct kube_watch *w = calloc(1, sizeof *w);
	struct http_request req = {
	        .method = "GET",
	        .path = path,
	        .accept = "application/json",
	        .idle_timeout_ms = WATCH_IDLE_TIMEOUT_MS,
	        .on_open = on_open,
	        .on_data = on_data,
	        .on_done = on_done,
	        .arg = w,
	};

	if (w == NULL || path == NULL || http_call_start(c->http, &req, &w->http, NULL) < 0) {
		free(w);
		return NULL;
	}
	w->client = c;
	w->opts = (struct kube_watch_opts){.on_open = opts->on_open,
	                                   .on_event = opts->on_event,
	                                   .on_end = opts->on_end,
	                                   .arg = opts->arg};
	if (opts->keep != NULL) {
		w->members[0] = (struct skim_member){"type", SKIM_KEEP};
		w->members[1] = (struct skim_member){"object", SKIM_INSIDE, opts->keep};
		w->keep = (struct skim){SKIM_DROP, w->members};
	}
	watch_frame_init(&w->frame, WATCH_FRAME_BYTES_MAX, on_line, w);
	TAILQ_INSERT_TAIL(&c->watches, w, link);
	return w;
}

void kube_watch_stop(struct kube_watch *w)
{
	if (w == NULL || w->is_stopped)
		return;
	w->is_stopped = true;
	watch_unlink(w);
	http_call_cancel(w->http);
	if (!w->is_reading)
		watch_free(w);
}
