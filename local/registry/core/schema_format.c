/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_format - the formats of strings that the API server checks
 *
 * They are date-time, date, duration, byte, uuid, ipv4, ipv6 and hostname. Others say how a value
 * is meant and are not checked, as there.
 */
#include <arpa/inet.h>
#include <string.h>

#include "lib/base/num.h"
#include "local/registry/core/schema.h"

static bool is_in(char c, const char *set)
{
	return c != 0 && strchr(set, c) != NULL;
}

/* '0' in @shape is a digit, 'x' a hexadecimal one, all else itself. */
static bool has_shape(const char *text, const char *shape)
{
	for (; *shape; shape++, text++) {
		if (*shape == '0'   ? !is_in(*text, "0123456789")
		    : *shape == 'x' ? !is_in(*text, "0123456789abcdefABCDEF")
		                    : *text != *shape)
			return false;
	}
	return true;
}

/* RFC 3339: any fraction, "Z" or an offset. */
static bool is_date_time(const char *text)
{
	if (!has_shape(text, "0000-00-00T00:00:00"))
		return false;
	text += strlen("0000-00-00T00:00:00");
	if (*text == '.') {
		text++;
		if (!is_in(*text, "0123456789"))
			return false;
		text += strspn(text, "0123456789");
	}
	if (strcmp(text, "Z") == 0)
		return true;
	return is_in(*text, "+-") && has_shape(text + 1, "00:00") && text[6] == 0;
}

static bool is_date(const char *text)
{
	return has_shape(text, "0000-00-00") && text[10] == 0;
}

static bool is_uuid(const char *text)
{
	return has_shape(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") && text[36] == 0;
}

static bool is_duration(const char *text)
{
	uint64_t ms;

	return num_parse_duration_ms(text, UINT64_MAX, &ms, NULL) == 0;
}

static bool is_base64(const char *text)
{
	size_t body =
	        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
	size_t pad = strspn(text + body, "=");

	return text[body + pad] == 0 && (body + pad) % 4 == 0 && pad <= 2;
}

static bool is_ipv4(const char *text)
{
	struct in_addr a;

	return inet_pton(AF_INET, text, &a) == 1;
}

static bool is_ipv6(const char *text)
{
	struct in6_addr a;

	return inet_pton(AF_INET6, text, &a) == 1;
}

static bool is_hostname(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n <= 253 && text[0] != '-' && text[0] != '.' &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.") ==
	               n;
}

bool schema_format_is_valid(const char *format, const char *text)
{
	static const struct {
		const char *name;
		bool (*is_valid)(const char *text);
	} formats[] = {
	        {"date-time", is_date_time}, {"date", is_date},         {"duration", is_duration},
	        {"byte", is_base64},         {"uuid", is_uuid},         {"ipv4", is_ipv4},
	        {"ipv6", is_ipv6},           {"hostname", is_hostname},
	};

	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (strcmp(formats[i].name, format) == 0)
			return formats[i].is_valid(text);
	}
	return true;
}
