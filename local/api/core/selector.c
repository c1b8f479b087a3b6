/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selector - label and field selectors: read from a query, matched against objects
 */
#include "local/api/core/selector.h"

#include <string.h>

/* Requirement: {"key": …, "op": …, "values": […]}; the operators: */
#define OP_IN "in"
#define OP_NOT_IN "notin"
#define OP_EXISTS "exists"
#define OP_NOT_EXISTS "!"

static const char word_chars[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./";

/* Fields that a selector may name: those that kube-apiserver indexes for these types. */
static const char *const field_names[] = {
        "metadata.name",
        "metadata.namespace",
        "spec.nodeName",
        "spec.restartPolicy",
        "status.phase",
        "status.podIP",
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
};

static const char *skip_spaces(const char *at)
{
	return at + strspn(at, " \t");
}

static json_t *take_word(const char **at)
{
	size_t n = strspn(*at, word_chars);
	json_t *word = json_stringn(*at, n);

	*at = skip_spaces(*at + n);
	return word;
}

/* "(a,b)" after in and notin. */
static json_t *take_values(const char **at)
{
	json_t *values;

	if (**at != '(')
		return NULL;
	values = json_array();
	do {
		*at = skip_spaces(*at + 1);
		(void)json_array_append_new(values, take_word(at));
	} while (**at == ',');
	if (**at == ')') {
		*at = skip_spaces(*at + 1);
		return values;
	}
	json_decref(values);
	return NULL;
}

/* What stands after the key. Return: the operator, *ret_values new or NULL; NULL: not understood */
static const char *take_condition(const char **at, json_t **ret_values)
{
	const char *op = OP_IN;

	*ret_values = NULL;
	if (**at == 0 || **at == ',')
		return OP_EXISTS;
	if (strncmp(*at, "in", 2) == 0 && strchr(" (", (*at)[2])) {
		*at = skip_spaces(*at + 2);
		*ret_values = take_values(at);
		return *ret_values ? OP_IN : NULL;
	}
	if (strncmp(*at, "notin", 5) == 0 && strchr(" (", (*at)[5])) {
		*at = skip_spaces(*at + 5);
		*ret_values = take_values(at);
		return *ret_values ? OP_NOT_IN : NULL;
	}
	if (**at == '!') {
		op = OP_NOT_IN;
		(*at)++;
	}
	if (**at != '=')
		return NULL;
	*at += (*at)[1] == '=' ? 2 : 1;
	*at = skip_spaces(*at);
	*ret_values = json_array();
	(void)json_array_append_new(*ret_values, take_word(at));
	return op;
}

/* Return: new reference; NULL when it is not understood */
static json_t *take_requirement(const char **at)
{
	json_t *key, *values = NULL;
	const char *op = OP_NOT_EXISTS;
	bool negated = **at == '!';

	if (negated)
		*at = skip_spaces(*at + 1);
	key = take_word(at);
	if (!negated)
		op = take_condition(at, &values);
	if (op == NULL || json_string_length(key) == 0 || (**at && **at != ',')) {
		json_decref(key);
		json_decref(values);
		return NULL;
	}
	return json_pack("{s:o, s:s, s:o*}", "key", key, "op", op, "values", values);
}

int selector_parse_labels(const char *text, json_t **ret_selector, struct err *err)
{
	json_t *selector = json_array();
	const char *at = skip_spaces(text);

	while (*at) {
		json_t *requirement = take_requirement(&at);

		if (requirement == NULL || json_array_size(selector) == SELECTOR_REQUIREMENTS_MAX) {
			json_decref(requirement);
			json_decref(selector);
			return err_set(err, ERR_PARSE, 0,
			               "unable to parse requirement: found '%.32s' in \"%.128s\"",
			               at, text);
		}
		(void)json_array_append_new(selector, requirement);
		if (*at == ',')
			at = skip_spaces(at + 1);
	}
	*ret_selector = selector;
	return 0;
}

static bool field_is_known(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(field_names); i++) {
		if (strcmp(field_names[i], name) == 0)
			return true;
	}
	return false;
}

/* One "field=value", "field==value" or "field!=value" of @bytes. */
static json_t *field_requirement(const char *text, size_t bytes, struct err *err)
{
	const char *equals = memchr(text, '=', bytes), *value;
	size_t key_bytes = equals ? (size_t)(equals - text) : 0;
	bool negated = key_bytes > 0 && text[key_bytes - 1] == '!';
	json_t *key;

	if (equals == NULL) {
		err_set(err, ERR_PARSE, 0, "invalid selector: '%.*s'; can't understand '%.*s'",
		        (int)bytes, text, (int)bytes, text);
		return NULL;
	}
	value = equals + 1;
	if (value < text + bytes && *value == '=')
		value++;
	key = json_stringn(text, key_bytes - (negated ? 1 : 0));
	if (!field_is_known(json_string_value(key))) {
		err_set(err, ERR_PARSE, 0, "field label not supported: %s", json_string_value(key));
		json_decref(key);
		return NULL;
	}
	return json_pack("{s:o, s:s, s:[o]}", "key", key, "op", negated ? OP_NOT_IN : OP_IN,
	                 "values", json_stringn(value, (size_t)(text + bytes - value)));
}

int selector_parse_fields(const char *text, json_t **ret_selector, struct err *err)
{
	json_t *selector = json_array();

	while (*text) {
		size_t bytes = strcspn(text, ",");
		json_t *requirement = NULL;

		if (json_array_size(selector) < SELECTOR_REQUIREMENTS_MAX)
			requirement = field_requirement(text, bytes, err);
		else
			err_set(err, ERR_PARSE, 0, "too many fields in a selector");
		if (requirement == NULL) {
			json_decref(selector);
			return -1;
		}
		(void)json_array_append_new(selector, requirement);
		text += bytes + (text[bytes] == ',' ? 1 : 0);
	}
	*ret_selector = selector;
	return 0;
}

static bool is_one_of(const json_t *values, const char *text)
{
	json_t *value;
	size_t i;

	json_array_foreach(values, i, value) {
		if (strcmp(json_string_value(value), text) == 0)
			return true;
	}
	return false;
}

/* labels.Requirement.Matches: an absent key satisfies notin. */
static bool requirement_holds(const json_t *requirement, const char *value)
{
	const char *op = json_string_value(json_object_get(requirement, "op"));
	const json_t *values = json_object_get(requirement, "values");

	if (strcmp(op, OP_EXISTS) == 0)
		return value != NULL;
	if (strcmp(op, OP_NOT_EXISTS) == 0)
		return value == NULL;
	if (strcmp(op, OP_IN) == 0)
		return value && is_one_of(values, value);
	return value == NULL || !is_one_of(values, value);
}

bool selector_matches_labels(const json_t *selector, const json_t *object)
{
	const json_t *labels = json_object_get(json_object_get(object, "metadata"), "labels");
	json_t *requirement;
	size_t i;

	json_array_foreach(selector, i, requirement) {
		const char *key = json_string_value(json_object_get(requirement, "key"));

		if (!requirement_holds(requirement,
		                       json_string_value(json_object_get(labels, key))))
			return false;
	}
	return true;
}

/* Field names have at most one dot. An absent field is the empty text. */
static const char *field_value(const json_t *object, const char *name)
{
	const char *dot = strchr(name, '.'), *text;
	const json_t *at = object;

	if (dot)
		at = json_object_getn(object, name, (size_t)(dot - name));
	text = json_string_value(json_object_get(at, dot ? dot + 1 : name));
	return text ? text : "";
}

bool selector_matches_fields(const json_t *selector, const json_t *object)
{
	json_t *requirement;
	size_t i;

	json_array_foreach(selector, i, requirement) {
		const char *key = json_string_value(json_object_get(requirement, "key"));

		if (!requirement_holds(requirement, field_value(object, key)))
			return false;
	}
	return true;
}
