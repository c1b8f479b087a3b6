/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config - reads defaults, file, environment and flags, and writes the values where they go
 */
#include "lib/config/config.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/num.h"
#include "lib/config/config_internal.h"

DEFINE_CLEANUP(struct config *, config_free);

const struct config_option config_common[] = {
        [CONFIG_COMMON_FILE] = {"config", CONFIG_STR, NULL, NULL, 0, 0,
                                "YAML file with any of these options"},
        [CONFIG_COMMON_LOG_LEVEL] = {"log.level", CONFIG_STR, NULL, "info", 0, 0,
                                     "least level that is logged: debug, info, "
                                     "warn or error"},
        [CONFIG_COMMON_LOG_FORMAT] = {"log.format", CONFIG_STR, NULL, "logfmt", 0, 0,
                                      "form of a log line: logfmt or json"},
};
const size_t config_common_count = ARRAY_LEN(config_common);

void config_flag_name(const char *path, char buf[CONFIG_NAME_BYTES])
{
	size_t len = 0;

	for (const char *c = path; *c != '\0' && len + 2 < CONFIG_NAME_BYTES; c++) {
		if (isupper((unsigned char)*c) && c > path && islower((unsigned char)c[-1]))
			buf[len++] = '-';
		buf[len++] = *c == '.' ? '-' : (char)tolower((unsigned char)*c);
	}
	buf[len] = '\0';
}

void config_env_name(const char *path, char buf[CONFIG_NAME_BYTES])
{
	char flag[CONFIG_NAME_BYTES];
	size_t len = (size_t)snprintf(buf, CONFIG_NAME_BYTES, "SC_");

	config_flag_name(path, flag);
	for (const char *c = flag; *c != '\0' && len + 1 < CONFIG_NAME_BYTES; c++)
		buf[len++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	buf[len] = '\0';
}

static int config_parse_bool(const char *text, uint64_t *ret_value, struct err *err)
{
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return err_set(err, ERR_PARSE, 0, "\"%s\": want true or false", text);
	*ret_value = text[0] == 't';
	return 0;
}

static int config_check_log(const struct config_option *option, const char *text, struct err *err)
{
	enum log_level level;

	if (option == &config_common[CONFIG_COMMON_LOG_LEVEL] && log_level_parse(text, &level) < 0)
		return err_set(err, ERR_INVALID, 0, "\"%s\": want debug, info, warn or error",
		               text);
	if (option == &config_common[CONFIG_COMMON_LOG_FORMAT] && strcmp(text, "json") != 0 &&
	    strcmp(text, "logfmt") != 0)
		return err_set(err, ERR_INVALID, 0, "\"%s\": want logfmt or json", text);
	return 0;
}

static int config_parse_size(const char *text, uint64_t max, uint64_t *ret_value, struct err *err)
{
	uint64_t milli;

	if (num_parse_quantity_milli(text, &milli, err) < 0)
		return -1;
	if (milli / 1000 > max)
		return err_set(err, ERR_PARSE, 0, "\"%s\": want at most %" PRIu64 " bytes", text,
		               max);
	*ret_value = milli / 1000;
	return 0;
}

/* The number in @text; 0 for kinds that are text. */
static int config_parse(const struct config_option *option, const char *text, uint64_t *ret_value,
                        struct err *err)
{
	uint64_t max = option->max != 0 ? option->max : UINT64_MAX;
	uint64_t v = 0;
	int r = 0;

	switch (option->kind) {
	case CONFIG_STR:
		*ret_value = 0;
		return config_check_log(option, text, err);
	case CONFIG_LIST:
		*ret_value = 0;
		return 0;
	case CONFIG_BOOL:
		return config_parse_bool(text, ret_value, err);
	case CONFIG_U64:
		r = num_parse_u64(text, option->min, max, &v, err);
		break;
	case CONFIG_DURATION:
		r = num_parse_duration_ms(text, max, &v, err);
		break;
	case CONFIG_SIZE:
		r = config_parse_size(text, max, &v, err);
		break;
	}
	if (r < 0)
		return -1;
	if (v < option->min)
		return err_set(err, ERR_PARSE, 0, "\"%s\": want at least %" PRIu64 " %s", text,
		               option->min, option->kind == CONFIG_SIZE ? "bytes" : "ms");
	*ret_value = v;
	return 0;
}

static void config_slot_clear(struct config_slot *slot)
{
	for (size_t i = 0; i < slot->items_count; i++)
		free(slot->items[i]);
	free(slot->items);
	slot->items = NULL;
	slot->items_count = 0;
}

int config_set(struct config_slot *slot, enum config_layer layer, const char *text, struct err *err)
{
	CLEANUP(free_var) char *copy = NULL;
	char **items;
	uint64_t ignored;

	if (config_parse(slot->option, text, &ignored, err) < 0)
		return -1;
	if (layer < slot->layer)
		return 0;
	if (layer > slot->layer || slot->option->kind != CONFIG_LIST)
		config_slot_clear(slot);
	if (slot->items_count >= CONFIG_LIST_MAX)
		return err_set(err, ERR_INVALID, 0, "more than %d values", (int)CONFIG_LIST_MAX);
	copy = strdup(text);
	items = reallocarray(slot->items, slot->items_count + 2, sizeof *items);
	if (items != NULL)
		slot->items = items;
	if (copy == NULL || items == NULL)
		return err_set(err, ERR_NOMEM, 0, "configuration value");
	items[slot->items_count++] = TAKE_PTR(copy);
	items[slot->items_count] = NULL;
	slot->layer = layer;
	return 0;
}

/* Text by comma; what is between commas is an item, nothing is none. */
static int config_set_split(struct config_slot *slot, enum config_layer layer, const char *text,
                            struct err *err)
{
	CLEANUP(free_var) char *copy = strdup(text);
	char *rest = copy;
	char *item;

	if (copy == NULL)
		return err_set(err, ERR_NOMEM, 0, "configuration value");
	while ((item = strsep(&rest, ",")) != NULL) {
		if (*item != '\0' && config_set(slot, layer, item, err) < 0)
			return -1;
	}
	return 0;
}

static int config_set_text(struct config_slot *slot, enum config_layer layer, const char *text,
                           struct err *err)
{
	if (slot->option->kind == CONFIG_LIST)
		return config_set_split(slot, layer, text, err);
	return config_set(slot, layer, text, err);
}

static int config_read_defaults(struct config *config, struct err *err)
{
	for (size_t i = 0; i < config->slots_count; i++) {
		struct config_slot *slot = &config->slots[i];
		const char *text = slot->option->default_text;

		if (text != NULL && config_set_text(slot, CONFIG_LAYER_DEFAULT, text, err) < 0)
			return err_wrap(err, "default of %s", slot->option->path);
	}
	return 0;
}

/* An empty variable counts as not set, as a manifest's `value: ""` means it. */
static int config_read_env(struct config *config, struct err *err)
{
	char name[CONFIG_NAME_BYTES];

	for (size_t i = 0; i < config->slots_count; i++) {
		struct config_slot *slot = &config->slots[i];
		const char *text;

		config_env_name(slot->option->path, name);
		text = getenv(name);
		if (text != NULL && *text != '\0' &&
		    config_set_text(slot, CONFIG_LAYER_ENV, text, err) < 0)
			return err_wrap(err, "environment variable %s", name);
	}
	return 0;
}

static struct config_slot *config_find_flag(struct config *config, const char *name, size_t len)
{
	char flag[CONFIG_NAME_BYTES];

	for (size_t i = 0; i < config->slots_count; i++) {
		config_flag_name(config->slots[i].option->path, flag);
		if (strlen(flag) == len && memcmp(flag, name, len) == 0)
			return &config->slots[i];
	}
	return NULL;
}

/* One "--flag[=value]" or "--flag value" at argv[*at]; moves *at past it. */
static int config_read_flag(struct config *config, int argc, char **argv, int *at, struct err *err)
{
	const char *name = argv[*at] + 2;
	size_t len = strcspn(name, "=");
	struct config_slot *slot = config_find_flag(config, name, len);
	const char *value = NULL;

	if (slot == NULL)
		return err_set(err, ERR_INVALID, 0, "unknown option --%.*s (see --help)", (int)len,
		               name);
	(*at)++;
	if (name[len] == '=')
		value = name + len + 1;
	else if (slot->option->kind == CONFIG_BOOL)
		value = "true";
	else if (*at < argc)
		value = argv[(*at)++];
	if (value == NULL)
		return err_set(err, ERR_INVALID, 0, "option --%s: want a value", name);
	if (config_set(slot, CONFIG_LAYER_FLAG, value, err) < 0)
		return err_wrap(err, "option --%.*s", (int)len, name);
	return 0;
}

/* Return: 0; 1 when --help or --version was answered. */
static int config_read_flags(struct config *config, int argc, char **argv, struct err *err)
{
	int at = 1;

	while (at < argc && argv[at][0] == '-' && argv[at][1] != '\0') {
		if (strcmp(argv[at], "--") == 0) {
			at++;
			break;
		}
		if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
			config_print_help(config);
			return 1;
		}
		if (strcmp(argv[at], "--version") == 0) {
			(void)printf("%s %s\n", config->program->name, SC_VERSION);
			return 1;
		}
		if (argv[at][1] != '-')
			return err_set(err, ERR_INVALID, 0, "unknown option %s (see --help)",
			               argv[at]);
		if (config_read_flag(config, argc, argv, &at, err) < 0)
			return -1;
	}
	if (at < argc && config->program->operands == NULL)
		return err_set(err, ERR_INVALID, 0, "unexpected argument \"%s\" (see --help)",
		               argv[at]);
	config->operands = at;
	return 0;
}

static int config_new(const struct config_program *program, struct config **ret_config,
                      struct err *err)
{
	CLEANUP(config_free_var) struct config *config = calloc(1, sizeof *config);
	size_t count = config_common_count + program->options_count;

	if (config == NULL || (config->slots = calloc(count, sizeof *config->slots)) == NULL)
		return err_set(err, ERR_NOMEM, 0, "configuration");
	config->program = program;
	config->slots_count = count;
	for (size_t i = 0; i < count; i++) {
		config->slots[i].option = i < config_common_count
		                                  ? &config_common[i]
		                                  : &program->options[i - config_common_count];
	}
	*ret_config = TAKE_PTR(config);
	return 0;
}

static const char *config_text(const struct config *config, int slot)
{
	const struct config_slot *s = &config->slots[slot];

	return s->items_count > 0 ? s->items[0] : NULL;
}

/* Every text was checked when it was set: nothing here can fail. */
static void config_write_value(const struct config_slot *slot)
{
	static const char *const empty_list[] = {NULL};
	const char *text = slot->items_count > 0 ? slot->items[0] : NULL;
	uint64_t number = 0;

	if (text != NULL)
		(void)config_parse(slot->option, text, &number, NULL);
	switch (slot->option->kind) {
	case CONFIG_STR:
		*(const char **)slot->option->value = text;
		break;
	case CONFIG_LIST:
		*(const char *const **)slot->option->value =
		        text != NULL ? (const char *const *)slot->items : empty_list;
		break;
	case CONFIG_BOOL:
		*(bool *)slot->option->value = number != 0;
		break;
	case CONFIG_U64:
	case CONFIG_DURATION:
	case CONFIG_SIZE:
		*(uint64_t *)slot->option->value = number;
		break;
	}
}

/* Both texts were checked when they were set. */
static void config_setup_log(const struct config *config)
{
	const char *format = config_text(config, CONFIG_COMMON_LOG_FORMAT);
	enum log_level level = LOG_INFO;

	(void)log_level_parse(config_text(config, CONFIG_COMMON_LOG_LEVEL), &level);
	log_setup(config->program->name, level,
	          strcmp(format, "json") == 0 ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT);
}

int config_load(const struct config_program *program, int argc, char **argv,
                struct config **ret_config, struct err *err)
{
	CLEANUP(config_free_var) struct config *config = NULL;
	const char *file;
	int r;

	if (config_new(program, &config, err) < 0)
		return -1;
	r = config_read_flags(config, argc, argv, err);
	if (r != 0)
		return r;
	if (config_read_defaults(config, err) < 0 || config_read_env(config, err) < 0)
		return -1;
	file = config_text(config, CONFIG_COMMON_FILE);
	if (file != NULL && config_read_file(config, file, err) < 0)
		return -1;
	config_setup_log(config);
	for (size_t i = config_common_count; i < config->slots_count; i++)
		config_write_value(&config->slots[i]);
	*ret_config = TAKE_PTR(config);
	return 0;
}

int config_operands(const struct config *config)
{
	return config->operands;
}

void config_free(struct config *config)
{
	if (config == NULL)
		return;
	for (size_t i = 0; i < config->slots_count; i++)
		config_slot_clear(&config->slots[i]);
	free(config->slots);
	free(config);
}
