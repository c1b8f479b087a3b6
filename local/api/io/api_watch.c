/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_watch - answers a watch: replay from the change log, then changes as they are committed
 *
 * An object that stops matching the selectors is sent as DELETED, one that starts to as ADDED.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clk.h"
#include "lib/base/num.h"
#include "lib/kube/client/object.h"
#include "local/api/io/api_internal.h"
#include "local/registry/core/status.h"

enum {
	BOOKMARK_EVERY_S = 50,
	WATCH_DEFAULT_S = 3600, /* kube-apiserver: 30 to 60 minutes when the client says nothing */
	WATCH_MAX_S = 86400,
};

struct watch_stream {
	struct api *api;
	struct http_exchange *x;
	const struct api_type *type;
	struct table_opts table;
	struct api_selection selection;
	char *ns;
	char *name;
	uint64_t seen; /* the last revision that was looked at */
	bool bookmarks;
	bool dead;
	struct registry_listener *listener;
	struct event *bookmark_timer;
	struct event *end_timer;
};

static void stream_free(struct watch_stream *w)
{
	registry_listener_stop(w->listener);
	if (w->bookmark_timer)
		event_free(w->bookmark_timer);
	if (w->end_timer)
		event_free(w->end_timer);
	api_selection_done(&w->selection);
	free(w->ns);
	free(w->name);
	free(w);
}

static void on_gone(void *arg)
{
	struct watch_stream *w = arg;

	w->dead = true;
	/* Freed by the timer's turn: this may be called from inside a send. */
	registry_listener_stop(w->listener);
	w->listener = NULL;
	event_active(w->end_timer, EV_TIMEOUT, 1);
}

/* Takes @object. */
static void send_event(struct watch_stream *w, const char *type, json_t *object)
{
	json_t *event = json_pack("{s:s, s:o}", "type", type, "object", object);
	char *text = json_dumps(event, JSON_COMPACT);
	size_t bytes;

	json_decref(event);
	if (text == NULL)
		abort(); /* a watch that misses a change would be wrong for ever */
	bytes = strlen(text);
	text[bytes] = '\n'; /* one event a line; the length is known, so the NUL may go */
	if (!w->dead)
		(void)http_stream_send(w->x, text, bytes + 1);
	free(text);
}

static json_t *shown(struct watch_stream *w, json_t *object)
{
	if (!w->table.wanted)
		return json_incref(object);
	w->table.now_wall_ms = clk_wall_ms();
	return table_of_object(&w->table, object);
}

static bool selects(const struct watch_stream *w, const json_t *object)
{
	return object && (*w->ns == 0 || strcmp(w->ns, kube_namespace(object)) == 0) &&
	       (*w->name == 0 || strcmp(w->name, kube_name(object)) == 0) &&
	       api_selection_matches(&w->selection, object);
}

/* @old NULL: not known; then a change that does not match is sent as DELETED to be safe. */
static void tell(struct watch_stream *w, enum store_event event, const json_t *old, json_t *object)
{
	bool now = event != STORE_DELETED && selects(w, object);
	bool before = event != STORE_ADDED && selects(w, old ? old : object);

	if (event == STORE_MODIFIED && old == NULL)
		before = selects(w, object);
	if (now)
		send_event(w, before ? "MODIFIED" : "ADDED", shown(w, object));
	else if (before)
		send_event(w, "DELETED", shown(w, object));
}

static void on_change(void *arg, const struct registry_change *change)
{
	struct watch_stream *w = arg;

	if (w->dead || change->revision <= w->seen)
		return;
	w->seen = change->revision;
	if (change->type == w->type)
		tell(w, change->event, change->old_object, change->object);
}

static bool on_replay(void *arg, enum store_event event, uint64_t revision, const json_t *old,
                      const json_t *object)
{
	struct watch_stream *w = arg;

	(void)revision;
	registry_read_defaults(w->type, (json_t *)object);
	tell(w, event, old, (json_t *)object);
	return !w->dead;
}

static bool on_present(void *arg, const json_t *object)
{
	struct watch_stream *w = arg;

	registry_read_defaults(w->type, (json_t *)object);
	if (selects(w, object))
		send_event(w, "ADDED", shown(w, (json_t *)object));
	return !w->dead;
}

static void send_bookmark(struct watch_stream *w)
{
	char version[API_NAME_BYTES];
	json_t *object =
	        json_pack("{s:s, s:s, s:{s:o}}", "kind", w->type->kube.kind, "apiVersion",
	                  api_type_version(w->type, version, sizeof version), "metadata",
	                  "resourceVersion", json_sprintf("%llu", (unsigned long long)w->seen));

	if (w->table.wanted) {
		send_event(w, "BOOKMARK", table_of_object(&w->table, object));
		json_decref(object);
	} else {
		send_event(w, "BOOKMARK", object);
	}
}

static void on_bookmark(evutil_socket_t fd, short what, void *arg)
{
	struct watch_stream *w = arg;

	if (!w->dead)
		send_bookmark(w);
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
	struct watch_stream *w = arg;

	if (!w->dead && w->bookmarks)
		send_bookmark(w);
	if (!w->dead)
		http_stream_end(w->x);
	stream_free(w);
}

/* The last event: the client lists again. */
static void refuse(struct watch_stream *w, json_t *status)
{
	send_event(w, "ERROR", status);
	event_active(w->end_timer, EV_TIMEOUT, 1);
	w->bookmarks = false; /* one would say that all before it was sent */
}

/* What there is already: all objects without a resourceVersion, else the changes after it. */
static void begin(struct watch_stream *w, uint64_t from)
{
	struct store *store = registry_store(w->api->registry);
	char resource[API_NAME_BYTES], what[96];
	const char *type = api_type_resource(w->type, resource, sizeof resource);
	const struct store_range all = {.type = type, .ns = w->ns};
	struct err err;
	int r;

	w->seen = store_revision(store);
	if (from == 0) {
		r = store_list(store, &all, on_present, w, &err);
	} else if (from < store_floor(store) || from > store_revision(store)) {
		/* The future: of a client that knew a state from before a lost power. */
		(void)snprintf(what, sizeof what, "too old resource version: %llu (%llu)",
		               (unsigned long long)from, (unsigned long long)store_floor(store));
		refuse(w, status_expired(what));
		return;
	} else {
		r = store_replay(store, &(struct store_since){type, from}, on_replay, w, &err);
	}
	if (r < 0)
		refuse(w, status_new(500, "InternalError", NULL, NULL,
		                     "Internal error occurred: %s", err.text));
	else if (!w->dead)
		w->listener = registry_listen(w->api->registry, on_change, w);
	if (r == 0 && !w->dead && w->listener == NULL)
		refuse(w, status_new(500, "InternalError", NULL, NULL, "out of memory"));
}

static struct watch_stream *stream_new(struct api_call *call, uint64_t seconds)
{
	struct watch_stream *w = calloc(1, sizeof *w);
	struct timeval end = {(time_t)seconds, 0}, every = {BOOKMARK_EVERY_S, 0};

	if (w == NULL)
		return NULL;
	w->api = call->api;
	w->x = call->x;
	w->type = call->type;
	w->table = call->table;
	w->bookmarks = request_flag(&call->req, "allowWatchBookmarks");
	w->ns = strdup(call->req.ns ? call->req.ns : "");
	w->name = strdup(call->req.name ? call->req.name : "");
	w->end_timer = event_new(w->api->base, -1, 0, on_end, w);
	w->bookmark_timer = event_new(w->api->base, -1, EV_PERSIST, on_bookmark, w);
	if (w->ns == NULL || w->name == NULL || w->end_timer == NULL || w->bookmark_timer == NULL) {
		stream_free(w);
		return NULL;
	}
	(void)event_add(w->end_timer, &end);
	if (w->bookmarks)
		(void)event_add(w->bookmark_timer, &every);
	return w;
}

void api_watch(struct api_call *call)
{
	const char *from_text = request_query(&call->req, "resourceVersion");
	const char *seconds_text = request_query(&call->req, "timeoutSeconds");
	uint64_t from = 0, seconds = WATCH_DEFAULT_S;
	struct api_selection selection;
	struct watch_stream *w;
	struct err err = {0};

	if (request_flag(&call->req, "sendInitialEvents")) {
		api_send_status(call,
		                status_new(422, "Invalid", call->type, NULL,
		                           "sendInitialEvents: Forbidden: sendInitialEvents is "
		                           "forbidden for watch unless the WatchList feature "
		                           "gate is enabled"));
		return;
	}
	if ((from_text && *from_text && num_parse_u64(from_text, 0, UINT64_MAX, &from, &err) < 0) ||
	    (seconds_text && *seconds_text &&
	     num_parse_u64(seconds_text, 0, WATCH_MAX_S, &seconds, &err) < 0)) {
		api_send_status(call, status_bad_request("%s", err.text));
		return;
	}
	if (api_selection_parse(call, &selection) < 0)
		return;
	w = stream_new(call, seconds ? seconds : WATCH_DEFAULT_S);
	if (w == NULL) {
		api_selection_done(&selection);
		api_send_status(call,
		                status_new(500, "InternalError", NULL, NULL, "out of memory"));
		return;
	}
	w->selection = selection;
	http_stream_start(call->x, "application/json", on_gone, w);
	begin(w, from);
}
