/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_quote - finds out whether a quote in a JSON text is escaped
 */
#pragma once

#include <stdbool.h>

/** json_quote_is_escaped() - a byte of a string that begins (or goes on) at @from */
static inline bool json_quote_is_escaped(const char *from, const char *byte)
{
	const char *at = byte;

	while (at > from && at[-1] == '\\')
		at--;
	return (byte - at) % 2 != 0;
}
