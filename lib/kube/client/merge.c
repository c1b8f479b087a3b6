/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge - JSON merge patches (RFC 7396): applied, and made of a difference
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/kube/client/object.h"
#include "lib/text/json_ref.h"

DEFINE_CLEANUP(json_t *, json_decref);

/* RFC 7396 section 2, MergePatch(): @target is ours to change. */
static int merge_into(json_t *target, const json_t *patch)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)patch, key, v) {
		json_t *old = json_object_get(target, key);

		if (json_is_null(v)) {
			(void)json_object_del(target, key);
			continue;
		}
		if (!json_is_object(v)) {
			if (json_object_set_new(target, key, json_deep_copy(v)) < 0)
				return -1;
			continue;
		}
		if (!json_is_object(old)) {
			if (json_object_set_new(target, key, json_object()) < 0)
				return -1;
			old = json_object_get(target, key);
		}
		if (merge_into(old, v) < 0)
			return -1;
	}
	return 0;
}

json_t *json_merge_patch(const json_t *target, const json_t *patch)
{
	CLEANUP(json_decref_var) json_t *merged = NULL;

	if (!json_is_object(patch))
		return json_deep_copy(patch);
	merged = json_is_object(target) ? json_deep_copy(target) : json_object();
	if (merged == NULL || merge_into(merged, patch) < 0)
		return NULL;
	return TAKE_PTR(merged);
}

static int merge_diff(const json_t *from, const json_t *to, json_t **ret_patch);

/* Return: 0 and what to write at @key in the patch (NULL: nothing), -1 out of memory. */
static int merge_diff_member(const json_t *from, const json_t *to, json_t **ret_patch)
{
	/* a merge patch cannot put a null: it is the same as absence */
	bool absent = to == NULL || json_is_null(to);

	*ret_patch = NULL;
	if (absent) {
		if (from != NULL)
			*ret_patch = json_null();
		return 0;
	}
	if (from != NULL)
		return merge_diff(from, to, ret_patch);
	*ret_patch = json_deep_copy(to);
	return *ret_patch != NULL ? 0 : -1;
}

static int merge_diff_keys(const json_t *keys, const json_t *from, const json_t *to, json_t *patch)
{
	const char *key;
	json_t *v;
	json_t *part;

	json_object_foreach((json_t *)keys, key, v) {
		if (merge_diff_member(json_object_get(from, key), json_object_get(to, key), &part) <
		    0)
			return -1;
		if (part != NULL && json_object_set_new(patch, key, part) < 0)
			return -1;
	}
	return 0;
}

/* Return: as merge_diff_member() */
static int merge_diff(const json_t *from, const json_t *to, json_t **ret_patch)
{
	CLEANUP(json_decref_var) json_t *patch = NULL;

	*ret_patch = NULL;
	if (json_equal(from, to))
		return 0;
	if (!json_is_object(from) || !json_is_object(to)) {
		*ret_patch = json_deep_copy(to);
		return *ret_patch != NULL ? 0 : -1;
	}
	patch = json_object();
	if (patch == NULL || merge_diff_keys(from, from, to, patch) < 0 ||
	    merge_diff_keys(to, from, to, patch) < 0)
		return -1;
	if (json_object_size(patch) > 0)
		*ret_patch = TAKE_PTR(patch);
	return 0;
}

json_t *json_merge_diff(const json_t *from, const json_t *to)
{
	json_t *patch;

	if (merge_diff(from, to, &patch) < 0)
		abort(); /* what is not written would be lost: better a new start */
	return patch;
}

bool json_is_within(const json_t *wanted, const json_t *actual)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_object(wanted)) {
		json_object_foreach(json_ref(wanted), key, value) {
			if (!json_is_within(value, json_object_get(actual, key)))
				return false;
		}
		return json_is_object(actual);
	}
	if (json_is_array(wanted)) {
		if (json_array_size(wanted) != json_array_size(actual))
			return false;
		json_array_foreach(wanted, i, value) {
			if (!json_is_within(value, json_array_get(actual, i)))
				return false;
		}
		return true;
	}
	return json_equal(wanted, actual);
}
