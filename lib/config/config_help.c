/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_help - prints --help from the table of options
 */
#include "lib/config/config_internal.h"

#include <string.h>

static const char *config_value_word(enum config_kind kind)
{
	switch (kind) {
	case CONFIG_STR:
		return " TEXT";
	case CONFIG_U64:
		return " NUMBER";
	case CONFIG_DURATION:
		return " DURATION";
	case CONFIG_SIZE:
		return " SIZE";
	case CONFIG_LIST:
		return " TEXT…";
	case CONFIG_BOOL:
		break;
	}
	return "";
}

static void config_print_option(const struct config_option *option)
{
	char flag[CONFIG_NAME_BYTES];
	char env[CONFIG_NAME_BYTES];

	config_flag_name(option->path, flag);
	config_env_name(option->path, env);
	(void)printf("  --%s%s\n      %s", flag, config_value_word(option->kind), option->help);
	if (option->default_text != NULL && *option->default_text != '\0')
		(void)printf(" (default %s)", option->default_text);
	(void)printf(" [%s]\n", env);
}

/* The group is the path up to the first dot; "" for a path without. */
static size_t config_group_len(const char *path)
{
	const char *dot = strchr(path, '.');

	return dot != NULL ? (size_t)(dot - path) : 0;
}

static bool config_same_group(const char *a, const char *b)
{
	size_t len = config_group_len(a);

	return len == config_group_len(b) && strncmp(a, b, len) == 0;
}

static void config_print_group(const struct config_option *options, size_t count, size_t first)
{
	const char *path = options[first].path;
	int len = (int)config_group_len(path);

	(void)printf("\n%.*s:\n", len > 0 ? len : 7, len > 0 ? path : "general");
	for (size_t i = first; i < count; i++) {
		if (config_same_group(options[i].path, path))
			config_print_option(&options[i]);
	}
}

static void config_print_groups(const struct config_option *options, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool printed = false;

		for (size_t k = 0; k < i && !printed; k++)
			printed = config_same_group(options[k].path, options[i].path);
		if (!printed)
			config_print_group(options, count, i);
	}
}

void config_print_help(const struct config *config)
{
	const struct config_program *p = config->program;

	(void)printf("%s - %s\n\nUsage: %s [OPTION…]%s%s\n", p->name, p->synopsis, p->name,
	             p->operands != NULL ? " " : "", p->operands != NULL ? p->operands : "");
	config_print_groups(p->options, p->options_count);
	(void)printf("\nevery program:\n");
	for (size_t i = 0; i < config_common_count; i++)
		config_print_option(&config_common[i]);
	(void)printf("  --help, --version\n\n"
	             "A flag wins over its environment variable [in brackets], that over the file "
	             "of --config, that\nover the default. In the file, --hold-timeout is "
	             "hold: {timeout: 60s}: words in camelCase, groups nest.\n");
}
