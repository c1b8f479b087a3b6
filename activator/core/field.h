/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field - the header fields that mean something here, told by their name
 *
 * A name is looked up once, when the head is complete; all else goes by the result.
 * A twin is a name that is one of these once "_" is read as "-": CGI, WSGI and their like make the
 * same variable of both (RFC 3875 section 4.1.18), so that it would stand for what we write.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum field_id {
	FIELD_OTHER,
	FIELD_UNNAMED, /* ": value" */
	FIELD_TWIN,
	FIELD_X_FORWARDED, /* X-Forwarded-anything that is not below */
	FIELD_HOST,
	FIELD_ACCEPT,
	FIELD_CONTENT_LENGTH,
	FIELD_TRANSFER_ENCODING,
	FIELD_CONNECTION,
	FIELD_KEEP_ALIVE,
	FIELD_PROXY_CONNECTION,
	FIELD_PROXY_AUTHENTICATE,
	FIELD_PROXY_AUTHORIZATION,
	FIELD_TE,
	FIELD_UPGRADE,
	FIELD_HTTP2_SETTINGS,
	FIELD_FORWARDED,
	FIELD_X_FORWARDED_FOR,
	FIELD_X_FORWARDED_HOST,
	FIELD_X_FORWARDED_PROTO,
	FIELD_X_REAL_IP,
	FIELD_X_REQUEST_ID,
	FIELDS_COUNT,
};

enum field_id field_id(const char *name, size_t bytes);

/** field_is_hop_by_hop() - must not be forwarded, whoever sent it (RFC 9110 section 7.6.1) */
bool field_is_hop_by_hop(enum field_id id);
