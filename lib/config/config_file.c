/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_file - the YAML file as a layer of the configuration
 *
 * lib/text/yaml reads it; here its keys become options, and what is wrong gets its line.
 */
#include "lib/config/config_internal.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/text/json_ref.h"
#include "lib/text/yaml.h"

DEFINE_CLEANUP(json_t *, json_decref);

struct config_file {
	struct config *config;
	const char *name;
	const json_t *lines; /* of each pointer */
	bool *seen; /* per slot: hold.timeout can be "hold.timeout" and "hold: {timeout:" */
	char pointer[YAML_POINTER_BYTES]; /* to what is looked at */
};

static int config_file_line(const struct config_file *f)
{
	return (int)json_integer_value(json_object_get(f->lines, f->pointer));
}

static int config_file_fail(const struct config_file *f, const char *path, const char *want,
                            struct err *err)
{
	return err_set(err, ERR_PARSE, 0, "%s:%d: %s: %s", f->name, config_file_line(f), path,
	               want);
}

static int config_file_set(const struct config_file *f, struct config_slot *slot,
                           const json_t *value, struct err *err)
{
	/* an item that is nothing is an empty text */
	const char *text = json_is_null(value) ? "" : json_string_value(value);

	if (text == NULL)
		return config_file_fail(f, slot->option->path,
		                        slot->option->kind == CONFIG_LIST ? "want a list of texts"
		                                                          : "want a single value",
		                        err);
	if (config_set(slot, CONFIG_LAYER_FILE, text, err) < 0)
		return err_wrap(err, "%s:%d: %s", f->name, config_file_line(f), slot->option->path);
	return 0;
}

/* "key:", "key: ~" and "key: null" say nothing, so the layer below stays. */
static int config_file_option(struct config_file *f, struct config_slot *slot, const json_t *value,
                              struct err *err)
{
	const json_t *item;
	size_t i;

	if (json_is_null(value))
		return 0;
	if (slot->option->kind != CONFIG_LIST)
		return config_file_set(f, slot, value, err);
	if (!json_is_array(value))
		return config_file_fail(f, slot->option->path, "want a list", err);
	json_array_foreach(value, i, item) {
		char index[24];
		size_t len;

		(void)snprintf(index, sizeof index, "%zu", i);
		len = yaml_pointer_push(f->pointer, index);
		if (config_file_set(f, slot, item, err) < 0)
			return -1;
		f->pointer[len] = '\0';
	}
	return 0;
}

static bool config_file_is_section(const struct config *config, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < config->slots_count; i++) {
		const char *p = config->slots[i].option->path;

		if (strncmp(p, path, len) == 0 && p[len] == '.')
			return true;
	}
	return false;
}

static struct config_slot *config_file_slot(struct config *config, const char *path)
{
	/* the first is "config": a file cannot name another */
	for (size_t i = 1; i < config->slots_count; i++) {
		if (strcmp(config->slots[i].option->path, path) == 0)
			return &config->slots[i];
	}
	return NULL;
}

static int config_file_mapping(struct config_file *f, const json_t *map, const char *prefix,
                               struct err *err);

/* @path: of the key that f->pointer leads to */
static int config_file_key(struct config_file *f, const char *path, const json_t *value,
                           struct err *err)
{
	struct config_slot *slot = config_file_slot(f->config, path);
	bool *seen;

	if (slot == NULL && config_file_is_section(f->config, path)) {
		if (json_is_null(value))
			return 0;
		/* a section's path is shorter than its options': the depth is bounded */
		return config_file_mapping(f, value, path, err);
	}
	if (slot == NULL)
		return config_file_fail(f, path, "unknown key (see --help)", err);
	seen = &f->seen[slot - f->config->slots];
	if (*seen)
		return config_file_fail(f, path, "is there twice", err);
	*seen = true;
	return config_file_option(f, slot, value, err);
}

static int config_file_mapping(struct config_file *f, const json_t *map, const char *prefix,
                               struct err *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(map))
		return config_file_fail(f, *prefix != '\0' ? prefix : "file",
		                        "want a mapping of keys to values", err);
	json_object_foreach(json_ref(map), key, value) {
		char path[CONFIG_NAME_BYTES];
		size_t len = yaml_pointer_push(f->pointer, key);

		(void)snprintf(path, sizeof path, "%s%s%s", prefix, *prefix != '\0' ? "." : "",
		               key);
		if (config_file_key(f, path, value, err) < 0)
			return -1;
		f->pointer[len] = '\0';
	}
	return 0;
}

static int config_file_documents(struct config_file *f, const json_t *docs, struct err *err)
{
	if (json_array_size(docs) > 1) {
		(void)snprintf(f->pointer, sizeof f->pointer, "/1");
		return err_set(err, ERR_PARSE, 0, "%s:%d: want one document", f->name,
		               config_file_line(f));
	}
	if (json_array_size(docs) == 0 || json_is_null(json_array_get(docs, 0)))
		return 0;
	(void)snprintf(f->pointer, sizeof f->pointer, "/0");
	return config_file_mapping(f, json_array_get(docs, 0), "", err);
}

int config_read_file(struct config *config, const char *path, struct err *err)
{
	CLEANUP(free_var) bool *seen = calloc(config->slots_count, sizeof *seen);
	CLEANUP(json_decref_var) json_t *docs = NULL;
	CLEANUP(json_decref_var) json_t *lines = NULL;
	struct config_file f = {.config = config, .name = path, .seen = seen};
	struct stat st;

	if (seen == NULL)
		return err_set(err, ERR_NOMEM, 0, "configuration");
	if (stat(path, &st) < 0)
		return err_set(err, ERR_SYS, errno, "open %s", path);
	if (!S_ISREG(st.st_mode) || st.st_size > CONFIG_FILE_BYTES_MAX)
		return err_set(err, ERR_INVALID, 0, "%s: want a file of at most %d bytes", path,
		               (int)CONFIG_FILE_BYTES_MAX);
	if (yaml_load_file_texts(path, &docs, &lines, err) < 0)
		return -1;
	f.lines = lines;
	return config_file_documents(&f, docs, err);
}
