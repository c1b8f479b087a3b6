/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml - makes JSON values of libyaml's documents
 */
#include "lib/text/yaml.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <yaml.h>

#include "lib/base/str.h"

enum { YAML_CHUNK_BYTES = 16 * 1024 };

struct yaml_build {
	const char *name; /* of the source, for errors */
	bool wants_lines;
	bool keeps_texts; /* scalars are texts; see yaml_load_file_texts() */
	yaml_document_t *doc;
	json_t *lines; /* NULL: not wanted */
	size_t nodes_count;
	char pointer[YAML_POINTER_BYTES];
};

static json_t *yaml_build_node(struct yaml_build *b, int id, unsigned depth, struct err *err);

static size_t yaml_line(const yaml_node_t *node)
{
	return node->start_mark.line + 1;
}

static json_t *yaml_fail(const struct yaml_build *b, const yaml_node_t *node, struct err *err,
                         const char *what)
{
	(void)err_set(err, ERR_PARSE, 0, "%s:%zu: %s", b->name, yaml_line(node), what);
	return NULL;
}

static int yaml_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* YAML 1.1 int: sign, 0x 0o 0b or a leading 0 for octal, underscores between digits */
static bool yaml_parse_int(const char *text, int64_t *ret_value)
{
	bool negative = *text == '-';
	int64_t v = 0;
	int base = 10;
	bool digits = false;

	if (*text == '-' || *text == '+')
		text++;
	if (text[0] == '0' && text[1] != '\0') {
		static const char prefixes[] = "xob";
		static const int bases[] = {16, 8, 2};
		const char *p = strchr(prefixes, tolower((unsigned char)text[1]));

		base = p != NULL ? bases[p - prefixes] : 8;
		text += p != NULL ? 2 : 1;
	}
	for (; *text != '\0'; text++) {
		int digit = yaml_digit(*text);

		if (*text == '_' && digits)
			continue;
		if (digit >= base || __builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, negative ? -digit : digit, &v))
			return false;
		digits = true;
	}
	*ret_value = v;
	return digits;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool yaml_parse_real(const char *text, double *ret_value)
{
	const char *c = text;
	size_t before;
	size_t after = 0;

	if (*c == '-' || *c == '+')
		c++;
	before = strspn(c, "0123456789");
	c += before;
	if (*c == '.') {
		after = strspn(c + 1, "0123456789");
		c += 1 + after;
	}
	if (before + after == 0)
		return false;
	if (*c == 'e' || *c == 'E') {
		c++;
		if (*c == '-' || *c == '+')
			c++;
		if (!isdigit((unsigned char)*c))
			return false;
		c += strspn(c, "0123456789");
	}
	if (*c != '\0')
		return false;
	*ret_value = strtod(text, NULL);
	return isfinite(*ret_value) != 0;
}

/* Of a plain scalar. Return: whether it is no text; @ret_value is NULL then without memory */
static bool yaml_build_plain(const char *text, json_t **ret_value)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const yes[] = {"y",    "Y",    "yes", "Yes", "YES", "true",
	                                  "True", "TRUE", "on",  "On",  "ON",  NULL};
	static const char *const no[] = {"n",     "N",     "no",  "No",  "NO",  "false",
	                                 "False", "FALSE", "off", "Off", "OFF", NULL};
	int64_t whole;
	double real;

	if (str_is_one_of(text, nulls))
		*ret_value = json_null();
	else if (str_is_one_of(text, yes))
		*ret_value = json_true();
	else if (str_is_one_of(text, no))
		*ret_value = json_false();
	else if (yaml_parse_int(text, &whole))
		*ret_value = json_integer(whole);
	else if (yaml_parse_real(text, &real))
		*ret_value = json_real(real);
	else
		return false;
	return true;
}

static json_t *yaml_build_scalar(struct yaml_build *b, const yaml_node_t *node, struct err *err)
{
	static const char *const nothing[] = {"", "~", "null", NULL};
	static const char *const not_numbers[] = {".inf",  "+.inf", "-.inf", ".Inf",  "+.Inf",
	                                          "-.Inf", ".INF",  "+.INF", "-.INF", ".nan",
	                                          ".NaN",  ".NAN",  NULL};
	const char *text = (const char *)node->data.scalar.value;
	size_t bytes = node->data.scalar.length;
	bool is_plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && strlen(text) == bytes;
	json_t *v;

	if (is_plain && b->keeps_texts && str_is_one_of(text, nothing))
		return json_null();
	if (is_plain && !b->keeps_texts && yaml_build_plain(text, &v))
		return v;
	if (is_plain && !b->keeps_texts && str_is_one_of(text, not_numbers))
		return yaml_fail(b, node, err, "a number that JSON cannot hold");
	v = json_stringn(text, bytes);
	return v != NULL ? v : yaml_fail(b, node, err, "text that is not UTF-8");
}

static void yaml_pointer_put(char *pointer, char c)
{
	size_t len = strlen(pointer);

	if (len + 1 < YAML_POINTER_BYTES) {
		pointer[len] = c;
		pointer[len + 1] = '\0';
	}
}

size_t yaml_pointer_push(char *pointer, const char *key)
{
	size_t len = strlen(pointer);

	yaml_pointer_put(pointer, '/');
	for (; *key != '\0'; key++) {
		bool escape = *key == '~' || *key == '/';

		yaml_pointer_put(pointer, escape ? '~' : *key);
		if (escape)
			yaml_pointer_put(pointer, *key == '~' ? '0' : '1');
	}
	return len;
}

static void yaml_note_line(struct yaml_build *b, const yaml_node_t *at)
{
	(void)json_object_set_new_nocheck(b->lines, b->pointer,
	                                  json_integer((json_int_t)yaml_line(at)));
}

/* Appends a key to the pointer and notes its line. Return: the old length */
static size_t yaml_enter(struct yaml_build *b, const char *key, const yaml_node_t *at)
{
	size_t len = strlen(b->pointer);

	if (b->lines == NULL)
		return len;
	(void)yaml_pointer_push(b->pointer, key);
	yaml_note_line(b, at);
	return len;
}

static json_t *yaml_build_sequence(struct yaml_build *b, const yaml_node_t *node, unsigned depth,
                                   struct err *err)
{
	json_t *list = json_array();

	for (yaml_node_item_t *i = node->data.sequence.items.start;
	     list != NULL && i < node->data.sequence.items.top; i++) {
		char index[24];
		size_t len;
		json_t *v;

		(void)snprintf(index, sizeof index, "%zu", json_array_size(list));
		len = yaml_enter(b, index, yaml_document_get_node(b->doc, *i));
		v = yaml_build_node(b, *i, depth + 1, err);
		b->pointer[len] = '\0';
		if (v == NULL || json_array_append_new(list, v) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *yaml_fail_key(const struct yaml_build *b, const yaml_node_t *key, struct err *err,
                             json_t *map, const char *what)
{
	json_decref(map);
	return yaml_fail(b, key, err, what);
}

static json_t *yaml_fail_again(const struct yaml_build *b, const yaml_node_t *key, struct err *err,
                               json_t *map)
{
	json_decref(map);
	if (!b->keeps_texts)
		return yaml_fail(b, key, err, "a key for the second time");
	(void)err_set(err, ERR_PARSE, 0, "%s:%zu: %s: is there twice", b->name, yaml_line(key),
	              (const char *)key->data.scalar.value);
	return NULL;
}

static json_t *yaml_build_mapping(struct yaml_build *b, const yaml_node_t *node, unsigned depth,
                                  struct err *err)
{
	json_t *map = json_object();

	for (yaml_node_pair_t *p = node->data.mapping.pairs.start;
	     map != NULL && p < node->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(b->doc, p->key);
		const char *text;
		size_t len;
		json_t *v;

		if (key->type != YAML_SCALAR_NODE)
			return yaml_fail_key(b, key, err, map, "a key that is not a scalar");
		text = (const char *)key->data.scalar.value;
		if (strlen(text) != key->data.scalar.length)
			return yaml_fail_key(b, key, err, map, "a key with a NUL byte");
		if (strcmp(text, "<<") == 0 && key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
			return yaml_fail_key(b, key, err, map, "merge keys are not supported");
		if (json_object_get(map, text) != NULL)
			return yaml_fail_again(b, key, err, map);
		len = yaml_enter(b, text, key);
		v = yaml_build_node(b, p->value, depth + 1, err);
		b->pointer[len] = '\0';
		if (v == NULL || json_object_set_new(map, text, v) < 0) {
			json_decref(map);
			return NULL;
		}
	}
	return map;
}

/* NULL with @err set; @err is ERR_NOMEM beforehand, so running out of memory needs no words. */
static json_t *yaml_build_node(struct yaml_build *b, int id, unsigned depth, struct err *err)
{
	const yaml_node_t *node = yaml_document_get_node(b->doc, id);

	if (depth > YAML_DEPTH_MAX)
		return yaml_fail(b, node, err, "nested too deeply");
	if (++b->nodes_count > YAML_NODES_MAX)
		return yaml_fail(b, node, err, "too many values");
	switch (node->type) {
	case YAML_SCALAR_NODE:
		return yaml_build_scalar(b, node, err);
	case YAML_SEQUENCE_NODE:
		return yaml_build_sequence(b, node, depth, err);
	case YAML_MAPPING_NODE:
		return yaml_build_mapping(b, node, depth, err);
	case YAML_NO_NODE:
		break;
	}
	return json_null();
}

/* Return: 0, 1 when the stream is over, negative on failure. */
static int yaml_next_document(yaml_parser_t *parser, struct yaml_build *b, json_t *docs,
                              struct err *err)
{
	yaml_document_t doc;
	yaml_node_t *root;
	json_t *v;

	if (!yaml_parser_load(parser, &doc))
		return err_set(err, ERR_PARSE, 0, "%s:%zu: %s", b->name,
		               parser->problem_mark.line + 1,
		               parser->problem ? parser->problem : "not YAML");
	root = yaml_document_get_root_node(&doc);
	if (root == NULL) {
		yaml_document_delete(&doc);
		return 1;
	}
	b->doc = &doc;
	(void)snprintf(b->pointer, sizeof b->pointer, "/%zu", json_array_size(docs));
	if (b->lines != NULL)
		yaml_note_line(b, root);
	(void)err_set(err, ERR_NOMEM, 0, "%s", b->name);
	v = yaml_build_node(b, 1, 0, err);
	yaml_document_delete(&doc);
	return v == NULL || json_array_append_new(docs, v) < 0 ? -1 : 0;
}

/* @b: source and wishes; what is built of them, b->lines too, is the caller's on success */
static int yaml_load(struct yaml_build *b, const char *text, size_t bytes, json_t **ret_docs,
                     struct err *err)
{
	json_t *docs = json_array();
	yaml_parser_t parser;
	struct err why;
	int r;

	if (b->wants_lines)
		b->lines = json_object();
	if (docs == NULL || (b->wants_lines && b->lines == NULL) ||
	    !yaml_parser_initialize(&parser)) {
		json_decref(docs);
		json_decref(b->lines);
		return err_set(err, ERR_NOMEM, 0, "%s", b->name);
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, bytes);
	do {
		r = yaml_next_document(&parser, b, docs, &why);
	} while (r == 0);
	yaml_parser_delete(&parser);
	if (r < 0) {
		json_decref(docs);
		json_decref(b->lines);
		return err_set(err, why.code, 0, "%s", why.text);
	}
	*ret_docs = docs;
	return 0;
}

static int yaml_load_path(struct yaml_build *b, json_t **ret_docs, struct err *err)
{
	const char *path = b->name;
	CLEANUP(fclose_var) FILE *f = fopen(path, "re");
	CLEANUP(free_var) char *text = NULL;
	size_t bytes = 0;
	size_t got;

	if (f == NULL)
		return err_set(err, ERR_SYS, errno, "open %s", path);
	do {
		char *more = realloc(text, bytes + YAML_CHUNK_BYTES);

		if (more == NULL)
			return err_set(err, ERR_NOMEM, 0, "%s", path);
		text = more;
		got = fread(text + bytes, 1, YAML_CHUNK_BYTES, f);
		bytes += got;
	} while (got > 0 && bytes <= YAML_BYTES_MAX);
	if (ferror(f))
		return err_set(err, ERR_SYS, errno, "read %s", path);
	if (bytes > YAML_BYTES_MAX)
		return err_set(err, ERR_PARSE, 0, "%s: more than %d bytes", path, YAML_BYTES_MAX);
	return yaml_load(b, text, bytes, ret_docs, err);
}

int yaml_load_file(const char *path, json_t **ret_docs, struct err *err)
{
	struct yaml_build b = {.name = path};

	return yaml_load_path(&b, ret_docs, err);
}

static int yaml_load_with_lines(struct yaml_build *b, json_t **ret_docs, json_t **ret_lines,
                                struct err *err)
{
	b->wants_lines = true;
	if (yaml_load_path(b, ret_docs, err) < 0)
		return -1;
	*ret_lines = b->lines;
	return 0;
}

int yaml_load_file_lines(const char *path, json_t **ret_docs, json_t **ret_lines, struct err *err)
{
	struct yaml_build b = {.name = path};

	return yaml_load_with_lines(&b, ret_docs, ret_lines, err);
}

int yaml_load_file_texts(const char *path, json_t **ret_docs, json_t **ret_lines, struct err *err)
{
	struct yaml_build b = {.name = path, .keeps_texts = true};

	return yaml_load_with_lines(&b, ret_docs, ret_lines, err);
}

int yaml_load_text(const char *text, size_t bytes, const char *name, json_t **ret_docs,
                   struct err *err)
{
	struct yaml_build b = {.name = name};

	return yaml_load(&b, text, bytes, ret_docs, err);
}

int yaml_load_text_lines(const struct yaml_text *from, json_t **ret_docs, json_t **ret_lines,
                         struct err *err)
{
	struct yaml_build b = {.name = from->name, .wants_lines = true};

	if (yaml_load(&b, from->text, from->bytes, ret_docs, err) < 0)
		return -1;
	*ret_lines = b.lines;
	return 0;
}
