/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_id - checks and writes the X-Request-Id of a request
 */
#include "activator/core/request_id.h"

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.' || c == ':' || c == '/' || c == '+' || c == '=';
}

bool request_id_is_plain(const char *text, size_t bytes)
{
	if (bytes == 0 || bytes > REQUEST_ID_MAX)
		return false;
	for (size_t i = 0; i < bytes; i++)
		if (!is_plain(text[i]))
			return false;
	return true;
}

void request_id_write(char ret_text[2 * REQUEST_ID_RANDOM_BYTES + 1],
                      const unsigned char random[REQUEST_ID_RANDOM_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < REQUEST_ID_RANDOM_BYTES; i++) {
		ret_text[2 * i] = digits[random[i] >> 4];
		ret_text[2 * i + 1] = digits[random[i] & 15];
	}
	ret_text[2 * REQUEST_ID_RANDOM_BYTES] = '\0';
}
