/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protobuf - reads request bodies that kubectl sends as protobuf, into JSON
 */
#include "local/api/core/protobuf.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/num.h"

DEFINE_CLEANUP(json_t *, json_decref);

enum wire { WIRE_VARINT = 0, WIRE_BYTES = 2 };

enum kind {
	KIND_STRING,
	KIND_INT,
	KIND_BOOL,
	KIND_TIME, /* metav1.Time: seconds = 1, nanos = 2 */
	KIND_MESSAGE,
	KIND_STRINGS_BY_NAME, /* map<string, string> */
	KIND_BYTES_BY_NAME,   /* map<string, bytes>; base64 in JSON */
};

struct field {
	unsigned number; /* 0 ends a message */
	const char *name;
	enum kind kind;
	bool repeated;
	const struct field *message;
};

struct text {
	const unsigned char *at, *end;
};

/* Numbers and names are those of Kubernetes' generated.proto. */
/* clang-format off */
static const struct field owner_reference[] = {
	{ 1, "kind", KIND_STRING }, { 3, "name", KIND_STRING }, { 4, "uid", KIND_STRING },
	{ 5, "apiVersion", KIND_STRING }, { 6, "controller", KIND_BOOL },
	{ 7, "blockOwnerDeletion", KIND_BOOL }, { 0 },
};
static const struct field object_meta[] = {
	{ 1, "name", KIND_STRING }, { 2, "generateName", KIND_STRING },
	{ 3, "namespace", KIND_STRING }, { 4, "selfLink", KIND_STRING },
	{ 5, "uid", KIND_STRING }, { 6, "resourceVersion", KIND_STRING },
	{ 7, "generation", KIND_INT }, { 8, "creationTimestamp", KIND_TIME },
	{ 9, "deletionTimestamp", KIND_TIME }, { 10, "deletionGracePeriodSeconds", KIND_INT },
	{ 11, "labels", KIND_STRINGS_BY_NAME }, { 12, "annotations", KIND_STRINGS_BY_NAME },
	{ 13, "ownerReferences", KIND_MESSAGE, true, owner_reference },
	{ 14, "finalizers", KIND_STRING, true }, { 0 },
};
static const struct field namespace_spec[] = { { 1, "finalizers", KIND_STRING, true }, { 0 } };
static const struct field namespace_status[] = { { 1, "phase", KIND_STRING }, { 0 } };
static const struct field namespace[] = {
	{ 1, "metadata", KIND_MESSAGE, false, object_meta },
	{ 2, "spec", KIND_MESSAGE, false, namespace_spec },
	{ 3, "status", KIND_MESSAGE, false, namespace_status }, { 0 },
};
static const struct field config_map[] = {
	{ 1, "metadata", KIND_MESSAGE, false, object_meta },
	{ 2, "data", KIND_STRINGS_BY_NAME }, { 3, "binaryData", KIND_BYTES_BY_NAME },
	{ 4, "immutable", KIND_BOOL }, { 0 },
};
static const struct field secret[] = {
	{ 1, "metadata", KIND_MESSAGE, false, object_meta },
	{ 2, "data", KIND_BYTES_BY_NAME }, { 3, "type", KIND_STRING },
	{ 4, "stringData", KIND_STRINGS_BY_NAME }, { 5, "immutable", KIND_BOOL }, { 0 },
};
static const struct field local_reference[] = { { 1, "name", KIND_STRING }, { 0 } };
static const struct field service_account[] = {
	{ 1, "metadata", KIND_MESSAGE, false, object_meta },
	{ 3, "imagePullSecrets", KIND_MESSAGE, true, local_reference },
	{ 4, "automountServiceAccountToken", KIND_BOOL }, { 0 },
};
static const struct field resource_attributes[] = {
	{ 1, "namespace", KIND_STRING }, { 2, "verb", KIND_STRING }, { 3, "group", KIND_STRING },
	{ 4, "version", KIND_STRING }, { 5, "resource", KIND_STRING },
	{ 6, "subresource", KIND_STRING }, { 7, "name", KIND_STRING }, { 0 },
};
static const struct field other_attributes[] = {
	{ 1, "path", KIND_STRING }, { 2, "verb", KIND_STRING }, { 0 },
};
static const struct field access_spec[] = {
	{ 1, "resourceAttributes", KIND_MESSAGE, false, resource_attributes },
	{ 2, "nonResourceAttributes", KIND_MESSAGE, false, other_attributes }, { 0 },
};
static const struct field access_status[] = {
	{ 1, "allowed", KIND_BOOL }, { 2, "reason", KIND_STRING },
	{ 3, "evaluationError", KIND_STRING }, { 4, "denied", KIND_BOOL }, { 0 },
};
static const struct field access_review[] = {
	{ 1, "metadata", KIND_MESSAGE, false, object_meta },
	{ 2, "spec", KIND_MESSAGE, false, access_spec },
	{ 3, "status", KIND_MESSAGE, false, access_status }, { 0 },
};
static const struct field user_info[] = {
	{ 1, "username", KIND_STRING }, { 2, "uid", KIND_STRING }, { 3, "groups", KIND_STRING, true },
	{ 0 },
};
static const struct field user_status[] = {
	{ 1, "userInfo", KIND_MESSAGE, false, user_info }, { 0 },
};
static const struct field user_review[] = {
	{ 1, "metadata", KIND_MESSAGE, false, object_meta },
	{ 2, "status", KIND_MESSAGE, false, user_status }, { 0 },
};
static const struct field preconditions[] = {
	{ 1, "uid", KIND_STRING }, { 2, "resourceVersion", KIND_STRING }, { 0 },
};
static const struct field delete_options[] = {
	{ 1, "gracePeriodSeconds", KIND_INT },
	{ 2, "preconditions", KIND_MESSAGE, false, preconditions },
	{ 3, "orphanDependents", KIND_BOOL }, { 4, "propagationPolicy", KIND_STRING },
	{ 5, "dryRun", KIND_STRING, true }, { 0 },
};

static const struct {
	const char *kind;
	const struct field *message;
} kinds[] = {
	{ "Namespace", namespace },
	{ "ConfigMap", config_map },
	{ "Secret", secret },
	{ "ServiceAccount", service_account },
	{ "SelfSubjectAccessReview", access_review },
	{ "SelfSubjectReview", user_review },
	{ "DeleteOptions", delete_options },
};

static const struct field type_meta[] = {
	{ 1, "apiVersion", KIND_STRING }, { 2, "kind", KIND_STRING }, { 0 },
};
/* clang-format on */

static int broken(struct err *err)
{
	return err_set(err, ERR_PARSE, 0, "not a Kubernetes protobuf body");
}

static int varint(struct text *t, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (unsigned shift = 0; t->at < t->end && shift < 64; shift += 7) {
		unsigned char byte = *t->at++;

		number |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0) {
			*ret_number = number;
			return 0;
		}
	}
	return -1;
}

/* The next field's number and value: @ret_bytes for WIRE_BYTES, else @ret_value. */
static int next_field(struct text *t, uint64_t *ret_number, enum wire *ret_wire,
                      uint64_t *ret_value, struct text *ret_bytes)
{
	uint64_t tag, value;

	if (varint(t, &tag) < 0 || varint(t, &value) < 0)
		return -1;
	*ret_number = tag >> 3;
	*ret_wire = (enum wire)(tag & 7);
	if (*ret_wire == WIRE_VARINT) {
		*ret_value = value;
		return 0;
	}
	if (*ret_wire != WIRE_BYTES || value > (uint64_t)(t->end - t->at))
		return -1;
	*ret_bytes = (struct text){t->at, t->at + value};
	t->at += value;
	return 0;
}

static json_t *string_of(const struct text *t)
{
	return json_stringn((const char *)t->at, (size_t)(t->end - t->at)); /* NULL: not UTF-8 */
}

static json_t *base64_of(const struct text *t)
{
	size_t bytes = (size_t)(t->end - t->at);
	CLEANUP(free_var) char *text = malloc(base64_text_bytes(bytes));

	if (text == NULL)
		return NULL;
	base64_encode(t->at, bytes, text);
	return json_string(text);
}

/* One entry of a map: key = 1, value = 2, each the empty text when absent. */
static int entry_put(json_t *map, struct text t, bool is_bytes)
{
	struct text parts[2] = {{t.at, t.at}, {t.at, t.at}}, bytes;
	char key[320];
	uint64_t number, value;
	enum wire wire;

	while (t.at < t.end) {
		if (next_field(&t, &number, &wire, &value, &bytes) < 0 || wire != WIRE_BYTES ||
		    number < 1 || number > 2)
			return -1;
		parts[number - 1] = bytes;
	}
	if ((size_t)(parts[0].end - parts[0].at) >= sizeof key)
		return -1;
	(void)snprintf(key, sizeof key, "%.*s", (int)(parts[0].end - parts[0].at),
	               (const char *)parts[0].at);
	return json_object_set_new(map, key,
	                           is_bytes ? base64_of(&parts[1]) : string_of(&parts[1]));
}

static json_t *time_of(struct text t)
{
	char text[NUM_RFC3339_BYTES];
	uint64_t number, value, seconds = 0;
	struct text bytes;
	enum wire wire;

	while (t.at < t.end) {
		if (next_field(&t, &number, &wire, &value, &bytes) < 0 || wire != WIRE_VARINT)
			return NULL;
		if (number == 1)
			seconds = value;
	}
	/* Go's zero time is the year 1: below 0 */
	if (seconds == 0 || seconds > UINT64_MAX / 2000)
		return json_null();
	return json_string(num_format_rfc3339(seconds * 1000, false, text));
}

static int message_parse(const struct field *fields, struct text t, json_t *object,
                         struct err *err);

/* Return: new reference; NULL with @err set */
static json_t *value_of(const struct field *f, uint64_t number, const struct text *t,
                        struct err *err)
{
	json_t *value = NULL;

	if (f->kind == KIND_INT)
		value = json_integer((json_int_t)number);
	else if (f->kind == KIND_BOOL)
		value = json_boolean(number != 0);
	else if (f->kind == KIND_STRING)
		value = string_of(t);
	else if (f->kind == KIND_TIME)
		value = time_of(*t);
	else if (f->kind == KIND_MESSAGE)
		value = json_object();
	if (value == NULL)
		(void)broken(err);
	if (f->kind == KIND_MESSAGE && message_parse(f->message, *t, value, err) < 0) {
		json_decref(value);
		return NULL;
	}
	return value;
}

/* Go writes every field that is no pointer; JSON leaves out what says nothing. */
static bool says_nothing(const struct field *f, const json_t *value)
{
	if (f->kind == KIND_STRING)
		return json_string_length(value) == 0;
	if (f->kind == KIND_MESSAGE)
		return json_object_size(value) == 0;
	return json_is_null(value);
}

static int field_put(const struct field *f, uint64_t number, const struct text *t, json_t *object,
                     struct err *err)
{
	bool is_map = f->kind == KIND_STRINGS_BY_NAME || f->kind == KIND_BYTES_BY_NAME;
	json_t *had = json_object_get(object, f->name), *value;

	if ((is_map || f->repeated) && had == NULL) {
		(void)json_object_set_new(object, f->name, is_map ? json_object() : json_array());
		had = json_object_get(object, f->name);
	}
	if (is_map)
		return entry_put(had, *t, f->kind == KIND_BYTES_BY_NAME) < 0 ? broken(err) : 0;
	value = value_of(f, number, t, err);
	if (value == NULL)
		return -1;
	if (f->repeated)
		return json_array_append_new(had, value) < 0 ? broken(err) : 0;
	if (!says_nothing(f, value))
		return json_object_set_new(object, f->name, value) < 0 ? broken(err) : 0;
	json_decref(value);
	return 0;
}

/* Tables are as deep as messages can be: the depth is bounded. */
static int message_parse(const struct field *fields, struct text t, json_t *object, struct err *err)
{
	while (t.at < t.end) {
		const struct field *f = fields;
		struct text bytes = {t.at, t.at};
		uint64_t number, value = 0;
		enum wire wire;

		if (next_field(&t, &number, &wire, &value, &bytes) < 0)
			return broken(err);
		while (f->number != 0 && f->number != number)
			f++;
		if (f->number == 0)
			return err_set(err, ERR_INVALID, 0,
			               "a field of the protobuf body is not known here: send JSON");
		if ((wire == WIRE_VARINT) != (f->kind == KIND_INT || f->kind == KIND_BOOL))
			return broken(err);
		if (field_put(f, value, &bytes, object, err) < 0)
			return -1;
	}
	return 0;
}

/* runtime.Unknown: typeMeta = 1, raw = 2, contentEncoding = 3, contentType = 4 (both empty) */
static int unknown_parse(struct text t, json_t *object, struct text *ret_raw, struct err *err)
{
	uint64_t number, value;
	struct text bytes;
	enum wire wire;

	while (t.at < t.end) {
		if (next_field(&t, &number, &wire, &value, &bytes) < 0 || wire != WIRE_BYTES)
			return broken(err);
		if (number == 1 && message_parse(type_meta, bytes, object, err) < 0)
			return -1;
		if (number == 2)
			*ret_raw = bytes;
		if (number > 2 && bytes.at < bytes.end)
			return broken(err);
	}
	return 0;
}

int protobuf_parse(const void *body, size_t bytes, json_t **ret_object, struct err *err)
{
	static const unsigned char magic[4] = {'k', '8', 's', 0};
	CLEANUP(json_decref_var) json_t *object = json_object();
	struct text t = {body, (const unsigned char *)body + bytes}, raw = {body, body};
	const char *kind;

	if (bytes < sizeof magic || memcmp(body, magic, sizeof magic) != 0)
		return broken(err);
	t.at += sizeof magic;
	if (unknown_parse(t, object, &raw, err) < 0)
		return -1;
	kind = json_string_value(json_object_get(object, "kind"));
	for (size_t i = 0; kind && i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].kind, kind) != 0)
			continue;
		if (message_parse(kinds[i].message, raw, object, err) < 0)
			return -1;
		*ret_object = TAKE_PTR(object);
		return 0;
	}
	return err_set(err, ERR_INVALID, 0, "%s is not read as protobuf: send JSON",
	               kind ? kind : "a body without a kind");
}
