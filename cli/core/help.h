/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help - what --help prints, made of the tables
 */
#pragma once

#include <jansson.h>

#include "cli/core/verbs.h"

/** help_lines() - of a verb, or of all with VERB_NONE. Return: new reference */
json_t *help_lines(enum verb verb);
