/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_core - what all writes of the registry go through: load, commit, tell the listeners
 *
 * The lowest file of the registry. Above it are registry_write.c and registry_delete.c, then
 * registry_gc.c and crds.c, then registry.c, which opens it all.
 */
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/kube/client/object.h"
#include "lib/text/json_ref.h"
#include "local/registry/core/rules.h"
#include "local/registry/core/schema.h"
#include "local/registry/core/status.h"
#include "local/registry/io/registry_internal.h"

void registry_answer_init(struct registry_answer *ans)
{
	*ans = (struct registry_answer){.warnings = json_array()};
}

void registry_answer_done(struct registry_answer *ans)
{
	json_decref(ans->body);
	json_decref(ans->warnings);
	*ans = (struct registry_answer){0};
}

int registry_refuse(struct registry_answer *ans, json_t *status)
{
	json_decref(ans->body);
	ans->body = status;
	return -1;
}

int registry_store_failed(struct registry_answer *ans, const struct err *err)
{
	if (err->sys_errno == ENOSPC)
		return registry_refuse(ans, status_new(507, "InsufficientStorage", NULL, NULL,
		                                       "the disk of the state folder is full: "
		                                       "nothing was written (%s)",
		                                       err->text));
	return registry_refuse(ans, status_new(500, "InternalError", NULL, NULL,
	                                       "Internal error occurred: %s", err->text));
}

const struct api_types *registry_types(const struct registry *r)
{
	return &r->types;
}

struct store *registry_store(struct registry *r)
{
	return r->store;
}

void registry_read_defaults(const struct api_type *type, json_t *object)
{
	if (type->schema)
		schema_default(type->schema, object);
}

int registry_load(struct registry *r, const struct registry_request *req, const char *name,
                  struct registry_answer *ans)
{
	char resource[API_NAME_BYTES];
	struct store_key key = {api_type_resource(req->type, resource, sizeof resource),
	                        req->ns ? req->ns : "", name};
	struct err err = {0};
	json_t *object = NULL;
	int found;

	assert(name != NULL);
	found = store_get(r->store, &key, &object, &err);

	if (found < 0)
		return registry_store_failed(ans, &err);
	if (found > 0)
		return registry_refuse(ans, status_not_found(req->type, name));
	registry_read_defaults(req->type, object);
	json_decref(ans->body);
	ans->body = object;
	return 0;
}

int registry_do_get(struct registry *r, const struct registry_request *req,
                    struct registry_answer *ans)
{
	return registry_load(r, req, req->name, ans);
}

static void change_free(struct change_entry *entry)
{
	json_decref(entry->change.old_object);
	json_decref(entry->change.object);
	free(entry);
}

static void listeners_sweep(struct registry *r)
{
	struct registry_listener *l = TAILQ_FIRST(&r->listeners), *next;

	for (; l; l = next) {
		next = TAILQ_NEXT(l, next);
		if (!l->dead)
			continue;
		TAILQ_REMOVE(&r->listeners, l, next);
		free(l);
	}
}

static void on_tell(evutil_socket_t fd, short what, void *arg)
{
	struct registry *r = arg;
	struct change_entry *entry;
	struct registry_listener *l;

	assert(!r->telling);
	r->telling = true;
	while ((entry = STAILQ_FIRST(&r->changes)) != NULL) {
		STAILQ_REMOVE_HEAD(&r->changes, next);
		TAILQ_FOREACH(l, &r->listeners, next) {
			if (!l->dead)
				l->on_change(l->arg, &entry->change);
		}
		change_free(entry);
	}
	r->telling = false;
	listeners_sweep(r);
}

struct registry_listener *registry_listen(struct registry *r, registry_change_fn on_change,
                                          void *arg)
{
	struct registry_listener *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	l->registry = r;
	l->on_change = on_change;
	l->arg = arg;
	TAILQ_INSERT_TAIL(&r->listeners, l, next);
	return l;
}

void registry_listener_stop(struct registry_listener *l)
{
	if (l == NULL)
		return;
	l->dead = true;
	if (!l->registry->telling)
		listeners_sweep(l->registry);
}

static void change_push(struct registry *r, const struct registry_change *change)
{
	struct change_entry *entry = calloc(1, sizeof *entry);

	if (entry == NULL)
		abort(); /* a watch that misses a change would be wrong for ever */
	entry->change = *change;
	STAILQ_INSERT_TAIL(&r->changes, entry, next);
	event_active(r->tell_event, EV_TIMEOUT, 1);
}

int registry_commit(struct registry *r, const struct registry_write *w, struct registry_answer *ans)
{
	char resource[API_NAME_BYTES];
	uint64_t revision = store_revision(r->store) + 1;
	struct store_key key = {api_type_resource(w->type, resource, sizeof resource),
	                        kube_namespace(w->object), kube_name(w->object)};
	struct registry_change change = {w->type, w->event, revision, NULL, NULL};
	struct err err = {0};

	assert(w->type != NULL && json_is_object(w->object));
	assert((w->event == STORE_ADDED) == (w->old_object == NULL));
	(void)json_object_set_new(json_object_get(w->object, "metadata"), "resourceVersion",
	                          json_sprintf("%llu", (unsigned long long)revision));
	if (store_put(r->store, &key, w->event, w->object, &err) < 0)
		return registry_store_failed(ans, &err);
	assert(store_revision(r->store) == revision);
	/* the change is made and will be seen: a disk that does not sync is logged, not answered */
	if (rules_is_durable(w->type, w->old_object,
	                     w->event == STORE_DELETED ? NULL : w->object) &&
	    store_sync(r->store, &err) < 0)
		log_event(LOG_ERROR, "store.sync_failed", log_err(&err));
	change.old_object = json_incref(json_ref(w->old_object));
	change.object = json_deep_copy(w->object);
	change_push(r, &change);
	return 0;
}

int registry_core_init(struct registry *r)
{
	STAILQ_INIT(&r->changes);
	TAILQ_INIT(&r->listeners);
	r->tell_event = event_new(r->base, -1, 0, on_tell, r);
	return r->tell_event != NULL ? 0 : -1;
}

void registry_core_done(struct registry *r)
{
	struct change_entry *entry;
	struct registry_listener *l;

	assert(!r->telling);
	while ((entry = STAILQ_FIRST(&r->changes)) != NULL) {
		STAILQ_REMOVE_HEAD(&r->changes, next);
		change_free(entry);
	}
	while ((l = TAILQ_FIRST(&r->listeners)) != NULL) {
		TAILQ_REMOVE(&r->listeners, l, next);
		free(l);
	}
	if (r->tell_event)
		event_free(r->tell_event);
}
