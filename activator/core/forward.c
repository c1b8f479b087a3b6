/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward - writes the head of a request or an answer anew for the next hop, without what is meant
 * for this hop alone
 */
#include "activator/core/forward.h"

#include <assert.h>
#include <string.h>

#include "activator/core/upgrade.h"

void forward_put(struct forward_text *t, const char *text, size_t bytes)
{
	if (bytes > t->capacity - t->bytes) {
		t->overflow = true;
		return;
	}
	memcpy(t->at + t->bytes, text, bytes);
	t->bytes += bytes;
}

static void put_str(struct forward_text *t, const char *text)
{
	forward_put(t, text, strlen(text));
}

static void put_field(struct forward_text *t, const struct head *h, const struct head_field *f)
{
	forward_put(t, head_at(h, f->name), f->name.bytes);
	put_str(t, ": ");
	forward_put(t, head_at(h, f->value), f->value.bytes);
	put_str(t, "\r\n");
}

/* By hand, since each message has some, and printf(3) takes as long as all else that is written. */
static void put_number(struct forward_text *t, uint64_t number)
{
	char digits[20];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	forward_put(t, digits + at, sizeof digits - at);
}

static void put_length(struct forward_text *t, uint64_t length)
{
	put_str(t, "Content-Length: ");
	put_number(t, length);
	put_str(t, "\r\n");
}

/* X-Forwarded-For: what proxies before us said, in order, and then the peer that we saw. */
static void put_forwarded_for(struct forward_text *t, const struct head *h,
                              const struct forward_origin *origin)
{
	put_str(t, "X-Forwarded-For: ");
	for (unsigned i = 0; origin->trusted && i < h->fields_count; i++) {
		const struct head_field *f = &h->fields[i];

		if (f->id != FIELD_X_FORWARDED_FOR || f->value.bytes == 0)
			continue;
		forward_put(t, head_at(h, f->value), f->value.bytes);
		put_str(t, ", ");
	}
	put_str(t, origin->address);
	put_str(t, "\r\n");
}

static void put_origin(struct forward_text *t, const struct head *h, const struct request_facts *f,
                       const struct forward_origin *origin)
{
	put_str(t, "X-Request-Id: ");
	put_str(t, origin->request_id);
	put_str(t, "\r\n");
	put_forwarded_for(t, h, origin);
	if (!origin->trusted || h->count[FIELD_X_FORWARDED_PROTO] == 0)
		put_str(t, "X-Forwarded-Proto: http\r\n");
	if (!origin->trusted || h->count[FIELD_X_FORWARDED_HOST] == 0) {
		put_str(t, "X-Forwarded-Host: ");
		forward_put(t, f->host, f->host_bytes);
		put_str(t, "\r\n");
	}
}

/* What we write ourselves, and what we answer for, comes first: "Connection: Host" or
   "Connection: X-Forwarded-Proto" removes nothing of it. */
static bool request_field_passes(const struct head *h, const struct head_field *f, bool trusted)
{
	switch (f->id) {
	case FIELD_HOST:
	case FIELD_CONTENT_LENGTH:
	case FIELD_X_FORWARDED_FOR:
	case FIELD_X_REQUEST_ID:
	case FIELD_TWIN:
	case FIELD_UNNAMED:
		return false;
	case FIELD_FORWARDED:
	case FIELD_X_FORWARDED:
	case FIELD_X_FORWARDED_HOST:
	case FIELD_X_FORWARDED_PROTO:
	case FIELD_X_REAL_IP:
		return trusted;
	case FIELD_OTHER:
	case FIELD_ACCEPT:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_CONNECTION:
	case FIELD_KEEP_ALIVE:
	case FIELD_PROXY_CONNECTION:
	case FIELD_PROXY_AUTHENTICATE:
	case FIELD_PROXY_AUTHORIZATION:
	case FIELD_TE:
	case FIELD_UPGRADE:
	case FIELD_HTTP2_SETTINGS:
	case FIELDS_COUNT:
		break;
	}
	return !head_is_hop_by_hop(h, f);
}

/* Those of the protocols asked for that may be. */
static void put_upgrade(struct forward_text *t, const struct head *h, const char *upgrades)
{
	struct head_list list = {0};
	const char *before = "Connection: upgrade\r\nUpgrade: ";

	while (upgrade_next(h, upgrades, &list)) {
		put_str(t, before);
		forward_put(t, list.text, list.bytes);
		before = ", ";
	}
	put_str(t, "\r\n");
}

void forward_request(struct forward_text *t, const struct head *h, const struct request_facts *f,
                     const struct forward_origin *origin)
{
	put_str(t, h->method);
	put_str(t, " ");
	forward_put(t, f->path, f->path_bytes);
	put_str(t, " HTTP/1.1\r\nHost: ");
	forward_put(t, f->host, f->host_bytes);
	put_str(t, "\r\n");
	for (unsigned i = 0; i < h->fields_count; i++)
		if (request_field_passes(h, &h->fields[i], origin->trusted))
			put_field(t, h, &h->fields[i]);
	if (h->chunked)
		put_str(t, "Transfer-Encoding: chunked\r\n");
	else if (h->has_length)
		put_length(t, h->length);
	if (f->wants_upgrade)
		put_upgrade(t, h, origin->upgrades);
	if (head_list_has(h, FIELD_TE, "trailers"))
		put_str(t, f->wants_upgrade ? "TE: trailers\r\n"
		                            : "TE: trailers\r\nConnection: TE\r\n");
	put_origin(t, h, f, origin);
	put_str(t, "\r\n");
}

static void put_framing(struct forward_text *t, const struct head *h,
                        const struct forward_response *how)
{
	switch (how->framing) {
	case FORWARD_NO_BODY:
		/* To HEAD and in 304 the length is that of the body that is not sent. */
		if (h->has_length && h->status >= 200 && h->status != 204)
			put_length(t, h->length);
		break;
	case FORWARD_LENGTH:
		put_length(t, h->length);
		break;
	case FORWARD_CHUNKED:
		put_str(t, "Transfer-Encoding: chunked\r\n");
		break;
	case FORWARD_UNTIL_CLOSE:
		break;
	}
}

void forward_response(struct forward_text *t, const struct head *h,
                      const struct forward_response *how)
{
	assert(h->status >= 100); /* head_check_response() */
	put_str(t, "HTTP/1.1 ");
	put_number(t, h->status);
	put_str(t, " ");
	forward_put(t, head_at(h, h->phrase), h->phrase.bytes);
	put_str(t, "\r\n");
	for (unsigned i = 0; i < h->fields_count; i++) {
		const struct head_field *f = &h->fields[i];

		if (f->id == FIELD_CONTENT_LENGTH || head_is_hop_by_hop(h, f))
			continue;
		put_field(t, h, f);
	}
	put_framing(t, h, how);
	if (how->upgrade) {
		const struct head_field *upgrade = head_find(h, FIELD_UPGRADE);

		put_str(t, "Connection: upgrade\r\n");
		if (upgrade)
			put_field(t, h, upgrade);
	} else if (how->close && h->status >= 200) {
		put_str(t, "Connection: close\r\n");
	} else if (how->client_is_1_0 && h->status >= 200) {
		put_str(t, "Connection: keep-alive\r\n");
	}
	put_str(t, "\r\n");
}
