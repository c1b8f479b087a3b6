/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_write - creates, replaces and patches objects
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/clk.h"
#include "lib/kube/client/object.h"
#include "local/registry/core/json_patch.h"
#include "local/registry/core/status.h"
#include "local/registry/io/registry_internal.h"

enum { UID_BYTES = 37, SUFFIX_BYTES = 6 };

/* RFC 9562 version 4, and apimachinery's five letters for generateName. */
static void random_names(char uid[UID_BYTES], char suffix[SUFFIX_BYTES])
{
	static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";
	unsigned char b[16 + SUFFIX_BYTES];

	if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
		abort(); /* not below 256 bytes, but for a kernel without it */
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	(void)snprintf(uid, UID_BYTES,
	               "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
	               b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
	               b[13], b[14], b[15]);
	for (size_t i = 0; i < SUFFIX_BYTES - 1; i++)
		suffix[i] = alphabet[b[16 + i] % (sizeof alphabet - 1)];
	suffix[SUFFIX_BYTES - 1] = 0;
}

/* The namespace must be there and not on its way out. */
static int check_namespace(struct registry *r, const struct registry_request *req, const char *name,
                           struct registry_answer *ans)
{
	struct registry_request ns_req = {
	        .type = api_types_find(&r->types, "", "v1", "namespaces"),
	        .ns = "",
	};

	if (req->type->kube.cluster_scoped)
		return 0;
	if (registry_load(r, &ns_req, req->ns, ans) < 0)
		return -1;
	if (!kube_is_deleting(ans->body))
		return 0;
	return registry_refuse(ans, status_new(403, "Forbidden", req->type, name,
	                                       "%s \"%s\" is forbidden: unable to create new "
	                                       "content in namespace %s because it is being "
	                                       "terminated",
	                                       req->type->kube.plural, name, req->ns));
}

/* What the API server fills in for types that have logic of their own. */
static void create_specials(struct registry *r, const struct api_type *type, json_t *object)
{
	const char *plural = type->kube.plural;

	if (strcmp(plural, "pods") == 0 && r->node_name &&
	    *json_str_at(object, "", "spec", "nodeName", NULL) == 0)
		(void)json_object_set_new(json_object_get(object, "spec"), "nodeName",
		                          json_string(r->node_name));
	if (strcmp(plural, "namespaces") == 0) {
		(void)json_object_set_new(object, "spec",
		                          json_pack("{s:[s]}", "finalizers", "kubernetes"));
		(void)json_object_set_new(object, "status", json_pack("{s:s}", "phase", "Active"));
	}
}

static int create_checked(struct registry *r, const struct registry_request *req, json_t *object,
                          struct registry_answer *ans)
{
	const struct registry_write write = {req->type, STORE_ADDED, NULL, object};
	json_t *status = rules_admit(req->type, req->unknown, object, ans->warnings);

	if (status)
		return registry_refuse(ans, status);
	create_specials(r, req->type, object);
	if (check_namespace(r, req, kube_name(object), ans) < 0)
		return -1;
	if (registry_load(r, req, kube_name(object), ans) == 0)
		return registry_refuse(ans, status_exists(req->type, kube_name(object)));
	if (status_http_code(ans->body) != 404)
		return -1;
	if (!req->dry_run && registry_commit(r, &write, ans) < 0)
		return -1;
	json_decref(ans->body);
	ans->body = json_incref(object);
	return 0;
}

int registry_do_create(struct registry *r, const struct registry_request *req, const json_t *object,
                       struct registry_answer *ans)
{
	char uid[UID_BYTES], suffix[SUFFIX_BYTES];
	struct rules_create_opts how = {req->ns, uid, suffix, clk_wall_ms()};
	json_t *copy, *status;
	int result;

	if (!json_is_object(object))
		return registry_refuse(ans, status_bad_request("the body is not an object"));
	random_names(uid, suffix);
	copy = json_deep_copy(object);
	status = rules_create(req->type, &how, copy);
	result = status ? registry_refuse(ans, status) : create_checked(r, req, copy, ans);
	json_decref(copy);
	return result;
}

static int update_write(struct registry *r, const struct registry_request *req, const json_t *old,
                        json_t *object, struct registry_answer *ans)
{
	struct registry_write write = {req->type, STORE_MODIFIED, old, object};

	if (rules_same(old, object) || req->dry_run) {
		json_decref(ans->body);
		ans->body = json_incref(object);
		return 0;
	}
	if (rules_is_removable(req->type, object))
		write.event = STORE_DELETED;
	if (registry_commit(r, &write, ans) < 0)
		return -1;
	json_decref(ans->body);
	ans->body = json_incref(object);
	return 0;
}

/* @object: the client's idea of the whole object; changed here. */
static int update(struct registry *r, const struct registry_request *req, const json_t *old,
                  json_t *object, struct registry_answer *ans)
{
	json_t *status = rules_update(req->type, req->subresource, old, object);

	if (status == NULL)
		status = rules_admit(req->type, req->unknown, object, ans->warnings);
	if (status)
		return registry_refuse(ans, status);
	(void)json_object_set(json_object_get(object, "metadata"), "resourceVersion",
	                      json_at(old, "metadata", "resourceVersion", NULL));
	if (req->subresource == NULL)
		rules_count_generation(req->type, old, object);
	return update_write(r, req, old, object, ans);
}

int registry_do_replace(struct registry *r, const struct registry_request *req,
                        const json_t *object, struct registry_answer *ans)
{
	json_t *old, *copy;
	int result;

	if (!json_is_object(object))
		return registry_refuse(ans, status_bad_request("the body is not an object"));
	if (registry_load(r, req, req->name, ans) < 0)
		return -1;
	old = json_incref(ans->body);
	copy = json_deep_copy(object);
	result = update(r, req, old, copy, ans);
	json_decref(copy);
	json_decref(old);
	return result;
}

/* Return: the patched object, new; NULL when the answer refuses. */
static json_t *patched(const struct registry_request *req, enum registry_patch how,
                       const json_t *old, const json_t *patch, struct registry_answer *ans)
{
	struct err err = {0};
	json_t *result = NULL, *merged;

	if (how == REGISTRY_PATCH_JSON) {
		if (json_patch_apply(old, patch, &result, &err) == 0)
			return result;
		if (err.code == ERR_PARSE)
			registry_refuse(ans, status_bad_request("%s", err.text));
		else
			registry_refuse(ans, status_new(422, "Invalid", req->type, kube_name(old),
			                                "the server rejected our request due to an "
			                                "error in our request: %s",
			                                err.text));
		return NULL;
	}
	if (!json_is_object(patch)) {
		registry_refuse(ans, status_bad_request("a merge patch is an object"));
		return NULL;
	}
	if (how == REGISTRY_PATCH_STRATEGIC)
		return strategic_merge_apply(old, patch);
	merged = json_merge_patch(old, patch);
	result = json_deep_copy(merged); /* it may share parts with both */
	json_decref(merged);
	return result;
}

int registry_do_patch(struct registry *r, const struct registry_request *req,
                      enum registry_patch how, const json_t *patch, struct registry_answer *ans)
{
	json_t *old, *object;
	int result;

	if (how == REGISTRY_PATCH_STRATEGIC && req->type->custom)
		return registry_refuse(
		        ans,
		        status_new(415, "UnsupportedMediaType", NULL, NULL,
		                   "the body of the request was in an unknown format - "
		                   "accepted media types include: application/json-patch+json, "
		                   "application/merge-patch+json"));
	if (registry_load(r, req, req->name, ans) < 0)
		return -1;
	old = json_incref(ans->body);
	object = patched(req, how, old, patch, ans);
	result = -1;
	if (object && !json_is_object(object))
		registry_refuse(ans, status_bad_request("the patch leaves no object"));
	else if (object)
		result = update(r, req, old, object, ans);
	json_decref(object);
	json_decref(old);
	return result;
}
