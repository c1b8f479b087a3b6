/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str - questions about strings that string.h does not answer
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** str_is_one_of() - @words: ends with NULL */
bool str_is_one_of(const char *text, const char *const *words);

/** str_copy() - @text may be NULL, then @ret_copy stays as it is. Return: 0; -1 without memory */
int str_copy(char **ret_copy, const char *text);

/**
 * str_whole_bytes() - of a UTF-8 text that was cut somewhere: its bytes without a sequence
 *                     (RFC 3629) of which the end is missing
 */
size_t str_whole_bytes(const char *text);
