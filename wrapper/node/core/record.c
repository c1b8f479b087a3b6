/* SPDX-License-Identifier: Apache-2.0 */
#include "wrapper/node/core/record.h"

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
	json_t *layers = NULL;
	int version = 0;

	if (json == NULL)
		return err_set(err, ERR_PARSE, 0, "line %d: %s", bad.line, bad.text);
	if (json_unpack(json, "{s:i, s:s, s:s, s:o}", "version", &version, "instanceUID",
	                &r.instance_uid, "imageDigest", &r.image_digest, "layers", &layers) < 0 ||
	    version != RECORD_VERSION || !record_are_paths(layers)) {
		json_decref(json);
		return err_set(err, ERR_PARSE, 0, "not a record of version %d", RECORD_VERSION);
	}
	r.layers = layers;
	*ret_record = r;
	return 0;
}

void record_done(struct record *r)
{
	json_decref(r->json);
	*r = (struct record){0};
}

char *record_format(const char *instance_uid, const char *image_digest, const char *const *layers)
{
	json_t *list = json_array();
	json_t *json;
	char *text;

	for (; *layers != NULL; layers++)
		(void)json_array_append_new(list, json_string(*layers));
	json = json_pack("{s:i, s:s, s:s, s:o}", "version", RECORD_VERSION, "instanceUID",
	                 instance_uid, "imageDigest", image_digest, "layers", list);
	text = json != NULL ? json_dumps(json, JSON_INDENT(1)) : NULL;
	json_decref(json);
	return text;
}

bool record_is(const struct record *r, const char *image_digest, const char *const *layers)
{
	const json_t *layer;
	size_t i;

	if (strcmp(r->image_digest, image_digest) != 0)
		return false;
	json_array_foreach(r->layers, i, layer) {
		if (layers[i] == NULL || strcmp(layers[i], json_string_value(layer)) != 0)
			return false;
	}
	return layers[i] == NULL;
}
