/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml - YAML text to JSON values, as kubectl reads it (YAML 1.1 on libyaml)
 *
 * Plain scalars become null, booleans (yes/no/on/off too), integers (0x, 0o, 0b and a leading 0)
 * and reals by YAML 1.1's rules; quoted ones and those with other text stay strings. Keys are
 * always strings. Duplicate keys, merge keys ("<<"), .inf and .nan are errors, and so is text
 * past the limits below; every error names the source and the line.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "lib/base/err.h"

enum {
	YAML_BYTES_MAX = 16 * 1024 * 1024,
	YAML_NODES_MAX = 1000000, /* aliases count each time they are used */
	YAML_DEPTH_MAX = 64,
	YAML_POINTER_BYTES = 1024,
};

/**
 * yaml_load_file() - all documents of a file
 * @ret_docs: new reference: an array with one value a document; an empty one is null
 */
int yaml_load_file(const char *path, json_t **ret_docs, struct err *err);

/** yaml_load_text() - the same from memory; @name stands for the path in errors */
int yaml_load_text(const char *text, size_t bytes, const char *name, json_t **ret_docs,
                   struct err *err);

/**
 * yaml_load_file_lines() - the same, and where everything stands
 * @ret_lines: new reference: an object of JSON pointers (RFC 6901) with the document's index in
 *             front, to the line of the document, key or list item: {"/0/hold/timeout": 3}
 */
int yaml_load_file_lines(const char *path, json_t **ret_docs, json_t **ret_lines, struct err *err);

/**
 * yaml_load_file_texts() - as yaml_load_file_lines(), for settings, whose readers know the types
 * A scalar is the text as it was written; a plain one that is empty, "~" or "null" is null.
 */
int yaml_load_file_texts(const char *path, json_t **ret_docs, json_t **ret_lines, struct err *err);

struct yaml_text {
	const char *text;
	size_t bytes;
	const char *name; /* stands for the path in errors */
};
int yaml_load_text_lines(const struct yaml_text *from, json_t **ret_docs, json_t **ret_lines,
                         struct err *err);

/**
 * yaml_pointer_push() - one key more behind a pointer, escaped; what has no room is cut
 * @pointer: of YAML_POINTER_BYTES
 * Return: the length before
 */
size_t yaml_pointer_push(char *pointer, const char *key);
