/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field - looks up the names of header fields that mean something to a proxy
 */
#include "activator/core/field.h"

#include <string.h>

#include "lib/base/cleanup.h"

struct field_row {
	const char *name; /* lower case */
	size_t bytes;
};

#define ROW(name)                                                                                  \
	{                                                                                          \
		name, sizeof name - 1                                                              \
	}

static const struct field_row rows[FIELDS_COUNT] = {
        [FIELD_HOST] = ROW("host"),
        [FIELD_ACCEPT] = ROW("accept"),
        [FIELD_CONTENT_LENGTH] = ROW("content-length"),
        [FIELD_TRANSFER_ENCODING] = ROW("transfer-encoding"),
        [FIELD_CONNECTION] = ROW("connection"),
        [FIELD_KEEP_ALIVE] = ROW("keep-alive"),
        [FIELD_PROXY_CONNECTION] = ROW("proxy-connection"),
        [FIELD_PROXY_AUTHENTICATE] = ROW("proxy-authenticate"),
        [FIELD_PROXY_AUTHORIZATION] = ROW("proxy-authorization"),
        [FIELD_TE] = ROW("te"),
        [FIELD_UPGRADE] = ROW("upgrade"),
        [FIELD_HTTP2_SETTINGS] = ROW("http2-settings"),
        [FIELD_FORWARDED] = ROW("forwarded"),
        [FIELD_X_FORWARDED_FOR] = ROW("x-forwarded-for"),
        [FIELD_X_FORWARDED_HOST] = ROW("x-forwarded-host"),
        [FIELD_X_FORWARDED_PROTO] = ROW("x-forwarded-proto"),
        [FIELD_X_REAL_IP] = ROW("x-real-ip"),
        [FIELD_X_REQUEST_ID] = ROW("x-request-id"),
};

static const struct field_row x_forwarded = ROW("x-forwarded-");

static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Whether @name starts like the row, "_" read as "-". */
static bool is_like(const char *name, const struct field_row *row, bool *ret_twin)
{
	bool twin = false;

	for (size_t i = 0; i < row->bytes; i++) {
		if (lower(name[i]) == row->name[i])
			continue;
		if (name[i] != '_' || row->name[i] != '-')
			return false;
		twin = true;
	}
	*ret_twin = twin;
	return true;
}

enum field_id field_id(const char *name, size_t bytes)
{
	char first;
	bool twin;

	if (bytes == 0)
		return FIELD_UNNAMED;
	first = lower(name[0]);
	for (enum field_id id = FIELD_HOST; id < FIELDS_COUNT; id++)
		if (rows[id].bytes == bytes && rows[id].name[0] == first &&
		    is_like(name, &rows[id], &twin))
			return twin ? FIELD_TWIN : id;
	if (bytes > x_forwarded.bytes && first == 'x' && is_like(name, &x_forwarded, &twin))
		return twin || memchr(name, '_', bytes) ? FIELD_TWIN : FIELD_X_FORWARDED;
	return FIELD_OTHER;
}

bool field_is_hop_by_hop(enum field_id id)
{
	switch (id) {
	case FIELD_CONNECTION:
	case FIELD_KEEP_ALIVE:
	case FIELD_PROXY_CONNECTION:
	case FIELD_PROXY_AUTHENTICATE:
	case FIELD_PROXY_AUTHORIZATION:
	case FIELD_TE:
	case FIELD_HTTP2_SETTINGS: /* RFC 9113 section 3.1: of an upgrade that is never passed on */
	case FIELD_TRANSFER_ENCODING:
	case FIELD_UPGRADE:
		return true;
	case FIELD_OTHER:
	case FIELD_UNNAMED:
	case FIELD_TWIN:
	case FIELD_X_FORWARDED:
	case FIELD_HOST:
	case FIELD_ACCEPT:
	case FIELD_CONTENT_LENGTH:
	case FIELD_FORWARDED:
	case FIELD_X_FORWARDED_FOR:
	case FIELD_X_FORWARDED_HOST:
	case FIELD_X_FORWARDED_PROTO:
	case FIELD_X_REAL_IP:
	case FIELD_X_REQUEST_ID:
	case FIELDS_COUNT:
		break;
	}
	return false;
}
