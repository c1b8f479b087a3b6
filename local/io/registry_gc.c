/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Garbage collection: dependents of owners that are gone, finalizers of foreground and orphan
 * deletion, content of namespaces that end. From the event loop, a bounded piece a turn.
 *
 * Work is a set of UIDs to look at: of owners, gone or on their way, and of namespaces. An object
 * whose owners are all gone is deleted; so is one that was made after its owner had gone.
 */
#include <event2/event.h>
#include <string.h>

#include "lib/kube/object.h"
#include "local/core/status.h"
#include "local/io/registry_internal.h"

enum { OBJECTS_PER_TURN = 64 };

static const char foreground[] = "foregroundDeletion";
static const char orphan[] = "orphan";

static bool is_namespace(const json_t *object)
{
	return strcmp(json_str_at(object, "", "kind", NULL), "Namespace") == 0;
}

static void delete_object(struct registry *r, const json_t *object)
{
	struct registry_request req = {
	        .type = api_types_find_kind(&r->types, json_str_at(object, "", "apiVersion", NULL),
	                                    json_str_at(object, "", "kind", NULL)),
	        .ns = kube_namespace(object),
	        .name = kube_name(object),
	};
	struct registry_delete opts = {.uid = kube_uid(object), .grace_period_s = -1};
	struct registry_answer ans;

	if (req.type == NULL || kube_is_deleting(object))
		return;
	registry_answer_init(&ans);
	(void)registry_do_delete(r, &req, &opts, &ans);
	registry_answer_done(&ans);
}

static void merge_into(struct registry *r, const json_t *object, json_t *patch)
{
	struct registry_request req = {
	        .type = api_types_find_kind(&r->types, json_str_at(object, "", "apiVersion", NULL),
	                                    json_str_at(object, "", "kind", NULL)),
	        .ns = kube_namespace(object),
	        .name = kube_name(object),
	};
	struct registry_answer ans;

	if (req.type == NULL) {
		json_decref(patch);
		return;
	}
	registry_answer_init(&ans);
	(void)registry_do_patch(r, &req, REGISTRY_PATCH_MERGE, patch, &ans);
	registry_answer_done(&ans);
	json_decref(patch);
}

/* metadata.@field without its items whose @key (NULL: they themselves) is @value. */
static void drop_item(struct registry *r, const json_t *object, const char *field, const char *key,
                      const char *value)
{
	const json_t *list = json_at(object, "metadata", field, NULL), *item;
	json_t *kept = json_array();
	size_t i;

	json_array_foreach(list, i, item) {
		const char *text = json_string_value(key ? json_object_get(item, key) : item);

		if (text == NULL || strcmp(text, value) != 0)
			(void)json_array_append(kept, (json_t *)item);
	}
	merge_into(r, object, json_pack("{s:{s:o}}", "metadata", field, kept));
}

static bool has_living_owner(struct registry *r, const json_t *object)
{
	const json_t *owners = json_at(object, "metadata", "ownerReferences", NULL), *owner;
	size_t i;

	json_array_foreach(owners, i, owner) {
		if (store_has_uid(r->store, json_str_at(owner, "", "uid", NULL)))
			return true;
	}
	return false;
}

/* Is @owner being deleted in the foreground? Then its dependents go first. */
enum owner_state { OWNER_GONE, OWNER_FOREGROUND, OWNER_ORPHANS, OWNER_STAYS };

static enum owner_state owner_state_of(struct registry *r, const char *uid, json_t **ret_owner)
{
	if (store_get_uid(r->store, uid, ret_owner, NULL) != 0)
		return OWNER_GONE;
	if (!kube_is_deleting(*ret_owner))
		return OWNER_STAYS;
	if (kube_has_finalizer(*ret_owner, orphan))
		return OWNER_ORPHANS;
	return kube_has_finalizer(*ret_owner, foreground) ? OWNER_FOREGROUND : OWNER_STAYS;
}

static void treat_dependent(struct registry *r, enum owner_state state, const char *owner_uid,
                            const json_t *object)
{
	if (state == OWNER_ORPHANS)
		drop_item(r, object, "ownerReferences", "uid", owner_uid);
	else if (state == OWNER_FOREGROUND || !has_living_owner(r, object))
		delete_object(r, object);
}

/* Return: true when nothing is left to do for that owner. */
static bool look_at_owner(struct registry *r, const char *uid)
{
	json_t *owner = NULL, *object = NULL;
	enum owner_state state = owner_state_of(r, uid, &owner);
	char after[64] = "";
	unsigned seen = 0;

	while (state != OWNER_STAYS && seen < OBJECTS_PER_TURN &&
	       store_first_dependent(r->store, uid, after, &object, NULL) == 0) {
		treat_dependent(r, state, uid, object);
		(void)strncpy(after, kube_uid(object), sizeof after - 1);
		json_decref(object);
		seen++;
	}
	if (seen < OBJECTS_PER_TURN && state == OWNER_ORPHANS)
		drop_item(r, owner, "finalizers", NULL, orphan);
	if (seen < OBJECTS_PER_TURN && state == OWNER_FOREGROUND &&
	    store_first_dependent(r->store, uid, "", &object, NULL) == 1)
		drop_item(r, owner, "finalizers", NULL, foreground);
	else if (state == OWNER_FOREGROUND && seen < OBJECTS_PER_TURN)
		json_decref(object);
	json_decref(owner);
	return seen < OBJECTS_PER_TURN;
}

static void finish_namespace(struct registry *r, const json_t *ns)
{
	json_t *object = json_deep_copy(ns);
	struct registry_answer ans;

	(void)json_object_set_new(object, "spec", json_object());
	registry_answer_init(&ans);
	if (rules_is_removable(api_types_find(&r->types, "", "v1", "namespaces"), object))
		(void)registry_commit(r, api_types_find(&r->types, "", "v1", "namespaces"),
		                      STORE_DELETED, ns, object, &ans);
	registry_answer_done(&ans);
	json_decref(object);
}

static bool look_at_namespace(struct registry *r, const json_t *ns)
{
	json_t *object = NULL;
	char after[64] = "";
	unsigned seen = 0;

	while (seen < OBJECTS_PER_TURN &&
	       store_first_in_namespace(r->store, kube_name(ns), after, &object, NULL) == 0) {
		delete_object(r, object);
		(void)strncpy(after, kube_uid(object), sizeof after - 1);
		json_decref(object);
		seen++;
	}
	if (store_first_in_namespace(r->store, kube_name(ns), "", &object, NULL) == 0)
		json_decref(object);
	else
		finish_namespace(r, ns);
	return seen < OBJECTS_PER_TURN;
}

static bool look_at(struct registry *r, const char *uid)
{
	json_t *object = NULL;
	bool done;

	if (store_get_uid(r->store, uid, &object, NULL) == 0 && is_namespace(object))
		done = !kube_is_deleting(object) || look_at_namespace(r, object);
	else
		done = look_at_owner(r, uid);
	json_decref(object);
	return done;
}

static void on_gc(evutil_socket_t fd, short what, void *arg)
{
	struct registry *r = arg;
	json_t *work = r->gc_owners, *value;
	const char *uid;

	(void)fd;
	(void)what;
	r->gc_owners = json_object();
	json_object_foreach(work, uid, value) {
		if (!look_at(r, uid))
			(void)json_object_set_new(r->gc_owners, uid, json_true());
	}
	json_decref(work);
	if (json_object_size(r->gc_owners))
		event_active(r->gc_event, EV_TIMEOUT, 1);
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
	if (registry_load(r, &req, name, &ans) == 0 && kube_is_deleting(ans.body))
		schedule(r, kube_uid(ans.body));
	registry_answer_done(&ans);
}

static void schedule_owners(struct registry *r, const json_t *object, bool only_gone)
{
	const json_t *owners = json_at(object, "metadata", "ownerReferences", NULL), *owner;
	size_t i;

	json_array_foreach(owners, i, owner) {
		const char *uid = json_str_at(owner, "", "uid", NULL);

		if (!only_gone || !store_has_uid(r->store, uid))
			schedule(r, uid);
	}
}

static bool on_stored_uid(void *arg, const char *uid)
{
	schedule(arg, uid);
	return true;
}

void registry_gc_look(struct registry *r, const struct registry_change *change)
{
	if (change == NULL) { /* at start: all that may have been under way */
		(void)store_foreach_gc(r->store, on_stored_uid, r, NULL);
		return;
	}
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

void registry_gc_init(struct registry *r)
{
	r->gc_owners = json_object();
	r->gc_event = event_new(r->base, -1, 0, on_gc, r);
}

void registry_gc_done(struct registry *r)
{
	json_decref(r->gc_owners);
	if (r->gc_event)
		event_free(r->gc_event);
}
