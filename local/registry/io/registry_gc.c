/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_gc - garbage collection, from the event loop, a bounded piece a turn
 *
 * It deletes dependents of owners that are gone, takes off the finalizers of foreground and orphan
 * deletion, and empties namespaces that are being deleted.
 *
 * Work is a set of UIDs to look at: of owners, gone or being deleted, and of namespaces. An object
 * whose owners are all gone is deleted; so is one that was made after its owner had gone.
 *
 * What cannot be read is not gone: a UID that could not be looked at stays in the set and is tried
 * again after a moment. Nothing is deleted because an answer is missing.
 */
#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clk.h"
#include "lib/base/log.h"
#include "lib/kube/client/object.h"
#include "local/registry/core/status.h"
#include "local/registry/io/registry_internal.h"

enum { OBJECTS_PER_TURN = 64 };

static const char foreground[] = "foregroundDeletion";
static const char orphan[] = "orphan";

static bool is_namespace(const json_t *object)
{
	return strcmp(json_str_at(object, "", "kind", NULL), "Namespace") == 0;
}

/* Refused by the state file or the disk, and not by a rule: worth another try. */
static int answer_end(struct registry_answer *ans, int result, struct err *err)
{
	bool failed = result < 0 && status_http_code(ans->body) >= 500;

	if (failed)
		status_to_err(ans->body, err);
	registry_answer_done(ans);
	return failed ? -1 : 0;
}

static int delete_object(struct registry *r, const json_t *object, struct err *err)
{
	struct registry_request req = {
	        .type = api_types_find_kind(&r->types, json_str_at(object, "", "apiVersion", NULL),
	                                    json_str_at(object, "", "kind", NULL)),
	        .ns = kube_namespace(object),
	        .name = kube_name(object),
	};
	struct registry_delete_opts opts = {.uid = kube_uid(object), .grace_period_s = -1};
	struct registry_answer ans;

	if (req.type == NULL || kube_is_deleting(object))
		return 0;
	registry_answer_init(&ans);
	return answer_end(&ans, registry_do_delete(r, &req, &opts, &ans), err);
}

/* Takes @patch. */
static int merge_into(struct registry *r, const json_t *object, json_t *patch, struct err *err)
{
	struct registry_request req = {
	        .type = api_types_find_kind(&r->types, json_str_at(object, "", "apiVersion", NULL),
	                                    json_str_at(object, "", "kind", NULL)),
	        .ns = kube_namespace(object),
	        .name = kube_name(object),
	};
	struct registry_answer ans;
	int result = 0;

	registry_answer_init(&ans);
	if (req.type != NULL)
		result = registry_do_patch(r, &req, REGISTRY_PATCH_MERGE, patch, &ans);
	json_decref(patch);
	return answer_end(&ans, result, err);
}

/* What is dropped of an object's metadata. */
struct drop {
	const char *field;
	const char *key; /* of the items; NULL: they themselves */
	const char *value;
};

static int drop_item(struct registry *r, const json_t *object, const struct drop *drop,
                     struct err *err)
{
	const json_t *list = json_at(object, "metadata", drop->field, NULL), *item;
	json_t *kept = json_array();
	size_t i;

	json_array_foreach(list, i, item) {
		const char *text =
		        json_string_value(drop->key ? json_object_get(item, drop->key) : item);

		if (text == NULL || strcmp(text, drop->value) != 0)
			(void)json_array_append(kept, (json_t *)item);
	}
	return merge_into(r, object, json_pack("{s:{s:o}}", "metadata", drop->field, kept), err);
}

/* Return: 1, 0, or negative when it is not known */
static int has_living_owner(struct registry *r, const json_t *object, struct err *err)
{
	const json_t *owners = json_at(object, "metadata", "ownerReferences", NULL), *owner;
	size_t i;

	json_array_foreach(owners, i, owner) {
		int found = store_has_uid(r->store, json_str_at(owner, "", "uid", NULL), err);

		if (found != 0)
			return found;
	}
	return 0;
}

/* Is @owner being deleted in the foreground? Then its dependents go first. */
enum owner_state { OWNER_GONE, OWNER_FOREGROUND, OWNER_ORPHANS, OWNER_STAYS };

/* @owner: NULL when it is not there */
static enum owner_state owner_state_of(const json_t *owner)
{
	if (owner == NULL)
		return OWNER_GONE;
	if (!kube_is_deleting(owner))
		return OWNER_STAYS;
	if (kube_has_finalizer(owner, orphan))
		return OWNER_ORPHANS;
	return kube_has_finalizer(owner, foreground) ? OWNER_FOREGROUND : OWNER_STAYS;
}

/* A look at one UID: a bounded piece of it, from @after on. */
struct look {
	struct registry *registry;
	const char *uid;
	const json_t *object; /* of that UID, or NULL */
	enum owner_state state;
	char after[64]; /* the UID of the last object that was treated */
};

static void look_passed(struct look *l, const json_t *object)
{
	(void)snprintf(l->after, sizeof l->after, "%s", kube_uid(object));
}

static int treat_dependent(const struct look *l, const json_t *dependent, struct err *err)
{
	const struct drop drop = {"ownerReferences", "uid", l->uid};
	int living = 0;

	if (l->state == OWNER_ORPHANS)
		return drop_item(l->registry, dependent, &drop, err);
	if (l->state == OWNER_GONE)
		living = has_living_owner(l->registry, dependent, err);
	return living != 0 ? living : delete_object(l->registry, dependent, err);
}

static int owner_finish(const struct look *l, struct err *err)
{
	const struct drop is_orphaned = {"finalizers", NULL, orphan};
	const struct drop is_last = {"finalizers", NULL, foreground};
	json_t *left = NULL;
	int none;

	if (l->state == OWNER_ORPHANS)
		return drop_item(l->registry, l->object, &is_orphaned, err);
	if (l->state != OWNER_FOREGROUND)
		return 0;
	none = store_first_dependent(l->registry->store, l->uid, "", &left, err);
	json_decref(left);
	return none > 0 ? drop_item(l->registry, l->object, &is_last, err) : none;
}

/* Return: 0 nothing is left to do, 1 there is more, negative it is to be looked at again. */
static int look_at_owner(struct look *l, struct err *err)
{
	int none = 0, r = 0;

	if (l->state == OWNER_STAYS)
		return 0;
	for (unsigned seen = 0; seen < OBJECTS_PER_TURN; seen++) {
		json_t *dependent = NULL;

		none = store_first_dependent(l->registry->store, l->uid, l->after, &dependent, err);
		if (none != 0)
			break;
		r = treat_dependent(l, dependent, err);
		look_passed(l, dependent);
		json_decref(dependent);
		if (r < 0)
			return r;
	}
	return none == 0 ? 1 : none < 0 ? none : owner_finish(l, err);
}

static int finish_namespace(struct registry *r, const json_t *ns, struct err *err)
{
	const struct api_type *type = api_types_find(&r->types, "", "v1", "namespaces");
	json_t *object = json_deep_copy(ns);
	struct registry_answer ans;
	int result = 0;

	(void)json_object_set_new(object, "spec", json_object());
	registry_answer_init(&ans);
	if (rules_is_removable(type, object))
		result = registry_commit(
		        r, &(struct registry_write){type, STORE_DELETED, ns, object}, &ans);
	json_decref(object);
	return answer_end(&ans, result, err);
}

/* Return: as look_at_owner() */
static int look_at_namespace(struct look *l, struct err *err)
{
	struct registry *r = l->registry;
	const char *name = kube_name(l->object);
	json_t *object = NULL;
	int none = 0, result;

	for (unsigned seen = 0; seen < OBJECTS_PER_TURN; seen++) {
		none = store_first_in_namespace(r->store, name, l->after, &object, err);
		if (none != 0)
			break;
		result = delete_object(r, object, err);
		look_passed(l, object);
		json_decref(object);
		object = NULL;
		if (result < 0)
			return result;
	}
	if (none <= 0)
		return none < 0 ? none : 1;
	/* what stays has finalizers, or a grace: its end is looked at when it comes */
	none = store_first_in_namespace(r->store, name, "", &object, err);
	json_decref(object);
	return none > 0 ? finish_namespace(r, l->object, err) : none;
}

/* Return: as look_at_owner() */
static int look_at(struct look *l, struct err *err)
{
	json_t *object = NULL;
	int result = store_get_uid(l->registry->store, l->uid, &object, err);

	assert((result == 0) == (object != NULL));
	l->object = object;
	l->state = owner_state_of(object);
	if (result == 0 && is_namespace(object))
		result = kube_is_deleting(object) ? look_at_namespace(l, err) : 0;
	else if (result >= 0)
		result = look_at_owner(l, err);
	json_decref(object);
	return result;
}

static bool on_stored_uid(void *arg, const char *uid)
{
	struct registry *r = arg;

	(void)json_object_set_new(r->gc_owners, uid, json_true());
	return true;
}

static void gc_again(struct registry *r, const struct err *failed)
{
	struct timeval later = clk_timeval(STORE_RETRY_MS);

	if (failed != NULL && !r->gc_failed)
		log_event(LOG_ERROR, "store.gc_failed", log_err(failed));
	r->gc_failed = failed != NULL;
	if (failed != NULL)
		(void)event_add(r->gc_event, &later);
	else if (json_object_size(r->gc_owners))
		event_active(r->gc_event, EV_TIMEOUT, 1);
}

static void on_gc(evutil_socket_t fd, short what, void *arg)
{
	struct registry *r = arg;
	json_t *work, *value;
	const char *uid;
	struct err err;
	bool failed = r->gc_all && store_foreach_gc(r->store, on_stored_uid, r, &err) < 0;

	r->gc_all = failed;
	work = r->gc_owners;
	r->gc_owners = json_object();
	json_object_foreach(work, uid, value) {
		struct look l = {.registry = r, .uid = uid};
		int result;

		(void)snprintf(l.after, sizeof l.after, "%s",
		               json_is_string(value) ? json_string_value(value) : "");
		result = look_at(&l, &err);
		failed = failed || result < 0;
		if (result != 0)
			(void)json_object_set_new(r->gc_owners, uid,
			                          result > 0 ? json_string(l.after) : json_true());
	}
	json_decref(work);
	gc_again(r, failed ? &err : NULL);
}

static void schedule(struct registry *r, const char *uid)
{
	if (uid == NULL || *uid == 0)
		return;
	(void)json_object_set_new(r->gc_owners, uid, json_true());
	event_active(r->gc_event, EV_TIMEOUT, 1);
}

/* The namespace that an object leaves may be waiting for just that. */
static void schedule_namespace(struct registry *r, const char *name)
{
	struct registry_request req = {.type = api_types_find(&r->types, "", "v1", "namespaces"),
	                               .ns = ""};
	struct registry_answer ans;

	if (*name == 0)
		return;
	registry_answer_init(&ans);
	if (registry_load(r, &req, name, &ans) == 0 && kube_is_deleting(ans.body)) {
		schedule(r, kube_uid(ans.body));
	} else if (status_http_code(ans.body) >= 500) {
		registry_gc_look_at_all(r); /* it is not known */
	}
	registry_answer_done(&ans);
}

static void schedule_owners(struct registry *r, const json_t *object, bool only_gone)
{
	const json_t *owners = json_at(object, "metadata", "ownerReferences", NULL), *owner;
	size_t i;

	json_array_foreach(owners, i, owner) {
		const char *uid = json_str_at(owner, "", "uid", NULL);

		/* one of which it is not known is looked at, too: then it is */
		if (!only_gone || store_has_uid(r->store, uid, NULL) <= 0)
			schedule(r, uid);
	}
}

void registry_gc_look_at_all(struct registry *r)
{
	r->gc_all = true;
	event_active(r->gc_event, EV_TIMEOUT, 1);
}

static void on_change(void *arg, const struct registry_change *change)
{
	struct registry *r = arg;

	if (change->event == STORE_DELETED) {
		schedule(r, kube_uid(change->object));
		schedule_namespace(r, kube_namespace(change->object));
		schedule_owners(r, change->object, false);
		return;
	}
	if (kube_is_deleting(change->object))
		schedule(r, kube_uid(change->object));
	if (change->event == STORE_ADDED)
		schedule_owners(r, change->object, true);
}

int registry_gc_init(struct registry *r)
{
	r->gc_owners = json_object();
	r->gc_event = event_new(r->base, -1, 0, on_gc, r);
	return r->gc_owners && r->gc_event && registry_listen(r, on_change, r) ? 0 : -1;
}

void registry_gc_done(struct registry *r)
{
	json_decref(r->gc_owners);
	if (r->gc_event)
		event_free(r->gc_event);
}
