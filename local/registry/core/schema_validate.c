/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_validate - checks a value against a schema, in the wording of kube-openapi
 */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "local/registry/core/schema.h"
#include "local/registry/core/schema_path.h"
#include "local/registry/core/status.h"

struct validation {
	const struct schema_patterns *patterns;
	struct schema_path path;
	json_t *causes;
};

static void validate_value(struct validation *v, const json_t *schema, const json_t *value);

static const char *type_of(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "integer";
	case JSON_REAL:
		return "number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "boolean";
	case JSON_NULL:
	default:
		return "null";
	}
}

static bool type_fits(const char *wanted, const json_t *value)
{
	if (strcmp(wanted, "number") == 0)
		return json_is_number(value);
	if (strcmp(wanted, "integer") == 0 && json_is_real(value))
		return floor(json_real_value(value)) == json_real_value(value);
	return strcmp(wanted, type_of(value)) == 0;
}

static void type_refused(struct validation *v, const char *wanted, const json_t *value)
{
	status_cause_add(v->causes, "FieldValueTypeInvalid", v->path.text,
	                 "Invalid value: \"%s\": %s%sin body must be of type %s: \"%s\"",
	                 type_of(value), v->path.text, v->path.bytes ? " " : "", wanted,
	                 type_of(value));
}

/* Return: true when the rest of the schema applies. */
static bool validate_type(struct validation *v, const json_t *schema, const json_t *value)
{
	const char *wanted = json_string_value(json_object_get(schema, "type"));

	if (json_is_null(value) && json_is_true(json_object_get(schema, "nullable")))
		return false;
	if (json_is_true(json_object_get(schema, "x-kubernetes-int-or-string"))) {
		if (json_is_integer(value) || json_is_string(value))
			return true;
		type_refused(v, "integer,string", value);
		return false;
	}
	if (wanted == NULL || type_fits(wanted, value))
		return true;
	type_refused(v, wanted, value);
	return false;
}

static void validate_enum(struct validation *v, const json_t *allowed, const json_t *value)
{
	char text[640] = "", shown[128];
	json_t *item;
	size_t i, used = 0, n;

	json_array_foreach(allowed, i, item) {
		if (json_equal(item, value))
			return;
	}
	json_array_foreach(allowed, i, item) {
		n = json_dumpb(item, shown, sizeof shown - 1, JSON_ENCODE_ANY);
		shown[n < sizeof shown ? n : sizeof shown - 1] = 0;
		if (used < sizeof text)
			used += (size_t)snprintf(text + used, sizeof text - used, "%s%s",
			                         i ? ", " : "", shown);
	}
	n = json_dumpb(value, shown, sizeof shown - 1, JSON_ENCODE_ANY);
	shown[n < sizeof shown ? n : sizeof shown - 1] = 0;
	status_cause_add(v->causes, "FieldValueNotSupported", v->path.text,
	                 "Unsupported value: %s: supported values: %s", shown, text);
}

/* A match that takes too long is refused: what was not checked is not valid. */
static void validate_pattern(struct validation *v, const char *pattern, const json_t *value)
{
	const char *at = v->path.text;

	switch (schema_patterns_match(v->patterns, pattern, value)) {
	case SCHEMA_MATCH_YES:
		break;
	case SCHEMA_MATCH_NO:
		status_cause_add_value(v->causes, at, value, "%s in body should match '%s'", at,
		                       pattern);
		break;
	case SCHEMA_MATCH_TOO_LONG:
		status_cause_add_value(v->causes, at, value,
		                       "%s in body takes too long to match '%s'", at, pattern);
		break;
	}
}

static size_t characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80; /* UTF-8: not a continuation byte */
	return n;
}

/* Return: false when the schema has no such number. */
static bool number_at(const json_t *schema, const char *key, double *ret_number)
{
	const json_t *number = json_object_get(schema, key);

	if (!json_is_number(number))
		return false;
	*ret_number = json_number_value(number);
	return true;
}

static void validate_string(struct validation *v, const json_t *schema, const json_t *value)
{
	const char *text = json_string_value(value), *at = v->path.text;
	const char *pattern = json_string_value(json_object_get(schema, "pattern"));
	const char *format = json_string_value(json_object_get(schema, "format"));
	double limit;

	if (number_at(schema, "minLength", &limit) && (double)characters(text) < limit)
		status_cause_add_value(v->causes, at, value,
		                       "%s in body should be at least %.0f chars long", at, limit);
	if (number_at(schema, "maxLength", &limit) && (double)characters(text) > limit)
		status_cause_add(v->causes, "FieldValueTooLong", at,
		                 "Too long: may not be more than %.0f bytes", limit);
	if (pattern)
		validate_pattern(v, pattern, value);
	if (format && !schema_format_is_valid(format, text))
		status_cause_add_value(v->causes, at, value,
		                       "%s in body must be of type %s: \"%s\"", at, format, text);
}

static void validate_number(struct validation *v, const json_t *schema, const json_t *value)
{
	const char *at = v->path.text;
	const char *format = json_string_value(json_object_get(schema, "format"));
	double number = json_number_value(value), limit;
	bool open;

	open = json_is_true(json_object_get(schema, "exclusiveMinimum"));
	if (number_at(schema, "minimum", &limit) && (number < limit || (open && number == limit)))
		status_cause_add_value(v->causes, at, value,
		                       "%s in body should be greater than %s%g", at,
		                       open ? "" : "or equal to ", limit);
	open = json_is_true(json_object_get(schema, "exclusiveMaximum"));
	if (number_at(schema, "maximum", &limit) && (number > limit || (open && number == limit)))
		status_cause_add_value(v->causes, at, value, "%s in body should be less than %s%g",
		                       at, open ? "" : "or equal to ", limit);
	if (number_at(schema, "multipleOf", &limit) && limit > 0 && fmod(number, limit) != 0)
		status_cause_add_value(v->causes, at, value,
		                       "%s in body should be a multiple of %g", at, limit);
	if (format && strcmp(format, "int32") == 0 && (number > INT_MAX || number < INT_MIN))
		status_cause_add_value(v->causes, at, value,
		                       "%s in body must be of type int32: \"%.0f\"", at, number);
}

/* The keys of one item of a list of type map, or the item itself for a set. */
static json_t *item_identity(const json_t *item, const json_t *keys)
{
	json_t *identity, *key;
	size_t i;

	if (keys == NULL)
		return json_incref((json_t *)item);
	identity = json_object();
	json_array_foreach(keys, i, key) {
		const char *name = json_string_value(key);

		(void)json_object_set(identity, name, json_object_get(item, name));
	}
	return identity;
}

static void validate_unique(struct validation *v, const json_t *schema, const json_t *list)
{
	const char *kind = json_string_value(json_object_get(schema, "x-kubernetes-list-type"));
	const json_t *keys = json_object_get(schema, "x-kubernetes-list-map-keys");
	json_t *seen, *item;
	size_t i;

	if (kind == NULL || (strcmp(kind, "map") != 0 && strcmp(kind, "set") != 0))
		return;
	seen = json_object();
	json_array_foreach(list, i, item) {
		json_t *identity = item_identity(item, strcmp(kind, "map") == 0 ? keys : NULL);
		CLEANUP(free_var)
		char *text = json_dumps(identity, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);

		json_decref(identity);
		if (text == NULL)
			continue;
		if (json_object_get(seen, text)) {
			size_t before = schema_path_push_index(&v->path, i);

			status_cause_add(v->causes, "FieldValueDuplicate", v->path.text,
			                 "Duplicate value: %s", text);
			schema_path_pop(&v->path, before);
		}
		(void)json_object_set_new(seen, text, json_true());
	}
	json_decref(seen);
}

static void validate_array(struct validation *v, const json_t *schema, const json_t *list)
{
	const json_t *items = json_object_get(schema, "items");
	const char *at = v->path.text;
	json_t *item;
	double limit;
	size_t i;

	if (number_at(schema, "minItems", &limit) && (double)json_array_size(list) < limit)
		status_cause_add(v->causes, "FieldValueInvalid", at,
		                 "Invalid value: %zu: %s in body should have at least %.0f items",
		                 json_array_size(list), at, limit);
	if (number_at(schema, "maxItems", &limit) && (double)json_array_size(list) > limit)
		status_cause_add(v->causes, "FieldValueTooMany", at,
		                 "Too many: %zu: must have at most %.0f items",
		                 json_array_size(list), limit);
	validate_unique(v, schema, list);
	if (items == NULL)
		return;
	json_array_foreach(list, i, item) {
		size_t before = schema_path_push_index(&v->path, i);

		validate_value(v, items, item);
		schema_path_pop(&v->path, before);
	}
}

static void validate_object(struct validation *v, const json_t *schema, const json_t *object)
{
	const json_t *properties = json_object_get(schema, "properties");
	const json_t *more = json_object_get(schema, "additionalProperties");
	const json_t *required = json_object_get(schema, "required");
	json_t *child, *name;
	const char *key;
	size_t i, before;
	double limit;

	json_array_foreach(required, i, name) {
		if (json_object_get(object, json_string_value(name)))
			continue;
		before = schema_path_push(&v->path, json_string_value(name));
		status_cause_add(v->causes, "FieldValueRequired", v->path.text, "Required value");
		schema_path_pop(&v->path, before);
	}
	if (number_at(schema, "minProperties", &limit) && (double)json_object_size(object) < limit)
		status_cause_add_value(v->causes, v->path.text, object,
		                       "%s in body should have at least %.0f properties",
		                       v->path.text, limit);
	if (number_at(schema, "maxProperties", &limit) && (double)json_object_size(object) > limit)
		status_cause_add(v->causes, "FieldValueTooMany", v->path.text,
		                 "Too many: %zu: must have at most %.0f items",
		                 json_object_size(object), limit);
	json_object_foreach((json_t *)object, key, child) {
		const json_t *known = json_object_get(properties, key);

		if (known == NULL && !json_is_object(more))
			continue;
		before = known ? schema_path_push(&v->path, key)
		               : schema_path_push_key(&v->path, key);
		validate_value(v, known ? known : more, child);
		schema_path_pop(&v->path, before);
	}
}

static size_t count_valid(struct validation *v, const json_t *schemas, const json_t *value)
{
	json_t *causes = v->causes, *schema;
	size_t i, valid = 0;

	json_array_foreach(schemas, i, schema) {
		v->causes = json_array();
		validate_value(v, schema, value);
		valid += json_array_size(v->causes) == 0;
		json_decref(v->causes);
	}
	v->causes = causes;
	return valid;
}

static void validate_junctors(struct validation *v, const json_t *schema, const json_t *value)
{
	const json_t *any = json_object_get(schema, "anyOf");
	const json_t *excluded = json_object_get(schema, "not");
	const json_t *one = json_object_get(schema, "oneOf");
	const json_t *all = json_object_get(schema, "allOf");
	const char *at = v->path.text;
	json_t *each;
	size_t i, valid;

	json_array_foreach(all, i, each) {
		validate_value(v, each, value);
	}
	if (any && count_valid(v, any, value) == 0)
		status_cause_add_value(v->causes, at, value,
		                       "\"%s\" must validate at least one schema (anyOf)", at);
	if (one && (valid = count_valid(v, one, value)) != 1)
		status_cause_add_value(
		        v->causes, at, value,
		        "\"%s\" must validate one and only one schema (oneOf). Found %s valid", at,
		        valid == 0 ? "none" : "several");
	if (excluded) {
		json_t *list = json_pack("[O]", excluded);

		if (count_valid(v, list, value) == 1)
			status_cause_add_value(v->causes, at, value,
			                       "\"%s\" must not validate the schema (not)", at);
		json_decref(list);
	}
}

static void validate_value(struct validation *v, const json_t *schema, const json_t *value)
{
	const json_t *allowed = json_object_get(schema, "enum");

	if (v->path.depth > SCHEMA_DEPTH_MAX) {
		status_cause_add(v->causes, "FieldValueInvalid", v->path.text,
		                 "nested deeper than %d levels", SCHEMA_DEPTH_MAX);
		return;
	}
	if (!validate_type(v, schema, value))
		return;
	if (allowed)
		validate_enum(v, allowed, value);
	if (json_is_object(value))
		validate_object(v, schema, value);
	else if (json_is_array(value))
		validate_array(v, schema, value);
	else if (json_is_string(value))
		validate_string(v, schema, value);
	else if (json_is_number(value))
		validate_number(v, schema, value);
	validate_junctors(v, schema, value);
}

void schema_validate(const json_t *schema, const struct schema_patterns *patterns,
                     const json_t *object, json_t *causes)
{
	struct validation v = {.patterns = patterns, .causes = causes};

	validate_value(&v, schema, object);
}
