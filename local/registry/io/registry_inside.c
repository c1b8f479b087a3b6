/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_inside - local/registry.h: the registry as other code of this process calls it
 */
#include <event2/event.h>
#include <stdlib.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"
#include "local/registry/core/status.h"
#include "local/registry/io/registry_internal.h"

/* Return: false with err set when the type is not served. */
static bool request_of(struct registry *r, const struct registry_ref *ref,
                       struct registry_request *ret_req, struct err *err)
{
	*ret_req = (struct registry_request){
	        .type = api_types_find(&r->types, ref->type->group, NULL, ref->type->plural),
	        .ns = ref->ns ? ref->ns : "",
	        .name = ref->name,
	        .subresource = ref->subresource,
	        .unknown = RULES_UNKNOWN_IGNORE,
	};
	if (ret_req->type == NULL)
		err_set(err, ERR_NOT_FOUND, 0, "no resource type %s", ref->type->plural);
	return ret_req->type != NULL;
}

static int finish(struct registry_answer *ans, int result, json_t **ret_object, struct err *err)
{
	if (result < 0)
		status_to_err(ans->body, err);
	else if (ret_object)
		*ret_object = json_incref(ans->body);
	registry_answer_done(ans);
	return result;
}

int registry_get(struct registry *r, const struct registry_ref *ref, json_t **ret_object,
                 struct err *err)
{
	struct registry_request req;
	struct registry_answer ans;

	if (!request_of(r, ref, &req, err))
		return -1;
	registry_answer_init(&ans);
	return finish(&ans, registry_do_get(r, &req, &ans), ret_object, err);
}

int registry_create(struct registry *r, const struct registry_ref *ref, const json_t *object,
                    json_t **ret_object, struct err *err)
{
	struct registry_request req;
	struct registry_answer ans;

	if (!request_of(r, ref, &req, err))
		return -1;
	registry_answer_init(&ans);
	return finish(&ans, registry_do_create(r, &req, object, &ans), ret_object, err);
}

int registry_merge_patch(struct registry *r, const struct registry_ref *ref, const json_t *patch,
                         json_t **ret_object, struct err *err)
{
	struct registry_request req;
	struct registry_answer ans;

	if (!request_of(r, ref, &req, err))
		return -1;
	registry_answer_init(&ans);
	return finish(&ans, registry_do_patch(r, &req, REGISTRY_PATCH_MERGE, patch, &ans),
	              ret_object, err);
}

int registry_delete(struct registry *r, const struct registry_ref *ref,
                    const struct kube_delete_opts *opts, json_t **ret_object, struct err *err)
{
	struct registry_delete_opts how = {.grace_period_s = -1};
	struct registry_request req;
	struct registry_answer ans;

	if (!request_of(r, ref, &req, err))
		return -1;
	if (opts) {
		how.uid = opts->uid;
		how.resource_version = opts->resource_version;
		how.grace_period_s = opts->grace_period_s;
	}
	registry_answer_init(&ans);
	return finish(&ans, registry_do_delete(r, &req, &how, &ans), ret_object, err);
}

int registry_foreach(struct registry *r, const struct registry_ref *ref,
                     bool (*visit)(void *arg, const json_t *object), void *arg, struct err *err)
{
	struct registry_request req;
	char resource[API_NAME_BYTES];
	struct store_range all = {0};

	if (!request_of(r, ref, &req, err))
		return -1;
	all.type = api_type_resource(req.type, resource, sizeof resource);
	all.ns = req.ns;
	return store_list(r->store, &all, visit, arg, err);
}

struct registry_watch {
	struct registry *registry;
	const struct api_type *type;
	void (*on_change)(void *arg, const json_t *old_object, const json_t *new_object);
	void *arg;
	uint64_t from; /* changes up to here are in the first list */
	bool failed;   /* logged once */
	struct event *start;
	struct registry_listener *listener;
};

static bool on_first(void *arg, const json_t *object)
{
	struct registry_watch *w = arg;

	w->on_change(w->arg, NULL, object);
	return true;
}

static void on_watch_change(void *arg, const struct registry_change *change)
{
	struct registry_watch *w = arg;

	if (change->type != w->type || change->revision <= w->from)
		return;
	w->on_change(w->arg, change->old_object,
	             change->event == STORE_DELETED ? NULL : change->object);
}

static void on_watch_start(evutil_socket_t fd, short what, void *arg)
{
	struct registry_watch *w = arg;
	char resource[API_NAME_BYTES];
	const struct store_range all = {
	        .type = api_type_resource(w->type, resource, sizeof resource),
	};

	struct timeval retry = clk_timeval(STORE_RETRY_MS);
	struct err err;

	w->from = store_revision(w->registry->store);
	w->listener = registry_listen(w->registry, on_watch_change, w);
	if (w->listener == NULL)
		abort(); /* a runner that misses changes would be wrong for ever */
	if (store_list(w->registry->store, &all, on_first, w, &err) == 0)
		return;
	/* nothing was reported yet: it begins when the objects can be read */
	registry_listener_stop(w->listener);
	w->listener = NULL;
	if (!w->failed)
		log_event(LOG_ERROR, "store.watch_failed", log_str("type", all.type),
		          log_err(&err));
	w->failed = true;
	(void)event_add(w->start, &retry);
}

struct registry_watch *registry_watch_start(struct registry *r, const struct kube_type *type,
                                            void (*on_change)(void *arg, const json_t *old_object,
                                                              const json_t *new_object),
                                            void *arg)
{
	struct registry_watch *w = calloc(1, sizeof *w);

	if (w == NULL)
		return NULL;
	w->registry = r;
	w->type = api_types_find(&r->types, type->group, NULL, type->plural);
	w->on_change = on_change;
	w->arg = arg;
	w->start = event_new(r->base, -1, 0, on_watch_start, w);
	if (w->type == NULL || w->start == NULL) {
		registry_watch_stop(w);
		return NULL;
	}
	event_active(w->start, EV_TIMEOUT, 1);
	return w;
}

void registry_watch_stop(struct registry_watch *w)
{
	if (w == NULL)
		return;
	registry_listener_stop(w->listener);
	if (w->start)
		event_free(w->start);
	free(w);
}
