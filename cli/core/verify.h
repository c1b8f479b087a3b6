/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify - the result of comparing the kept files, which the node agent wrote, as text
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/** verify_is_done() - the agent has carried @order out */
bool verify_is_done(const json_t *instance, const char *order);

/**
 * verify_lines() - the result as text; @ret_is_same: nothing differs
 * Return: new reference
 */
json_t *verify_lines(const json_t *instance, const char *name, bool *ret_is_same);
