/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines - a text that is built line by line, as a JSON list of strings
 *
 * So a core can make a text of any length without memory functions of its own, and a test reads it.
 */
#pragma once

#include <jansson.h>

#include "lib/base/cleanup.h"

/** lines_add() - append one line; what is not UTF-8 becomes "?" */
void lines_add(json_t *lines, const char *fmt, ...) PRINTF_LIKE(2, 3);

/**
 * line_clean() - in place: control characters become "?", so that a text of somebody else (an
 * image's name, a registry's words) cannot drive the terminal
 */
void line_clean(char *text);
