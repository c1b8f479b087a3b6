/* SPDX-License-Identifier: Apache-2.0 */
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

bool head_name_is(const struct head *h, const struct head_field *f, const char *name)
{
	return text_is(head_at(h, f->name), f->name.bytes, name);
}

const struct head_field *head_find(const struct head *h, const char *name)
{
	for (unsigned i = 0; i < h->fields_count; i++)
		if (head_name_is(h, &h->fields[i], name))
			return &h->fields[i];
	return NULL;
}

static unsigned head_count(const struct head *h, const char *name)
{
	unsigned count = 0;

	for (unsigned i = 0; i < h->fields_count; i++)
		count += head_name_is(h, &h->fields[i], name);
	return count;
}

/* Whether a comma separated list has an element equal to @token; parameters after ";" are cut. */
static bool list_has(const char *text, size_t bytes, const char *token, size_t token_bytes)
{
	const char *end = text + bytes;

	while (text < end) {
		const char *comma = memchr(text, ',', (size_t)(end - text));
		const char *stop = comma ? comma : end;
		const char *last;

		while (text < stop && (*text == ' ' || *text == '\t'))
			text++;
		last = stop;
		while (last > text && (last[-1] == ' ' || last[-1] == '\t'))
			last--;
		if ((size_t)(last - text) == token_bytes &&
		    strncasecmp(text, token, token_bytes) == 0)
			return true;
		text = stop + 1;
	}
	return false;
}

static bool head_list_has_bytes(const struct head *h, const char *name, const char *token,
                                size_t token_bytes)
{
	for (unsigned i = 0; i < h->fields_count; i++) {
		const struct head_field *f = &h->fields[i];

		if (head_name_is(h, f, name) &&
		    list_has(head_at(h, f->value), f->value.bytes, token, token_bytes))
			return true;
	}
	return false;
}

bool head_list_has(const struct head *h, const char *name, const char *token)
{
	return head_list_has_bytes(h, name, token, strlen(token));
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
		if (at < end && (*at == ' ' || *at == '\t'))
			return false;
	}
	return true;
}

/* A registered name, IPv4 address or [IPv6 address], with an optional port. */
static bool host_is_valid(const char *host, size_t bytes)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                              "0123456789-._:[]";

	if (bytes == 0 || bytes > 261)
		return false;
	for (size_t i = 0; i < bytes; i++)
		if (host[i] == '\0' || strchr(allowed, host[i]) == NULL)
			return false;
	return host[0] != ':';
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
	const struct head_field *host = head_find(h, "Host");

	if (host == NULL || head_count(h, "Host") != 1 ||
	    !host_is_valid(head_at(h, host->value), host->value.bytes))
		return END_BAD_HOST;
	f->host = head_at(h, host->value);
	f->host_bytes = host->value.bytes;
	return END_NONE;
}

/* RFC 9112 sections 6.1 and 6.3: one framing, and one that we know. */
static enum end_reason check_framing(const struct head *h)
{
	const struct head_field *coding = head_find(h, "Transfer-Encoding");

	if (head_count(h, "Content-Length") > 1)
		return END_BAD_REQUEST;
	if (coding == NULL)
		return END_NONE;
	if (h->minor == 0 || head_find(h, "Content-Length"))
		return END_BAD_REQUEST;
	if (head_count(h, "Transfer-Encoding") != 1 ||
	    !text_is(head_at(h, coding->value), coding->value.bytes, "chunked"))
		return END_CODING;
	return END_NONE;
}

static bool is_idempotent(const char *method)
{
	static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (strcmp(method, methods[i]) == 0)
			return true;
	return false;
}

enum end_reason head_check_request(const struct head *h, struct request_facts *ret_facts)
{
	struct request_facts f = {0};
	enum end_reason reason;

	if (h->major != 1 || h->minor > 1)
		return END_VERSION;
	if (!head_check_lines(h))
		return END_BAD_REQUEST;
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
	f.wants_upgrade = h->minor == 1 && !f.has_body && head_find(h, "Upgrade") &&
	                  head_list_has(h, "Connection", "upgrade");
	f.keep_alive = h->minor == 1 ? !head_list_has(h, "Connection", "close")
	                             : head_list_has(h, "Connection", "keep-alive");
	*ret_facts = f;
	return END_NONE;
}

bool head_is_hop_by_hop(const struct head *h, const struct head_field *f)
{
	static const char *const names[] = {
	        "Connection",        "Keep-Alive", "Proxy-Connection",   "TE",
	        "Transfer-Encoding", "Upgrade",    "Proxy-Authenticate", "Proxy-Authorization",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (head_name_is(h, f, names[i]))
			return true;
	return head_list_has_bytes(h, "Connection", head_at(h, f->name), f->name.bytes);
}

bool head_trailer_allowed(const char *name, size_t name_bytes)
{
	static const char *const forbidden[] = {
	        "Transfer-Encoding",
	        "Content-Length",
	        "Host",
	        "Connection",
	        "Keep-Alive",
	        "Proxy-Connection",
	        "TE",
	        "Trailer",
	        "Upgrade",
	        "Content-Encoding",
	        "Content-Type",
	        "Content-Range",
	        "Authorization",
	        "Proxy-Authorization",
	        "Proxy-Authenticate",
	        "Cookie",
	        "Set-Cookie",
	        "Cache-Control",
	        "Expect",
	        "Max-Forwards",
	        "Range",
	        "X-Forwarded-For",
	        "X-Forwarded-Host",
	        "X-Forwarded-Proto",
	};

	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
		if (text_is(name, name_bytes, forbidden[i]))
			return false;
	return true;
}
