/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules - what the API server does to an object between its arrival and the store
 */
#include "local/registry/core/rules.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/num.h"
#include "lib/kube/client/object.h"
#include "local/registry/core/schema.h"
#include "local/registry/core/status.h"

enum { NAME_MAX_BYTES = 253, GENERATED_BASE_MAX = 58 };

static const char subdomain_rule[] =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
        "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex "
        "used "
        "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

static json_t *metadata_of(json_t *object)
{
	json_t *metadata = json_object_get(object, "metadata");

	if (!json_is_object(metadata)) {
		metadata = json_object();
		(void)json_object_set_new(object, "metadata", metadata);
	}
	return metadata;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_subdomain(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > NAME_MAX_BYTES || !is_alnum(name[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++) {
		bool starts = i == 0 || name[i - 1] == '.';

		if (!is_alnum(name[i]) && (starts || (name[i] != '-' && name[i] != '.')))
			return false;
		if (name[i] == '.' && name[i - 1] == '-')
			return false;
	}
	return true;
}

json_t *rules_identity(const struct api_type *type, const char *ns, const char *name,
                       json_t *object)
{
	char version[API_NAME_BYTES];
	const char *kind = json_str_at(object, "", "kind", NULL);
	const char *given = json_str_at(object, "", "apiVersion", NULL);
	json_t *metadata;

	api_type_version(type, version, sizeof version);
	if ((*kind && strcmp(kind, type->kube.kind) != 0) ||
	    (*given && strcmp(given, version) != 0))
		return status_bad_request(
		        "the API version in the data (%s, Kind=%s) does not match "
		        "the expected API version (%s, Kind=%s)",
		        given, kind, version, type->kube.kind);
	(void)json_object_set_new(object, "kind", json_string(type->kube.kind));
	(void)json_object_set_new(object, "apiVersion", json_string(version));
	metadata = metadata_of(object);
	if (*kube_namespace(object) && strcmp(kube_namespace(object), ns) != 0)
		return status_bad_request("the namespace of the provided object does not match the "
		                          "namespace sent on the request");
	if (*ns)
		(void)json_object_set_new(metadata, "namespace", json_string(ns));
	if (name == NULL)
		return NULL;
	if (*kube_name(object) && strcmp(kube_name(object), name) != 0)
		return status_bad_request("the name of the object (%s) does not match the name on "
		                          "the URL (%s)",
		                          kube_name(object), name);
	(void)json_object_set_new(metadata, "name", json_string(name));
	return NULL;
}

/*
 * What the kind's own validation says of names in CEL, which is not evaluated here: the same words,
 * at creation as there. Return: NULL when it is right.
 */
static const char *container_name_fault(const char *name)
{
	size_t bytes = strlen(name);

	if (bytes > 63)
		return "the name is also a label's value, which has at most 63 characters";
	if (!islower((unsigned char)name[0]) || name[bytes - 1] == '-' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != bytes)
		return "the name is also a Service's and a host's: a lower case letter, then lower "
		       "case letters, digits and hyphens, no hyphen at the end";
	return NULL;
}

static json_t *check_names(const struct api_type *type, const json_t *object)
{
	json_t *causes = json_array(), *status = NULL;
	const char *name = kube_name(object);

	if (*name == 0)
		status_cause_add(causes, "FieldValueRequired", "metadata.name",
		                 "Required value: name or generateName is required");
	else if (!is_subdomain(name))
		status_cause_add_value(causes, "metadata.name",
		                       json_at(object, "metadata", "name", NULL), "%s",
		                       subdomain_rule);
	else if (type->custom && strcmp(type->kube.plural, "stoppablecontainers") == 0 &&
	         container_name_fault(name) != NULL)
		status_cause_add_value(causes, "metadata.name",
		                       json_at(object, "metadata", "name", NULL), "%s",
		                       container_name_fault(name));
	if (json_array_size(causes))
		status = status_invalid(type, name, causes);
	json_decref(causes);
	return status;
}

json_t *rules_create(const struct api_type *type, const struct rules_create_opts *how,
                     json_t *object)
{
	static const char *const servers[] = {
	        "uid",          "resourceVersion",   "generation",
	        "selfLink",     "deletionTimestamp", "deletionGracePeriodSeconds",
	        "managedFields"};
	json_t *status = rules_identity(type, how->ns, NULL, object), *metadata;
	const char *base;
	char when[NUM_RFC3339_BYTES];

	if (status)
		return status;
	metadata = metadata_of(object);
	if (*kube_resource_version(object) && strcmp(kube_resource_version(object), "0") != 0)
		return status_bad_request(
		        "resourceVersion should not be set on objects to be created");
	base = json_str_at(metadata, "", "generateName", NULL);
	if (*kube_name(object) == 0 && *base)
		(void)json_object_set_new(
		        metadata, "name",
		        json_sprintf("%.*s%s", GENERATED_BASE_MAX, base, how->suffix));
	status = check_names(type, object);
	if (status)
		return status;
	for (size_t i = 0; i < ARRAY_LEN(servers); i++)
		(void)json_object_del(metadata, servers[i]);
	(void)json_object_set_new(metadata, "uid", json_string(how->uid));
	(void)json_object_set_new(metadata, "creationTimestamp",
	                          json_string(num_format_rfc3339(how->now_wall_ms, false, when)));
	if (type->has_generation)
		(void)json_object_set_new(metadata, "generation", json_integer(1));
	if (type->custom && type->has_status)
		(void)json_object_del(object, "status");
	return NULL;
}

static void keep_field(json_t *to, const json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);

	if (value)
		(void)json_object_set(to, key, value);
	else
		(void)json_object_del(to, key);
}

static void keep_server_fields(json_t *object, const json_t *old)
{
	static const char *const servers[] = {
	        "uid",
	        "creationTimestamp",
	        "generation",
	        "deletionTimestamp",
	        "deletionGracePeriodSeconds",
	        "generateName",
	        "resourceVersion",
	};
	json_t *metadata = metadata_of(object);

	for (size_t i = 0; i < ARRAY_LEN(servers); i++)
		keep_field(metadata, json_object_get(old, "metadata"), servers[i]);
	(void)json_object_del(metadata, "managedFields");
	(void)json_object_del(metadata, "selfLink");
}

/* "new finalizers can be added only before deletion" (apimachinery's ValidateObjectMetaUpdate). */
static json_t *check_finalizers(const struct api_type *type, const json_t *old,
                                const json_t *object)
{
	const json_t *list = json_at(object, "metadata", "finalizers", NULL), *item;
	json_t *causes, *status;
	size_t i;

	if (!kube_is_deleting(old))
		return NULL;
	json_array_foreach(list, i, item) {
		const char *finalizer = json_string_value(item);

		if (finalizer && kube_has_finalizer(old, finalizer))
			continue;
		causes = json_array();
		status_cause_add(causes, "FieldValueForbidden", "metadata.finalizers",
		                 "Forbidden: no new finalizers can be added if the object is being "
		                 "deleted, found new finalizers []string{\"%s\"}",
		                 finalizer ? finalizer : "");
		status = status_invalid(type, kube_name(old), causes);
		json_decref(causes);
		return status;
	}
	return NULL;
}

json_t *rules_update(const struct api_type *type, const char *subresource, const json_t *old,
                     json_t *object)
{
	const char *revision = kube_resource_version(object), *uid = kube_uid(object);
	json_t *status = rules_identity(type, kube_namespace(old), kube_name(old), object);
	char why[200];

	if (status)
		return status;
	if (*uid && strcmp(uid, kube_uid(old)) != 0) {
		(void)snprintf(why, sizeof why,
		               "Precondition failed: UID in precondition: %.64s, UID in object "
		               "meta: %.64s",
		               uid, kube_uid(old));
		return status_conflict(type, kube_name(old), why);
	}
	if (*revision && strcmp(revision, kube_resource_version(old)) != 0)
		return status_conflict(type, kube_name(old),
		                       "the object has been modified; please apply your changes to "
		                       "the latest version and try again");
	if (subresource) {
		json_t *kept = json_incref(json_object_get(object, "status"));

		(void)json_object_clear(object);
		(void)json_object_update(object, (json_t *)old);
		if (kept)
			(void)json_object_set_new(object, "status", kept);
		return NULL;
	}
	keep_server_fields(object, old);
	if (type->has_status)
		keep_field(object, old, "status");
	return check_finalizers(type, old, object);
}

static void warn_unknown(const json_t *unknown, json_t *warnings)
{
	json_t *path;
	size_t i;

	json_array_foreach(unknown, i, path) {
		(void)json_array_append_new(
		        warnings, json_sprintf("unknown field \"%s\"", json_string_value(path)));
	}
}

static json_t *strict_refusal(const json_t *unknown)
{
	json_t *text = json_string("strict decoding error: "), *path, *longer, *status;
	size_t i;

	json_array_foreach(unknown, i, path) {
		longer = json_sprintf("%s%sunknown field \"%s\"", json_string_value(text),
		                      i ? ", " : "", json_string_value(path));
		json_decref(text);
		text = longer;
	}
	status = status_bad_request("%s", json_string_value(text));
	json_decref(text);
	return status;
}

json_t *rules_admit(const struct api_type *type, enum rules_unknown unknown, json_t *object,
                    json_t *warnings)
{
	json_t *found, *causes, *status = NULL;

	if (type->schema == NULL)
		return NULL;
	found = json_array();
	schema_prune(type->schema, object, found);
	if (json_array_size(found) && unknown == RULES_UNKNOWN_STRICT)
		status = strict_refusal(found);
	else if (unknown == RULES_UNKNOWN_WARN)
		warn_unknown(found, warnings);
	json_decref(found);
	if (status)
		return status;
	schema_default(type->schema, object);
	causes = json_array();
	schema_validate(type->schema, type->patterns, object, causes);
	if (json_array_size(causes))
		status = status_invalid(type, kube_name(object), causes);
	json_decref(causes);
	return status;
}

/* Everything but metadata and status. */
static bool same_spec(const json_t *a, const json_t *b)
{
	json_t *left = json_copy((json_t *)a), *right = json_copy((json_t *)b);
	bool same;

	(void)json_object_del(left, "metadata");
	(void)json_object_del(left, "status");
	(void)json_object_del(right, "metadata");
	(void)json_object_del(right, "status");
	same = json_equal(left, right);
	json_decref(left);
	json_decref(right);
	return same;
}

void rules_count_generation(const struct api_type *type, const json_t *old, json_t *object)
{
	if (type->has_generation && !same_spec(old, object))
		(void)json_object_set_new(metadata_of(object), "generation",
		                          json_integer(kube_generation(old) + 1));
}

bool rules_same(const json_t *a, const json_t *b)
{
	return json_equal(a, b);
}

bool rules_is_removable(const struct api_type *type, const json_t *object)
{
	if (!kube_is_deleting(object) ||
	    json_array_size(json_at(object, "metadata", "finalizers", NULL)) > 0 ||
	    json_array_size(json_at(object, "spec", "finalizers", NULL)) > 0)
		return false;
	return strcmp(type->kube.plural, "pods") != 0 ||
	       json_int_at(object, 0, "metadata", "deletionGracePeriodSeconds", NULL) == 0;
}

bool rules_mark_deleted(json_t *object, int64_t grace_s, uint64_t now_wall_ms)
{
	json_t *metadata = metadata_of(object);
	char when[NUM_RFC3339_BYTES];

	if (kube_is_deleting(object) &&
	    json_int_at(metadata, 0, "deletionGracePeriodSeconds", NULL) <= grace_s)
		return false;
	(void)json_object_set_new(metadata, "deletionTimestamp",
	                          json_string(num_format_rfc3339(
	                                  now_wall_ms + (uint64_t)grace_s * 1000, false, when)));
	(void)json_object_set_new(metadata, "deletionGracePeriodSeconds", json_integer(grace_s));
	return true;
}

static bool is_made_anew(const struct api_type *type)
{
	static const char *const plurals[] = {"endpoints",
	                                      "endpointslices",
	                                      "events",
	                                      "leases",
	                                      "nodes",
	                                      "pods",
	                                      "stoppablecontainerinstances"};

	for (size_t i = 0; i < ARRAY_LEN(plurals); i++) {
		if (strcmp(type->kube.plural, plurals[i]) == 0)
			return true;
	}
	return false;
}

/* Does @to differ from @from in nothing but that "running" is on? */
static bool is_wake(const json_t *from, const json_t *to)
{
	json_t *awake;
	bool is;

	if (!json_is_object(from) || !json_is_true(json_object_get(to, "running")))
		return false;
	awake = json_copy((json_t *)from);
	(void)json_object_set_new(awake, "running", json_true());
	is = json_equal(awake, to);
	json_decref(awake);
	return is;
}

static bool has_all_of(const json_t *from, const json_t *to)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)to, key, value) {
		const json_t *before = json_object_get(from, key);

		if (strcmp(key, "metadata") == 0 || strcmp(key, "status") == 0)
			continue;
		if (!json_equal(before, value) &&
		    (strcmp(key, "spec") != 0 || !is_wake(before, value)))
			return false;
	}
	return true;
}

bool rules_is_durable(const struct api_type *type, const json_t *old, const json_t *object)
{
	const json_t *labels, *old_labels;

	if (is_made_anew(type))
		return false;
	if (old == NULL || object == NULL || json_object_size(old) > json_object_size(object))
		return true;
	labels = json_at(object, "metadata", "labels", NULL);
	old_labels = json_at(old, "metadata", "labels", NULL);
	return kube_is_deleting(old) != kube_is_deleting(object) ||
	       (labels != old_labels && !json_equal(labels, old_labels)) ||
	       !has_all_of(old, object);
}
