/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64 - encodes and decodes, RFC 4648 section 4
 */
#include "lib/base/base64.h"

#include <stdint.h>
#include <string.h>

enum { GROUP_BYTES = 3, GROUP_DIGITS = 4, PADDING_MAX = 2 };

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_text_bytes(size_t bytes)
{
	return (bytes + GROUP_BYTES - 1) / GROUP_BYTES * GROUP_DIGITS + 1;
}

void base64_encode(const void *data, size_t bytes, char *text)
{
	const uint8_t *at = data;

	for (size_t i = 0; i < bytes; i += GROUP_BYTES) {
		size_t left = bytes - i;
		uint32_t group = (uint32_t)at[i] << 16 | (left > 1 ? (uint32_t)at[i + 1] << 8 : 0) |
		                 (left > 2 ? at[i + 2] : 0);

		*text++ = digits[group >> 18];
		*text++ = digits[group >> 12 & 63];
		*text++ = left > 1 ? digits[group >> 6 & 63] : '=';
		*text++ = left > 2 ? digits[group & 63] : '=';
	}
	*text = '\0';
}

size_t base64_data_bytes(const char *text)
{
	return strlen(text) / GROUP_DIGITS * GROUP_BYTES + 1;
}

static int digit_value(char c)
{
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

bool base64_decode(const char *text, char *data, size_t *ret_bytes)
{
	size_t length = strlen(text);
	size_t padding = 0;
	size_t bytes = 0;

	if (length % GROUP_DIGITS != 0)
		return false;
	while (padding < PADDING_MAX && padding < length && text[length - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < length; i += GROUP_DIGITS) {
		uint32_t group = 0;

		for (size_t k = i; k < i + GROUP_DIGITS; k++) {
			int value = k >= length - padding ? 0 : digit_value(text[k]);

			if (value < 0)
				return false;
			group = group << 6 | (uint32_t)value;
		}
		data[bytes++] = (char)(group >> 16 & 0xff);
		data[bytes++] = (char)(group >> 8 & 0xff);
		data[bytes++] = (char)(group & 0xff);
	}
	bytes -= padding;
	data[bytes] = '\0';
	*ret_bytes = bytes;
	return true;
}
