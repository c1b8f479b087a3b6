/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, reading, and telling changes; writes are in registry_write.c, deletion in
 * registry_delete.c, garbage collection in registry_gc.c.
 */
#include "local/registry.h"

#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/kube/client/object.h"
#include "local/registry/core/rules.h"
#include "local/registry/core/schema.h"
#include "local/registry/core/status.h"
#include "local/registry/io/crds.h"
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
	int found = store_get(r->store, &key, &object, &err);

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

	(void)fd;
	(void)what;
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

int registry_commit(struct registry *r, const struct api_type *type, enum store_event event,
                    const json_t *old_object, json_t *object, struct registry_answer *ans)
{
	char resource[API_NAME_BYTES];
	uint64_t revision = store_revision(r->store) + 1;
	struct store_key key = {api_type_resource(type, resource, sizeof resource),
	                        kube_namespace(object), kube_name(object)};
	struct registry_change change = {type, event, revision, NULL, NULL};
	struct err err = {0};

	(void)json_object_set_new(json_object_get(object, "metadata"), "resourceVersion",
	                          json_sprintf("%llu", (unsigned long long)revision));
	if (store_put(r->store, &key, event, object, &err) < 0)
		return registry_store_failed(ans, &err);
	/* it is written and will be seen, so a disk that does not sync is told of, not answered */
	if (rules_is_durable(type, event == STORE_ADDED ? NULL : old_object,
	                     event == STORE_DELETED ? NULL : object) &&
	    store_sync(r->store, &err) < 0)
		log_event(LOG_ERROR, "store.sync_failed", log_err(&err));
	change.old_object = json_incref((json_t *)old_object);
	change.object = json_deep_copy(object);
	change_push(r, &change);
	registry_gc_look(r, &change);
	return 0;
}

/* What every cluster has from its first moment. */
static int make_namespaces(struct registry *r, struct err *err)
{
	static const char *const names[] = {"default", "kube-system", "kube-public"};
	const struct api_type *type = api_types_find(&r->types, "", "v1", "namespaces");
	struct registry_request req = {.type = type, .ns = ""};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct registry_answer ans;
		json_t *object = json_pack("{s:{s:s}}", "metadata", "name", names[i]);
		int code;

		registry_answer_init(&ans);
		code = registry_do_create(r, &req, object, &ans) < 0 ? status_http_code(ans.body)
		                                                     : 0;
		if (code != 0 && code != 409)
			status_to_err(ans.body, err);
		registry_answer_done(&ans);
		json_decref(object);
		if (code != 0 && code != 409)
			return -1;
	}
	return 0;
}

int registry_add_crd(struct registry *r, const json_t *crd, struct err *err)
{
	const struct api_type *type = api_types_find(&r->types, "apiextensions.k8s.io", NULL,
	                                             "customresourcedefinitions");
	struct registry_request req = {.type = type, .ns = "", .name = kube_name(crd)};
	struct registry_answer ans;
	json_t *object = json_deep_copy(crd), *had;
	int result;

	registry_answer_init(&ans);
	if (registry_load(r, &req, req.name, &ans) == 0) {
		had = json_incref(ans.body);
		/* The file is the truth; an unchanged one is not written again. */
		(void)json_object_set(object, "metadata", json_object_get(had, "metadata"));
		result = json_equal(had, object)
		                 ? 0
		                 : registry_commit(r, type, STORE_MODIFIED, had, object, &ans);
		json_decref(had);
	} else {
		result = registry_do_create(r, &req, object, &ans);
	}
	if (result < 0)
		status_to_err(ans.body, err);
	registry_answer_done(&ans);
	json_decref(object);
	return result < 0 ? -1 : api_types_add_crd(&r->types, crd, err);
}

int registry_open(struct event_base *base, const struct registry_opts *opts,
                  struct registry **ret_registry, struct err *err)
{
	struct registry *r = calloc(1, sizeof *r);

	if (r == NULL)
		return err_set(err, ERR_NOMEM, 0, "registry");
	r->base = base;
	STAILQ_INIT(&r->changes);
	TAILQ_INIT(&r->listeners);
	r->tell_event = event_new(base, -1, 0, on_tell, r);
	registry_gc_init(r);
	if (opts->node_name)
		r->node_name = strdup(opts->node_name);
	if (r->tell_event == NULL || api_types_init(&r->types, err) < 0 ||
	    store_open(opts->database_file, opts->change_log_max, &r->store, err) < 0 ||
	    make_namespaces(r, err) < 0 ||
	    (opts->crds_dir && crds_load(r, opts->crds_dir, err) < 0)) {
		registry_close(r);
		return -1;
	}
	api_types_seal(&r->types);
	registry_gc_look(r, NULL);
	(void)malloc_trim(0); /* reading the CRDs took many times what is kept of them */
	*ret_registry = r;
	return 0;
}

void registry_close(struct registry *r)
{
	struct change_entry *entry;
	struct registry_listener *l;

	if (r == NULL)
		return;
	while ((entry = STAILQ_FIRST(&r->changes)) != NULL) {
		STAILQ_REMOVE_HEAD(&r->changes, next);
		change_free(entry);
	}
	while ((l = TAILQ_FIRST(&r->listeners)) != NULL) {
		TAILQ_REMOVE(&r->listeners, l, next);
		free(l);
	}
	registry_gc_done(r);
	if (r->tell_event)
		event_free(r->tell_event);
	store_close(r->store);
	api_types_done(&r->types);
	free(r->node_name);
	free(r);
}
