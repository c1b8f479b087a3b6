/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_dump - writes a JSON value through libyaml's emitter
 */
#include "lib/text/yaml_dump.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <yaml.h>

#include "lib/base/buf.h"
#include "lib/text/json_ref.h"
#include "lib/text/yaml.h"

enum { DUMP_INDENT = 2 };

struct dump {
	yaml_emitter_t emitter;
	struct buf text;
};

DEFINE_CLEANUP(json_t *, json_decref);

static int dump_value(struct dump *d, const json_t *value, unsigned depth);

static int on_bytes(void *arg, unsigned char *bytes, size_t count)
{
	struct dump *d = arg;

	return buf_put(&d->text, bytes, count) == 0;
}

static int dump_emit(struct dump *d, int made, yaml_event_t *event)
{
	return made && yaml_emitter_emit(&d->emitter, event) ? 0 : -1;
}

/* Would @text, unquoted, be read as something else: a number, a boolean, a date, a time? */
static bool dump_needs_quotes(const char *text, size_t bytes)
{
	CLEANUP(json_decref_var) json_t *docs = NULL;
	const char *read;

	if (bytes == 0)
		return true;
	if (text[strspn(text, "0123456789_:.+-")] == '\0' && strchr(text, ':') != NULL)
		return true; /* YAML 1.1 has numbers to base 60, too: 1:20 */
	if (strspn(text, "0123456789") == 4 && text[4] == '-')
		return true; /* a timestamp */
	if (yaml_load_text(text, bytes, "", &docs, NULL) < 0)
		return true;
	read = json_string_value(json_array_get(docs, 0));
	return read == NULL || strcmp(read, text) != 0;
}

static int dump_scalar(struct dump *d, const char *text, size_t bytes, yaml_scalar_style_t style)
{
	yaml_event_t event;

	return dump_emit(d,
	                 yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
	                                              (int)bytes, 1, 1, style),
	                 &event);
}

static int dump_string(struct dump *d, const char *text, size_t bytes)
{
	if (memchr(text, '\n', bytes) != NULL)
		return dump_scalar(d, text, bytes, YAML_LITERAL_SCALAR_STYLE);
	if (dump_needs_quotes(text, bytes))
		return dump_scalar(d, text, bytes, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
	return dump_scalar(d, text, bytes, YAML_PLAIN_SCALAR_STYLE);
}

static int dump_array(struct dump *d, const json_t *list, unsigned depth)
{
	/* nothing in it: only the flow style can say that */
	yaml_sequence_style_t style =
	        json_array_size(list) > 0 ? YAML_BLOCK_SEQUENCE_STYLE : YAML_FLOW_SEQUENCE_STYLE;
	yaml_event_t event;
	json_t *item;
	size_t i;

	if (dump_emit(d, yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, style),
	              &event) < 0)
		return -1;
	json_array_foreach(list, i, item) {
		if (dump_value(d, item, depth + 1) < 0)
			return -1;
	}
	return dump_emit(d, yaml_sequence_end_event_initialize(&event), &event);
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Return: to be freed, NULL out of memory or when there are none. */
static const char **dump_sorted_keys(const json_t *object)
{
	const char **keys = calloc(json_object_size(object) + 1, sizeof *keys);
	const char *key;
	json_t *value;
	size_t n = 0;

	if (keys == NULL)
		return NULL;
	json_object_foreach(json_ref(object), key, value) {
		keys[n++] = key;
	}
	qsort(keys, n, sizeof *keys, compare_keys);
	return keys;
}

static int dump_object(struct dump *d, const json_t *object, unsigned depth)
{
	yaml_mapping_style_t style =
	        json_object_size(object) > 0 ? YAML_BLOCK_MAPPING_STYLE : YAML_FLOW_MAPPING_STYLE;
	CLEANUP(free_var) const char **keys = dump_sorted_keys(object);
	yaml_event_t event;

	if (keys == NULL ||
	    dump_emit(d, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, style),
	              &event) < 0)
		return -1;
	for (size_t i = 0; keys[i] != NULL; i++) {
		if (dump_string(d, keys[i], strlen(keys[i])) < 0 ||
		    dump_value(d, json_object_get(object, keys[i]), depth + 1) < 0)
			return -1;
	}
	return dump_emit(d, yaml_mapping_end_event_initialize(&event), &event);
}

static int dump_value(struct dump *d, const json_t *value, unsigned depth)
{
	char *number;
	int r;

	if (depth > YAML_DEPTH_MAX)
		return -1;
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return dump_object(d, value, depth);
	case JSON_ARRAY:
		return dump_array(d, value, depth);
	case JSON_STRING:
		return dump_string(d, json_string_value(value), json_string_length(value));
	case JSON_INTEGER:
	case JSON_REAL:
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		break;
	}
	/* JSON's own words for these are YAML's */
	number = json_dumps(value, JSON_ENCODE_ANY);
	if (number == NULL)
		return -1;
	r = dump_scalar(d, number, strlen(number), YAML_PLAIN_SCALAR_STYLE);
	free(number);
	return r;
}

static int dump_document(struct dump *d, const json_t *value)
{
	yaml_event_t event;

	if (dump_emit(d, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING), &event) <
	            0 ||
	    dump_emit(d, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1),
	              &event) < 0 ||
	    dump_value(d, value, 0) < 0 ||
	    dump_emit(d, yaml_document_end_event_initialize(&event, 1), &event) < 0)
		return -1;
	return dump_emit(d, yaml_stream_end_event_initialize(&event), &event);
}

int yaml_dump_text(const json_t *value, char **ret_text, struct err *err)
{
	struct dump d = {0};
	int r;

	if (!yaml_emitter_initialize(&d.emitter))
		return err_set(err, ERR_NOMEM, 0, "YAML");
	yaml_emitter_set_output(&d.emitter, on_bytes, &d);
	yaml_emitter_set_unicode(&d.emitter, 1);
	yaml_emitter_set_indent(&d.emitter, DUMP_INDENT);
	yaml_emitter_set_width(&d.emitter, -1);
	r = dump_document(&d, value);
	yaml_emitter_delete(&d.emitter);
	if (r < 0 || d.text.data == NULL) {
		buf_done(&d.text);
		return err_set(err, ERR_INVALID, 0,
		               "not to be written as YAML: too deep, or no memory");
	}
	*ret_text = d.text.data;
	return 0;
}
