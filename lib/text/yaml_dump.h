/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_dump - a JSON value as YAML text, as kubectl prints it (libyaml's emitter)
 *
 * Block style, sorted keys, lists not indented below their key, text of several lines as a literal
 * block. A string that YAML 1.1 would read as something else is quoted, so that what is printed
 * reads back as the same value.
 */
#pragma once

#include <jansson.h>

#include "lib/base/err.h"

/** yaml_dump_text() - one document without a "---" before it. @ret_text: to be freed */
int yaml_dump_text(const json_t *value, char **ret_text, struct err *err);
