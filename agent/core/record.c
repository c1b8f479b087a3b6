/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record - record.json read and written
 */
#include "agent/core/record.h"

#include <string.h>

static bool record_are_paths(const json_t *layers)
{
	const json_t *layer;
	size_t i;

	json_array_foreach(layers, i, layer) {
		if (!json_is_string(layer) || json_string_value(layer)[0] != '/')
			return false;
	}
	return json_array_size(layers) > 0;
}

int record_parse(const char *text, struct record *ret_record, struct err *err)
{
	json_error_t bad;
	json_t *json = json_loads(text, 0, &bad);
	struct record r = {.json = json};
	const char *files = "";
	json_t *layers = NULL;
	int is_dropping = 0;
	int version = 0;

	if (json == NULL)
		return err_set(err, ERR_PARSE, 0, "line %d: %s", bad.line, bad.text);
	if (json_unpack(json, "{s:i, s:s, s:s, s:o, s?s, s?b}", "version", &version, "instanceUID",
	                &r.instance_uid, "imageDigest", &r.image_digest, "layers", &layers,
	                "filesGeneration", &files, "isDropping", &is_dropping) < 0 ||
	    version != RECORD_VERSION || !record_are_paths(layers) ||
	    files_id_parse(files, &r.files, NULL) < 0) {
		json_decref(json);
		return err_set(err, ERR_PARSE, 0, "not a record of version %d", RECORD_VERSION);
	}
	r.layers = layers;
	r.is_dropping = is_dropping != 0;
	*ret_record = r;
	return 0;
}

void record_done(struct record *r)
{
	json_decref(r->json);
	*r = (struct record){0};
}

char *record_format(const struct record_parts *parts)
{
	char files[FILES_ID_BYTES];
	json_t *list = json_array();
	json_t *json;
	char *text;

	for (const char *const *layer = parts->layers; *layer != NULL; layer++)
		(void)json_array_append_new(list, json_string(*layer));
	json = json_pack("{s:i, s:s, s:s, s:o}", "version", RECORD_VERSION, "instanceUID",
	                 parts->instance_uid, "imageDigest", parts->image_digest, "layers", list);
	if (parts->files.number != 0)
		(void)json_object_set_new(json, "filesGeneration",
		                          json_string(files_id_format(parts->files, files)));
	if (parts->is_dropping)
		(void)json_object_set_new(json, "isDropping", json_true());
	text = json != NULL ? json_dumps(json, JSON_INDENT(1)) : NULL;
	json_decref(json);
	return text;
}

char *record_format_files(const struct record *r, struct files_id files)
{
	char id[FILES_ID_BYTES];
	json_t *json = json_copy(r->json);
	char *text = NULL;

	if (json_object_set_new(json, "filesGeneration", json_string(files_id_format(files, id))) ==
	    0)
		text = json_dumps(json, JSON_INDENT(1));
	json_decref(json);
	return text;
}

bool record_is(const struct record *r, const struct record_parts *parts)
{
	const json_t *layer;
	size_t i;

	if (strcmp(r->image_digest, parts->image_digest) != 0 ||
	    !files_id_is(r->files, parts->files) || r->is_dropping != parts->is_dropping)
		return false;
	json_array_foreach(r->layers, i, layer) {
		if (parts->layers[i] == NULL ||
		    strcmp(parts->layers[i], json_string_value(layer)) != 0)
			return false;
	}
	return parts->layers[i] == NULL;
}
