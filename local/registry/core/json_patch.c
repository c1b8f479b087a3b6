/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_patch - applies a JSON Patch (RFC 6902)
 */
#include "local/registry/core/json_patch.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/num.h"

enum { TOKEN_BYTES = 512, POINTER_DEPTH_MAX = 128 };

/* RFC 6901: the next reference token, "~1" and "~0" undone. Return: NULL when it is too long or
 * badly escaped; else what follows. */
static const char *pointer_next(const char *pointer, char token[TOKEN_BYTES])
{
	size_t n = 0;

	for (pointer++; *pointer && *pointer != '/'; pointer++) {
		char c = *pointer;

		if (c == '~') {
			pointer++;
			if (*pointer != '0' && *pointer != '1')
				return NULL;
			c = *pointer == '1' ? '/' : '~';
		}
		if (n + 1 == TOKEN_BYTES)
			return NULL;
		token[n++] = c;
	}
	token[n] = 0;
	return pointer;
}

/* An array index without leading zeros, at most @max. */
static int index_parse(const char *token, size_t max, size_t *ret_index, struct err *err)
{
	uint64_t index;

	if (token[0] == '0' && token[1])
		return err_set(err, ERR_INVALID, 0, "index \"%s\" has a leading zero", token);
	if (num_parse_u64(token, 0, max, &index, NULL) < 0)
		return err_set(err, ERR_INVALID, 0, "index \"%s\" is out of the list's bounds",
		               token);
	*ret_index = (size_t)index;
	return 0;
}

static json_t *child_of(json_t *parent, const char *token)
{
	size_t index;

	if (json_is_object(parent))
		return json_object_get(parent, token);
	if (!json_is_array(parent) || json_array_size(parent) == 0 ||
	    index_parse(token, json_array_size(parent) - 1, &index, NULL) < 0)
		return NULL;
	return json_array_get(parent, index);
}

/* The container that a pointer's last token is in; @token gets that token. */
static json_t *pointer_parent(json_t *document, const char *pointer, char token[TOKEN_BYTES],
                              struct err *err)
{
	json_t *at = document;
	const char *rest = pointer;
	unsigned depth = 0;

	if (*pointer != '/') {
		err_set(err, ERR_INVALID, 0, "path \"%s\" does not start with \"/\"", pointer);
		return NULL;
	}
	for (;;) {
		rest = pointer_next(rest, token);
		if (rest == NULL || ++depth > POINTER_DEPTH_MAX) {
			err_set(err, ERR_INVALID, 0, "path \"%s\" is not a JSON pointer", pointer);
			return NULL;
		}
		if (*rest == 0)
			return at;
		at = child_of(at, token);
		if (at == NULL) {
			err_set(err, ERR_INVALID, 0, "path \"%s\" does not exist", pointer);
			return NULL;
		}
	}
}

static json_t *pointer_get(json_t *document, const char *pointer, struct err *err)
{
	char token[TOKEN_BYTES];
	json_t *parent, *value;

	if (*pointer == 0)
		return document;
	parent = pointer_parent(document, pointer, token, err);
	if (parent == NULL)
		return NULL;
	value = child_of(parent, token);
	if (value == NULL)
		err_set(err, ERR_INVALID, 0, "path \"%s\" does not exist", pointer);
	return value;
}

/* RFC 6902 section 4.1. */
static int op_add(json_t **document, const char *path, json_t *value, struct err *err)
{
	char token[TOKEN_BYTES];
	json_t *parent;
	size_t index;
	int failed;

	if (*path == 0) {
		json_decref(*document);
		*document = json_incref(value);
		return 0;
	}
	parent = pointer_parent(*document, path, token, err);
	if (parent == NULL)
		return -1;
	if (json_is_object(parent)) {
		failed = json_object_set(parent, token, value);
	} else if (!json_is_array(parent)) {
		return err_set(err, ERR_INVALID, 0, "path \"%s\" leads into a plain value", path);
	} else if (strcmp(token, "-") == 0) {
		failed = json_array_append(parent, value);
	} else {
		if (index_parse(token, json_array_size(parent), &index, err) < 0)
			return -1;
		failed = json_array_insert(parent, index, value);
	}
	return failed ? err_set(err, ERR_NOMEM, 0, "add \"%s\"", path) : 0;
}

static int op_remove(json_t **document, const char *path, struct err *err)
{
	char token[TOKEN_BYTES];
	json_t *parent;
	size_t index;

	if (*path == 0)
		return err_set(err, ERR_INVALID, 0, "the whole document can't be removed");
	if (pointer_get(*document, path, err) == NULL)
		return -1;
	parent = pointer_parent(*document, path, token, err);
	if (json_is_object(parent))
		return json_object_del(parent, token);
	if (index_parse(token, json_array_size(parent) - 1, &index, err) < 0)
		return -1;
	return json_array_remove(parent, index);
}

static int op_replace(json_t **document, const char *path, json_t *value, struct err *err)
{
	char token[TOKEN_BYTES];
	json_t *parent;
	size_t index;

	if (*path == 0)
		return op_add(document, path, value, err);
	if (pointer_get(*document, path, err) == NULL)
		return -1;
	parent = pointer_parent(*document, path, token, err);
	if (json_is_object(parent))
		return json_object_set(parent, token, value);
	if (index_parse(token, json_array_size(parent) - 1, &index, err) < 0)
		return -1;
	return json_array_set(parent, index, value);
}

static int op_copy(json_t **document, const char *from, const char *path, struct err *err)
{
	json_t *value = pointer_get(*document, from, err), *copy;
	int result;

	if (value == NULL)
		return -1;
	copy = json_deep_copy(value);
	result = op_add(document, path, copy, err);
	json_decref(copy);
	return result;
}

static int op_move(json_t **document, const char *from, const char *path, struct err *err)
{
	size_t n = strlen(from);
	json_t *value;
	int result;

	if (strncmp(path, from, n) == 0 && path[n] == '/')
		return err_set(err, ERR_INVALID, 0, "\"%s\" can't be moved into itself", from);
	value = pointer_get(*document, from, err);
	if (value == NULL)
		return -1;
	(void)json_incref(value);
	result = strcmp(from, path) == 0 ? 0 : op_remove(document, from, err);
	if (result == 0)
		result = op_add(document, path, value, err);
	json_decref(value);
	return result;
}

/* Numbers are equal by value (RFC 6902 section 4.6); jansson tells 1 from 1.0. */
static bool test_equal(const json_t *a, const json_t *b)
{
	if (json_is_number(a) && json_is_number(b) && json_typeof(a) != json_typeof(b))
		return json_number_value(a) == json_number_value(b);
	return json_equal(a, b);
}

static int op_test(json_t **document, const char *path, const json_t *want, struct err *err)
{
	json_t *value = pointer_get(*document, path, err);

	if (value == NULL)
		return err_wrap(err, "testing value %s failed", path);
	if (!test_equal(value, want))
		return err_set(err, ERR_INVALID, 0, "testing value %s failed: test failed", path);
	return 0;
}

static int operation_apply(json_t **document, const json_t *operation, struct err *err)
{
	const char *op = json_string_value(json_object_get(operation, "op"));
	const char *path = json_string_value(json_object_get(operation, "path"));
	const char *from = json_string_value(json_object_get(operation, "from"));
	json_t *value = json_object_get(operation, "value"), *copy;
	int result;

	if (op == NULL || path == NULL)
		return err_set(err, ERR_PARSE, 0, "an operation needs \"op\" and \"path\"");
	if (strcmp(op, "remove") == 0)
		return op_remove(document, path, err);
	if (strcmp(op, "move") == 0 || strcmp(op, "copy") == 0) {
		if (from == NULL)
			return err_set(err, ERR_PARSE, 0, "\"%s\" needs \"from\"", op);
		return *op == 'm' ? op_move(document, from, path, err)
		                  : op_copy(document, from, path, err);
	}
	if (value == NULL)
		return err_set(err, ERR_PARSE, 0, "\"%s\" needs \"value\"", op);
	if (strcmp(op, "test") == 0)
		return op_test(document, path, value, err);
	copy = json_deep_copy(value); /* later operations may change it */
	if (strcmp(op, "add") == 0)
		result = op_add(document, path, copy, err);
	else if (strcmp(op, "replace") == 0)
		result = op_replace(document, path, copy, err);
	else
		result = err_set(err, ERR_PARSE, 0, "unexpected kind: %s", op);
	json_decref(copy);
	return result;
}

int json_patch_apply(const json_t *document, const json_t *operations, json_t **ret_result,
                     struct err *err)
{
	json_t *result, *operation;
	size_t i;

	if (!json_is_array(operations))
		return err_set(err, ERR_PARSE, 0, "a JSON patch is a list of operations");
	if (json_array_size(operations) > JSON_PATCH_OPERATIONS_MAX)
		return err_set(err, ERR_PARSE, 0, "a JSON patch has at most %d operations",
		               JSON_PATCH_OPERATIONS_MAX);
	result = json_deep_copy(document);
	if (result == NULL)
		return err_set(err, ERR_NOMEM, 0, "JSON patch");
	json_array_foreach(operations, i, operation) {
		if (operation_apply(&result, operation, err) < 0) {
			json_decref(result);
			return -1;
		}
	}
	*ret_result = result;
	return 0;
}
