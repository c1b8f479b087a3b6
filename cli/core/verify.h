/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify - what the node agent says of the kept files
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/** verify_is_told() - the agent has carried @order out */
bool verify_is_told(const json_t *instance, const char *order);

/**
 * verify_lines() - the result as text; @ret_is_same: nothing differs
 * Return: new reference
 */
json_t *verify_lines(const json_t *instance, const char *name, bool *ret_is_same);
