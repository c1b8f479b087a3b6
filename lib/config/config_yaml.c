/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/config_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

struct config_yaml {
	struct config *config;
	const char *file;
	yaml_document_t *doc;
	bool *seen; /* per slot: a key may be there once */
};

static int config_yaml_fail(const struct config_yaml *y, const yaml_node_t *at, const char *path,
                            const char *want, struct err *err)
{
	return err_set(err, ERR_PARSE, 0, "%s:%zu: %s: %s", y->file, at->start_mark.line + 1, path,
	               want);
}

static const char *config_yaml_text(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

/* "key:", "key: ~" and "key: null" say nothing, so the layer below stays. */
static bool config_yaml_is_null(const yaml_node_t *node)
{
	const char *text;

	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	text = config_yaml_text(node);
	return *text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

static int config_yaml_set(struct config_yaml *y, struct config_slot *slot, const yaml_node_t *node,
                           struct err *err)
{
	const char *path = slot->option->path;

	if (node->type != YAML_SCALAR_NODE)
		return config_yaml_fail(y, node, path,
		                        slot->option->kind == CONFIG_LIST ? "want a list of texts"
		                                                          : "want a single value",
		                        err);
	if (config_set(slot, CONFIG_LAYER_FILE, config_yaml_text(node), err) < 0)
		return err_wrap(err, "%s:%zu: %s", y->file, node->start_mark.line + 1, path);
	return 0;
}

static int config_yaml_option(struct config_yaml *y, struct config_slot *slot,
                              const yaml_node_t *node, struct err *err)
{
	if (config_yaml_is_null(node))
		return 0;
	if (slot->option->kind != CONFIG_LIST)
		return config_yaml_set(y, slot, node, err);
	if (node->type != YAML_SEQUENCE_NODE)
		return config_yaml_fail(y, node, slot->option->path, "want a list", err);
	for (const yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		if (config_yaml_set(y, slot, yaml_document_get_node(y->doc, *item), err) < 0)
			return -1;
	}
	return 0;
}

static bool config_yaml_is_section(const struct config *config, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < config->slots_count; i++) {
		const char *p = config->slots[i].option->path;

		if (strncmp(p, path, len) == 0 && p[len] == '.')
			return true;
	}
	return false;
}

static struct config_slot *config_yaml_slot(struct config *config, const char *path)
{
	/* the first is "config": a file cannot name another */
	for (size_t i = 1; i < config->slots_count; i++) {
		if (strcmp(config->slots[i].option->path, path) == 0)
			return &config->slots[i];
	}
	return NULL;
}

static int config_yaml_mapping(struct config_yaml *y, const yaml_node_t *map, const char *prefix,
                               struct err *err);

static int config_yaml_pair(struct config_yaml *y, const yaml_node_pair_t *pair, const char *prefix,
                            struct err *err)
{
	const yaml_node_t *key = yaml_document_get_node(y->doc, pair->key);
	const yaml_node_t *value = yaml_document_get_node(y->doc, pair->value);
	char path[CONFIG_NAME_BYTES];
	struct config_slot *slot;
	bool *seen;

	if (key->type != YAML_SCALAR_NODE)
		return config_yaml_fail(y, key, "key", "want a text", err);
	(void)snprintf(path, sizeof path, "%s%s%s", prefix, *prefix != '\0' ? "." : "",
	               config_yaml_text(key));
	slot = config_yaml_slot(y->config, path);
	if (slot == NULL && config_yaml_is_section(y->config, path)) {
		if (config_yaml_is_null(value))
			return 0;
		/* a section's path is shorter than its options': the depth is bounded */
		return config_yaml_mapping(y, value, path, err);
	}
	if (slot == NULL)
		return config_yaml_fail(y, key, path, "unknown key (see --help)", err);
	seen = &y->seen[slot - y->config->slots];
	if (*seen)
		return config_yaml_fail(y, key, path, "is there twice", err);
	*seen = true;
	return config_yaml_option(y, slot, value, err);
}

static int config_yaml_mapping(struct config_yaml *y, const yaml_node_t *map, const char *prefix,
                               struct err *err)
{
	if (map->type != YAML_MAPPING_NODE)
		return config_yaml_fail(y, map, *prefix != '\0' ? prefix : "file",
		                        "want a mapping of keys to values", err);
	for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		if (config_yaml_pair(y, pair, prefix, err) < 0)
			return -1;
	}
	return 0;
}

static int config_yaml_document(struct config *config, const char *path, yaml_document_t *doc,
                                struct err *err)
{
	CLEANUP(free_var) bool *seen = calloc(config->slots_count, sizeof *seen);
	struct config_yaml y = {config, path, doc, seen};
	const yaml_node_t *root = yaml_document_get_root_node(doc);

	if (seen == NULL)
		return err_set(err, ERR_NOMEM, 0, "configuration");
	if (root == NULL || config_yaml_is_null(root))
		return 0;
	return config_yaml_mapping(&y, root, "", err);
}

static int config_yaml_load(yaml_parser_t *parser, const char *path, yaml_document_t *doc,
                            struct err *err)
{
	if (yaml_parser_load(parser, doc) != 0)
		return 0;
	if (parser->error == YAML_MEMORY_ERROR)
		return err_set(err, ERR_NOMEM, 0, "%s", path);
	return err_set(err, ERR_PARSE, 0, "%s:%zu: %s", path, parser->problem_mark.line + 1,
	               parser->problem != NULL ? parser->problem : "is not YAML");
}

static int config_yaml_parse(struct config *config, const char *path, yaml_parser_t *parser,
                             struct err *err)
{
	yaml_document_t doc;
	yaml_node_t *root;
	size_t line;
	int r;

	if (config_yaml_load(parser, path, &doc, err) < 0)
		return -1;
	r = config_yaml_document(config, path, &doc, err);
	yaml_document_delete(&doc);
	if (r < 0)
		return -1;
	if (config_yaml_load(parser, path, &doc, err) < 0)
		return -1;
	root = yaml_document_get_root_node(&doc);
	line = root != NULL ? root->start_mark.line + 1 : 0;
	yaml_document_delete(&doc);
	if (root != NULL)
		return err_set(err, ERR_PARSE, 0, "%s:%zu: want one document", path, line);
	return 0;
}

int config_read_file(struct config *config, const char *path, struct err *err)
{
	CLEANUP(fclose_var) FILE *f = fopen(path, "re");
	struct stat st;
	yaml_parser_t parser;
	int r;

	if (f == NULL || fstat(fileno(f), &st) < 0)
		return err_set(err, ERR_SYS, errno, "open %s", path);
	if (!S_ISREG(st.st_mode) || st.st_size > CONFIG_FILE_BYTES_MAX)
		return err_set(err, ERR_INVALID, 0, "%s: want a file of at most %d bytes", path,
		               (int)CONFIG_FILE_BYTES_MAX);
	if (yaml_parser_initialize(&parser) == 0)
		return err_set(err, ERR_NOMEM, 0, "%s", path);
	yaml_parser_set_input_file(&parser, f);
	r = config_yaml_parse(config, path, &parser, err);
	yaml_parser_delete(&parser);
	return r;
}
