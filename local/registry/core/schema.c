/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema - removes what a schema does not know, and fills in its defaults
 */
#include "local/registry/core/schema.h"

#include <string.h>

#include "local/registry/core/schema_path.h"

/* metav1.ObjectMeta, which no schema spells out. */
static const char *const metadata_fields[] = {
        "name",
        "generateName",
        "namespace",
        "selfLink",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "labels",
        "annotations",
        "ownerReferences",
        "finalizers",
        "managedFields",
        NULL,
};

static bool is_metadata_field(const char *key)
{
	for (size_t i = 0; metadata_fields[i]; i++) {
		if (strcmp(metadata_fields[i], key) == 0)
			return true;
	}
	return false;
}

static bool flag(const json_t *schema, const char *name)
{
	return json_is_true(json_object_get(schema, name));
}

static void prune_value(const json_t *schema, json_t *value, struct schema_path *path,
                        json_t *unknown);

static void prune_metadata(json_t *metadata, struct schema_path *path, json_t *unknown)
{
	size_t before = schema_path_push(path, "metadata");
	const char *key;
	json_t *child;
	void *next;

	json_object_foreach_safe(metadata, next, key, child) {
		size_t inner;

		if (is_metadata_field(key))
			continue;
		inner = schema_path_push(path, key);
		(void)json_array_append_new(unknown, json_string(path->text));
		schema_path_pop(path, inner);
		(void)json_object_del(metadata, key);
	}
	schema_path_pop(path, before);
}

/* Return: true when @key belongs to every Kubernetes object and was dealt with. */
static bool prune_object_meta(json_t *object, const char *key, struct schema_path *path,
                              json_t *unknown)
{
	if (strcmp(key, "apiVersion") == 0 || strcmp(key, "kind") == 0)
		return true;
	if (strcmp(key, "metadata") != 0)
		return false;
	prune_metadata(json_object_get(object, "metadata"), path, unknown);
	return true;
}

static void prune_object(const json_t *schema, json_t *object, struct schema_path *path,
                         json_t *unknown)
{
	const json_t *properties = json_object_get(schema, "properties");
	const json_t *more = json_object_get(schema, "additionalProperties");
	bool keep = flag(schema, "x-kubernetes-preserve-unknown-fields") || json_is_true(more);
	bool embedded = flag(schema, "x-kubernetes-embedded-resource") || path->depth == 0;
	const char *key;
	json_t *child;
	void *next;

	json_object_foreach_safe(object, next, key, child) {
		const json_t *known = json_object_get(properties, key);
		size_t before;

		if (embedded && prune_object_meta(object, key, path, unknown))
			continue;
		before = known || !json_is_object(more) ? schema_path_push(path, key)
		                                        : schema_path_push_key(path, key);
		if (known) {
			prune_value(known, child, path, unknown);
		} else if (json_is_object(more)) {
			prune_value(more, child, path, unknown);
		} else if (!keep) {
			(void)json_array_append_new(unknown, json_string(path->text));
			(void)json_object_del(object, key);
		}
		schema_path_pop(path, before);
	}
}

static void prune_value(const json_t *schema, json_t *value, struct schema_path *path,
                        json_t *unknown)
{
	const json_t *items = json_object_get(schema, "items");
	json_t *item;
	size_t i;

	if (path->depth > SCHEMA_DEPTH_MAX)
		return;
	if (json_is_object(value)) {
		prune_object(schema, value, path, unknown);
		return;
	}
	if (!json_is_array(value) || items == NULL)
		return;
	json_array_foreach(value, i, item) {
		size_t before = schema_path_push_index(path, i);

		prune_value(items, item, path, unknown);
		schema_path_pop(path, before);
	}
}

void schema_prune(const json_t *schema, json_t *object, json_t *unknown)
{
	struct schema_path path = {0};

	prune_value(schema, object, &path, unknown);
}

static void default_property(const json_t *schema, json_t *object, const char *key)
{
	const json_t *fallback = json_object_get(schema, "default");
	json_t *value = json_object_get(object, key);

	if (fallback && (value == NULL || (json_is_null(value) && !flag(schema, "nullable")))) {
		(void)json_object_set_new(object, key, json_deep_copy(fallback));
		value = json_object_get(object, key);
	}
	if (value)
		schema_default(schema, value);
}

void schema_default(const json_t *schema, json_t *value)
{
	json_t *child, *more = json_object_get(schema, "additionalProperties");
	json_t *properties = json_object_get(schema, "properties");
	const char *key;
	size_t i;

	if (json_is_array(value)) {
		json_array_foreach(value, i, child) {
			schema_default(json_object_get(schema, "items"), child);
		}
		return;
	}
	if (!json_is_object(value))
		return;
	json_object_foreach(properties, key, child) {
		default_property(child, value, key);
	}
	if (!json_is_object(more))
		return;
	json_object_foreach(value, key, child) {
		if (json_object_get(properties, key) == NULL)
			schema_default(more, child);
	}
}
