/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_internal - shared by the files of config: options, their layers, and their values
 */
#pragma once

#include "lib/config/config.h"

enum { CONFIG_NAME_BYTES = 128, CONFIG_FILE_BYTES_MAX = 1 << 20, CONFIG_LIST_MAX = 256 };

/* A higher layer's value replaces a lower one's, in whichever order they are read. */
enum config_layer {
	CONFIG_LAYER_NONE,
	CONFIG_LAYER_DEFAULT,
	CONFIG_LAYER_FILE,
	CONFIG_LAYER_ENV,
	CONFIG_LAYER_FLAG,
};

struct config_slot {
	const struct config_option *option;
	enum config_layer layer;
	char **items; /* one text, or a list's; NULL-terminated */
	size_t items_count;
};

struct config {
	const struct config_program *program;
	struct config_slot *slots; /* the common options first, then the program's */
	size_t slots_count;
	int operands; /* where they begin in argv */
};

/* The options that every program has; config itself reads them, so they have no value pointer. */
enum { CONFIG_COMMON_FILE, CONFIG_COMMON_LOG_LEVEL, CONFIG_COMMON_LOG_FORMAT };
extern const struct config_option config_common[];
extern const size_t config_common_count;

/** config_flag_name() - "hold.maxPending" to "hold-max-pending" */
void config_flag_name(const char *path, char buf[CONFIG_NAME_BYTES]);
/** config_env_name() - "hold.maxPending" to "SC_HOLD_MAX_PENDING" */
void config_env_name(const char *path, char buf[CONFIG_NAME_BYTES]);

/**
 * config_set() - check @text and keep it unless a higher layer has spoken
 * A list's text is one item; items of one layer add up.
 */
int config_set(struct config_slot *slot, enum config_layer layer, const char *text,
               struct err *err);

/** config_read_file() - the YAML layer. Errors start with FILE:LINE. */
int config_read_file(struct config *config, const char *path, struct err *err);

void config_print_help(const struct config *config);
