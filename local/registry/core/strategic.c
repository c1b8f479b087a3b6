/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strategic - applies a strategic merge patch
 *
 * The merge keys are those of the patchMergeKey tags of k8s.io/api, by the name of the field. A
 * list that is not named here is replaced as a whole.
 */
#include <stdbool.h>
#include <string.h>

#include "local/registry/core/json_patch.h"

static const struct {
	const char *field;
	const char *keys[3]; /* the first that the patch's elements have */
} merge_keys[] = {
        {"containers", {"name"}},
        {"initContainers", {"name"}},
        {"ephemeralContainers", {"name"}},
        {"volumes", {"name"}},
        {"env", {"name"}},
        {"imagePullSecrets", {"name"}},
        {"secrets", {"name"}},
        {"volumeMounts", {"mountPath"}},
        {"volumeDevices", {"devicePath"}},
        {"ports", {"containerPort", "port"}},
        {"hostAliases", {"ip"}},
        {"conditions", {"type"}},
        {"addresses", {"type"}},
        {"ownerReferences", {"uid"}},
        {"topologySpreadConstraints", {"topologyKey"}},
};

static json_t *merge_object(const json_t *document, const json_t *patch);

static const char *merge_key(const char *field, const json_t *patch)
{
	for (size_t i = 0; i < sizeof merge_keys / sizeof merge_keys[0]; i++) {
		if (strcmp(merge_keys[i].field, field) != 0)
			continue;
		for (size_t k = 0; k < 2 && merge_keys[i].keys[k]; k++) {
			if (json_object_get(json_array_get(patch, 0), merge_keys[i].keys[k]))
				return merge_keys[i].keys[k];
		}
	}
	return NULL;
}

static bool directive_is(const json_t *patch, const char *word)
{
	const char *text = json_string_value(json_object_get(patch, "$patch"));

	return text && strcmp(text, word) == 0;
}

static bool is_directive(const char *key)
{
	return key[0] == '$';
}

static size_t find_element(const json_t *list, const char *key, const json_t *wanted)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		if (json_equal(json_object_get(item, key), wanted))
			return i;
	}
	return json_array_size(list);
}

static json_t *merge_list(const json_t *document, const json_t *patch, const char *key)
{
	json_t *result = json_is_array(document) ? json_deep_copy(document) : json_array();
	json_t *item;
	size_t i;

	json_array_foreach(patch, i, item) {
		size_t at = find_element(result, key, json_object_get(item, key));

		if (directive_is(item, "replace")) {
			(void)json_array_clear(result);
		} else if (directive_is(item, "delete")) {
			if (at < json_array_size(result))
				(void)json_array_remove(result, at);
		} else if (at < json_array_size(result)) {
			(void)json_array_set_new(result, at,
			                         merge_object(json_array_get(result, at), item));
		} else {
			(void)json_array_append_new(result, merge_object(NULL, item));
		}
	}
	return result;
}

static void delete_from_list(json_t *object, const char *field, const json_t *values)
{
	json_t *list = json_object_get(object, field), *value;
	size_t i, at;

	json_array_foreach(values, i, value) {
		for (at = json_array_size(list); at > 0; at--) {
			if (json_equal(json_array_get(list, at - 1), value))
				(void)json_array_remove(list, at - 1);
		}
	}
}

static void retain_keys(json_t *object, const json_t *keys)
{
	const char *key;
	json_t *child, *name;
	void *next;
	size_t i;

	json_object_foreach_safe(object, next, key, child) {
		bool kept = false;

		json_array_foreach(keys, i, name) {
			kept = kept || strcmp(json_string_value(name) ?: "", key) == 0;
		}
		if (!kept)
			(void)json_object_del(object, key);
	}
}

/* A list of plain values with patchStrategy merge: what is not there yet comes last. */
static json_t *merge_set(const json_t *document, const json_t *patch)
{
	json_t *result = json_deep_copy(document), *item, *present;
	size_t i, at;

	json_array_foreach(patch, i, item) {
		bool found = false;

		json_array_foreach(result, at, present) {
			found = found || json_equal(present, item);
		}
		if (!found)
			(void)json_array_append(result, item);
	}
	return result;
}

static json_t *merge_value(const char *field, const json_t *document, const json_t *patch)
{
	const char *key;

	if (json_is_object(patch))
		return merge_object(document, patch);
	if (!json_is_array(patch))
		return json_deep_copy(patch);
	key = merge_key(field, patch);
	if (key)
		return merge_list(document, patch, key);
	if (strcmp(field, "finalizers") == 0 && json_is_array(document))
		return merge_set(document, patch);
	return json_deep_copy(patch);
}

static void apply_directive(json_t *result, const char *key, const json_t *value)
{
	static const char delete_prefix[] = "$deleteFromPrimitiveList/";

	if (strcmp(key, "$retainKeys") == 0)
		retain_keys(result, value);
	else if (strncmp(key, delete_prefix, sizeof delete_prefix - 1) == 0)
		delete_from_list(result, key + sizeof delete_prefix - 1, value);
}

static json_t *merge_object(const json_t *document, const json_t *patch)
{
	bool anew = !json_is_object(document) || directive_is(patch, "replace");
	json_t *result = anew ? json_object() : json_copy((json_t *)document), *value;
	const char *key;

	if (directive_is(patch, "delete"))
		return result;
	json_object_foreach((json_t *)patch, key, value) {
		if (is_directive(key))
			continue;
		if (json_is_null(value))
			(void)json_object_del(result, key);
		else
			(void)json_object_set_new(
			        result, key, merge_value(key, json_object_get(result, key), value));
	}
	json_object_foreach((json_t *)patch, key, value) {
		if (is_directive(key))
			apply_directive(result, key, value);
	}
	return result;
}

json_t *strategic_merge_apply(const json_t *document, const json_t *patch)
{
	json_t *copy = json_deep_copy(document), *result = merge_object(copy, patch);

	json_decref(copy);
	return result;
}
