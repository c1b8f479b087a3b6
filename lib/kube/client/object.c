/* SPDX-License-Identifier: Apache-2.0 */
/*
 * object - reads members of objects, and sets conditions
 */
#include "lib/kube/client/object.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/num.h"
#include "lib/base/str.h"

static json_t *json_at_list(const json_t *from, va_list keys)
{
	const json_t *at = from;
	const char *key;

	while (at != NULL && (key = va_arg(keys, const char *)) != NULL)
		at = json_object_get(at, key);
	return (json_t *)at;
}

json_t *json_at(const json_t *from, ...)
{
	va_list keys;
	json_t *at;

	va_start(keys, from);
	at = json_at_list(from, keys);
	va_end(keys);
	return at;
}

const char *json_str_at(const json_t *from, const char *fallback, ...)
{
	va_list keys;
	const char *text;

	va_start(keys, fallback);
	text = json_string_value(json_at_list(from, keys));
	va_end(keys);
	return text != NULL ? text : fallback;
}

int64_t json_int_at(const json_t *from, int64_t fallback, ...)
{
	va_list keys;
	const json_t *at;

	va_start(keys, fallback);
	at = json_at_list(from, keys);
	va_end(keys);
	return json_is_integer(at) ? (int64_t)json_integer_value(at) : fallback;
}

bool json_bool_at(const json_t *from, int fallback, ...)
{
	va_list keys;
	const json_t *at;

	va_start(keys, fallback);
	at = json_at_list(from, keys);
	va_end(keys);
	return json_is_boolean(at) ? json_boolean_value(at) : fallback;
}

const char *kube_namespace(const json_t *object)
{
	return json_str_at(object, "", "metadata", "namespace", NULL);
}

const char *kube_name(const json_t *object)
{
	return json_str_at(object, "", "metadata", "name", NULL);
}

const char *kube_uid(const json_t *object)
{
	return json_str_at(object, "", "metadata", "uid", NULL);
}

const char *kube_resource_version(const json_t *object)
{
	return json_str_at(object, "", "metadata", "resourceVersion", NULL);
}

int64_t kube_generation(const json_t *object)
{
	return json_int_at(object, 0, "metadata", "generation", NULL);
}

bool kube_is_deleting(const json_t *object)
{
	return json_is_string(json_at(object, "metadata", "deletionTimestamp", NULL));
}

const char *kube_label(const json_t *object, const char *key)
{
	return json_str_at(object, "", "metadata", "labels", key, NULL);
}

const char *kube_annotation(const json_t *object, const char *key)
{
	return json_str_at(object, "", "metadata", "annotations", key, NULL);
}

int64_t kube_annotation_number(const json_t *object, const char *key)
{
	uint64_t number;

	if (num_parse_u64(kube_annotation(object, key), 0, INT64_MAX, &number, NULL) < 0)
		return 0;
	return (int64_t)number;
}

bool kube_has_finalizer(const json_t *object, const char *finalizer)
{
	json_t *v;
	size_t i;

	json_array_foreach(json_at(object, "metadata", "finalizers", NULL), i, v) {
		const char *text = json_string_value(v);

		if (text != NULL && strcmp(text, finalizer) == 0)
			return true;
	}
	return false;
}

const json_t *kube_owner_controller(const json_t *object)
{
	json_t *v;
	size_t i;

	json_array_foreach(json_at(object, "metadata", "ownerReferences", NULL), i, v) {
		if (json_bool_at(v, false, "controller", NULL))
			return v;
	}
	return NULL;
}

static json_t *condition_find(const json_t *conditions, const char *type)
{
	json_t *v;
	size_t i;

	json_array_foreach(conditions, i, v) {
		if (strcmp(json_str_at(v, "", "type", NULL), type) == 0)
			return v;
	}
	return NULL;
}

const json_t *kube_condition(const json_t *object, const char *type)
{
	return condition_find(json_at(object, "status", "conditions", NULL), type);
}

json_t *json_text(const char *text)
{
	json_t *value = json_string(text);
	char *ascii;

	if (value == NULL)
		value = json_stringn(text, str_whole_bytes(text));
	if (value != NULL)
		return value;
	ascii = strdup(text);
	for (char *c = ascii; c != NULL && *c != '\0'; c++) {
		if ((*c & 0x80) != 0)
			*c = '?';
	}
	value = ascii != NULL ? json_string(ascii) : NULL;
	free(ascii);
	return value;
}

/* Return: true when the member changed. */
static bool condition_put(json_t *condition, const char *key, const char *text)
{
	const json_t *had = json_object_get(condition, key);
	json_t *value;
	bool same;

	if (json_is_string(had) && strcmp(json_string_value(had), text) == 0)
		return false;
	value = json_text(text); /* which may be another text, when that one is no UTF-8 */
	same = json_equal(had, value);
	if (!same)
		(void)json_object_set(condition, key, value);
	json_decref(value);
	return !same;
}

bool kube_condition_set(json_t *conditions, const struct kube_condition_words *is,
                        int64_t observed_generation, uint64_t now_wall_ms)
{
	json_t *c = condition_find(conditions, is->type);
	char when[NUM_RFC3339_BYTES];
	bool changed;

	if (c == NULL) {
		c = json_pack("{s:s}", "type", is->type);
		if (c == NULL || json_array_append_new(conditions, c) < 0)
			return false;
	}
	changed = condition_put(c, "status", is->status ? "True" : "False");
	if (changed)
		(void)condition_put(c, "lastTransitionTime",
		                    num_format_rfc3339(now_wall_ms, false, when));
	changed |= condition_put(c, "reason", is->reason);
	changed |= condition_put(c, "message", is->message);
	if (json_int_at(c, -1, "observedGeneration", NULL) != observed_generation) {
		(void)json_object_set_new(c, "observedGeneration",
		                          json_integer(observed_generation));
		changed = true;
	}
	return changed;
}
