/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head - what a parsed head of HTTP/1.1 means, and what of it is malformed: RFC 9110 and RFC 9112,
 * read strictly
 */
#include "activator/core/head.h"

#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"

const char *head_at(const struct head *h, struct head_slice s)
{
	return h->text + s.at;
}

static bool text_is(const char *text, size_t bytes, const char *word)
{
	return strlen(word) == bytes && strncasecmp(text, word, bytes) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The next element of a comma separated list; parameters stay with it. Return: false at the end */
static bool list_next(const char **at, const char *end, const char **ret_text, size_t *ret_bytes)
{
	while (*at < end) {
		const char *comma = memchr(*at, ',', (size_t)(end - *at));
		const char *stop = comma ? comma : end;
		const char *text = *at;

		*at = comma ? comma + 1 : end;
		while (text < stop && is_blank(*text))
			text++;
		while (stop > text && is_blank(stop[-1]))
			stop--;
		if (text == stop)
			continue; /* RFC 9110 section 5.6.1.2: empty elements are nothing */
		*ret_text = text;
		*ret_bytes = (size_t)(stop - text);
		return true;
	}
	return false;
}

static void index_connection(struct head *h, struct head_slice value)
{
	const char *at = head_at(h, value);
	const char *end = at + value.bytes;
	const char *text;
	size_t bytes;

	while (list_next(&at, end, &text, &bytes)) {
		if (h->connection_count == HEAD_CONNECTION_MAX) {
			h->connection_overflow = true;
			return;
		}
		h->connection[h->connection_count++] =
		        (struct head_slice){(uint32_t)(text - h->text), (uint32_t)bytes};
	}
}

void head_index(struct head *h)
{
	memset(h->count, 0, sizeof h->count);
	h->connection_count = 0;
	h->connection_overflow = false;
	for (unsigned i = 0; i < h->fields_count; i++) {
		struct head_field *f = &h->fields[i];

		f->id = field_id(head_at(h, f->name), f->name.bytes);
		if (h->count[f->id]++ == 0)
			h->first[f->id] = (uint8_t)i;
		if (f->id == FIELD_CONNECTION)
			index_connection(h, f->value);
	}
}

const struct head_field *head_find(const struct head *h, enum field_id id)
{
	return h->count[id] > 0 ? &h->fields[h->first[id]] : NULL;
}

bool head_list_next(const struct head *h, enum field_id id, struct head_list *list)
{
	if (h->count[id] == 0)
		return false;
	while (!list_next(&list->at, list->end, &list->text, &list->bytes)) {
		const struct head_field *f;

		if (list->field == 0)
			list->field = h->first[id];
		while (list->field < h->fields_count && h->fields[list->field].id != id)
			list->field++;
		if (list->field == h->fields_count)
			return false;
		f = &h->fields[list->field++];
		list->at = head_at(h, f->value);
		list->end = list->at + f->value.bytes;
	}
	return true;
}

bool head_list_has(const struct head *h, enum field_id id, const char *token)
{
	struct head_list list = {0};

	while (head_list_next(h, id, &list))
		if (text_is(list.text, list.bytes, token))
			return true;
	return false;
}

bool head_connection_has(const struct head *h, const char *token)
{
	for (unsigned i = 0; i < h->connection_count; i++)
		if (text_is(head_at(h, h->connection[i]), h->connection[i].bytes, token))
			return true;
	return false;
}

bool head_check_lines(const struct head *h)
{
	const char *at = h->text;
	const char *end = h->text + h->text_bytes;

	if (memchr(h->text, '\0', h->text_bytes))
		return false;
	/* Every CR is one half of a CRLF, and every LF the other; no line starts with a blank. */
	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));

		if (lf == NULL || lf == at || lf[-1] != '\r')
			return false;
		if (memchr(at, '\r', (size_t)(lf - 1 - at)))
			return false;
		at = lf + 1;
		if (at < end && is_blank(*at))
			return false;
	}
	return true;
}

/* ":" and digits, or nothing (RFC 3986 section 3.2.3: port = *DIGIT) */
static bool port_is_valid(const char *text, size_t bytes)
{
	if (bytes == 0)
		return true;
	if (text[0] != ':' || bytes > 6)
		return false;
	for (size_t i = 1; i < bytes; i++)
		if (!is_digit(text[i]))
			return false;
	return true;
}

/* A registered name, IPv4 address or [IPv6 address], with an optional port. */
static bool host_is_valid(const char *host, size_t bytes)
{
	static const char of_name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                              "0123456789-._";
	static const char of_v6[] = "0123456789abcdefABCDEF:.";
	bool is_v6 = bytes > 0 && host[0] == '[';
	const char *allowed = is_v6 ? of_v6 : of_name;
	size_t at = is_v6;

	if (bytes > 261)
		return false;
	while (at < bytes && host[at] != '\0' && strchr(allowed, host[at]))
		at++;
	if (at == is_v6 || (is_v6 && (at == bytes || host[at++] != ']')))
		return false;
	return port_is_valid(host + at, bytes - at);
}

/* RFC 9112 section 3.2: origin-form, absolute-form (its authority replaces Host), or "*". */
static enum end_reason check_target(const struct head *h, struct request_facts *f)
{
	const char *text = head_at(h, h->target);
	size_t bytes = h->target.bytes;
	const char *authority;
	size_t scheme_bytes = 0;
	size_t at;

	if (memchr(text, '#', bytes))
		return END_BAD_TARGET;
	if (bytes > 0 && text[0] == '/') {
		f->path = text;
		f->path_bytes = bytes;
		return END_NONE;
	}
	if (bytes == 1 && text[0] == '*' && strcmp(h->method, "OPTIONS") == 0)
		return END_OPTIONS;
	if (bytes >= 7 && strncasecmp(text, "http://", 7) == 0)
		scheme_bytes = 7;
	else if (bytes >= 8 && strncasecmp(text, "https://", 8) == 0)
		scheme_bytes = 8;
	else
		return END_BAD_TARGET;
	authority = text + scheme_bytes;
	bytes -= scheme_bytes;
	for (at = 0; at < bytes && authority[at] != '/' && authority[at] != '?'; at++)
		;
	/* "http://host?query" would need a "/" put in: nobody sends it */
	if (!host_is_valid(authority, at) || (at < bytes && authority[at] == '?'))
		return END_BAD_TARGET;
	f->host = authority;
	f->host_bytes = at;
	f->path = at < bytes ? authority + at : "/";
	f->path_bytes = at < bytes ? bytes - at : 1;
	return END_NONE;
}

static enum end_reason check_host(const struct head *h, struct request_facts *f)
{
	const struct head_field *host = head_find(h, FIELD_HOST);

	if (host == NULL || h->count[FIELD_HOST] != 1 ||
	    !host_is_valid(head_at(h, host->value), host->value.bytes))
		return END_BAD_HOST;
	f->host = head_at(h, host->value);
	f->host_bytes = host->value.bytes;
	return END_NONE;
}

/* 63 bits: what more is, is negative to many a next reader. */
static bool length_parse(const char *text, size_t bytes, uint64_t *ret_length)
{
	uint64_t length = 0;

	for (size_t i = 0; i < bytes; i++) {
		uint64_t digit = (uint64_t)(text[i] - '0');

		if (!is_digit(text[i]) || length > (INT64_MAX - digit) / 10)
			return false;
		length = length * 10 + digit;
	}
	*ret_length = length;
	return bytes > 0;
}

/*
 * RFC 9112 sections 6.1 and 6.3: one framing, one that we know, and one on which the parser and
 * this reading of the fields agree. They need not: the parser does not know a tab behind "chunked",
 * and would read no body at all.
 */
static enum end_reason check_framing(const struct head *h)
{
	const struct head_field *coding = head_find(h, FIELD_TRANSFER_ENCODING);
	const struct head_field *size = head_find(h, FIELD_CONTENT_LENGTH);
	uint64_t length = 0;

	if (h->count[FIELD_CONTENT_LENGTH] > 1 || h->has_length != (size != NULL))
		return END_BAD_REQUEST;
	if (size && (!length_parse(head_at(h, size->value), size->value.bytes, &length) ||
	             length != h->length))
		return END_BAD_REQUEST;
	if (coding == NULL)
		return h->has_coding || h->chunked ? END_BAD_REQUEST : END_NONE;
	if (h->minor == 0 || size)
		return END_BAD_REQUEST;
	if (h->count[FIELD_TRANSFER_ENCODING] != 1 ||
	    !text_is(head_at(h, coding->value), coding->value.bytes, "chunked"))
		return END_CODING;
	return h->has_coding && h->chunked ? END_NONE : END_BAD_REQUEST;
}

/* What holds for heads of both directions. */
static bool fields_are_valid(const struct head *h)
{
	return head_check_lines(h) && h->count[FIELD_UNNAMED] == 0 && !h->connection_overflow;
}

/*
 * RFC 9112 section 3: method, target and version, one space between them. The parser forgives more
 * spaces, and takes versions of other protocols ("ICE/1.0", "RTSP/1.0").
 */
static enum end_reason check_start_line(const struct head *h)
{
	static const char version[] = " HTTP/1.";
	const char *text = h->text;
	const char *target = head_at(h, h->target);
	const char *behind = target + h->target.bytes;

	while (*text == '\r' || *text == '\n') /* section 2.2: empty lines before it */
		text++;
	if (text + strlen(h->method) + 1 != target || target[-1] != ' ' || behind[1] == ' ')
		return END_BAD_REQUEST;
	return memcmp(behind, version, sizeof version - 1) == 0 ? END_NONE : END_VERSION;
}

static bool is_idempotent(const char *method)
{
	static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (strcmp(method, methods[i]) == 0)
			return true;
	return false;
}

bool head_keeps_alive(const struct head *h)
{
	return h->minor == 1 ? !head_connection_has(h, "close")
	                     : head_connection_has(h, "keep-alive");
}

enum end_reason head_check_request(const struct head *h, struct request_facts *ret_facts)
{
	struct request_facts f = {0};
	enum end_reason reason;

	if (h->major != 1 || h->minor > 1)
		return END_VERSION;
	if (!fields_are_valid(h))
		return END_BAD_REQUEST;
	reason = check_start_line(h);
	if (reason != END_NONE)
		return reason;
	if (strcmp(h->method, "CONNECT") == 0 || strcmp(h->method, "TRACE") == 0)
		return END_METHOD;
	reason = check_host(h, &f);
	if (reason == END_NONE)
		reason = check_framing(h);
	if (reason == END_NONE)
		reason = check_target(h, &f);
	if (reason != END_NONE)
		return reason;

	f.has_body = h->chunked || h->length > 0;
	f.idempotent = is_idempotent(h->method);
	f.is_head = strcmp(h->method, "HEAD") == 0;
	f.wants_upgrade = h->minor == 1 && !f.has_body && h->count[FIELD_UPGRADE] > 0 &&
	                  head_connection_has(h, "upgrade");
	f.keep_alive = head_keeps_alive(h);
	*ret_facts = f;
	return END_NONE;
}

/*
 * RFC 9112 section 4: version, three digits and a phrase. The parser takes more digits ("0200"),
 * and any character in the phrase, which goes on as it came. No empty line comes before it: that
 * is forgiven in requests only (section 2.2).
 */
static bool status_line_is_valid(const struct head *h)
{
	static const char version[] = "HTTP/1.";
	const char *phrase = head_at(h, h->phrase);

	if (memcmp(h->text, version, sizeof version - 1) != 0 ||
	    (h->text[12] != ' ' && h->text[12] != '\r'))
		return false;
	for (uint32_t i = 0; i < h->phrase.bytes; i++)
		if (((unsigned char)phrase[i] < 0x20 && phrase[i] != '\t') || phrase[i] == 0x7f)
			return false;
	return true;
}

bool head_check_response(const struct head *h)
{
	/* No empty line before it: of requests only may there be one (RFC 9112 section 2.2). */
	return h->major == 1 && h->minor <= 1 && h->status >= 100 && h->status <= 599 &&
	       status_line_is_valid(h) && fields_are_valid(h) && check_framing(h) == END_NONE;
}

bool head_is_hop_by_hop(const struct head *h, const struct head_field *f)
{
	const char *name = head_at(h, f->name);

	if (field_is_hop_by_hop(f->id))
		return true;
	for (unsigned i = 0; i < h->connection_count; i++)
		if (h->connection[i].bytes == f->name.bytes &&
		    strncasecmp(head_at(h, h->connection[i]), name, f->name.bytes) == 0)
			return true;
	return false;
}

bool head_trailer_allowed(const char *name, size_t name_bytes)
{
	static const char *const forbidden[] = {
	        "Trailer",       "Content-Encoding", "Content-Type", "Content-Range",
	        "Authorization", "Cookie",           "Set-Cookie",   "Cache-Control",
	        "Expect",        "Max-Forwards",     "Range",
	};

	if (field_id(name, name_bytes) != FIELD_OTHER)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
		if (text_is(name, name_bytes, forbidden[i]))
			return false;
	return true;
}
