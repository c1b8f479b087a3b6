/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Odd heads: what is taken of them, beside another reading of the same bytes.
 *
 * That reading is as strict and as plain as RFC 9112 can be read, and shares nothing with the
 * parser or with core/head.c. Whatever is taken must be well-formed to it too, and must mean the
 * same: two readers that disagree about where a message ends are two messages to one of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "activator/core/head.h"
#include "activator/http/h1_write.h"
#include "activator/http/message.h"

enum { TEXT_MAX = 512 };

struct reading {
	bool ok;
	bool chunked;
	bool has_length;
	uint64_t length;
	bool close;
	char host[64];
};

/* --- the other reading --- */

static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_field_char(char c)
{
	return c == '\t' || (unsigned char)c >= 0x80 || (c >= 0x20 && c != 0x7f);
}

/* One line without its CRLF, and *at behind it. Return: false without one, or at a bare CR or LF */
static bool plain_line(const char **at, const char *end, const char **ret_line, size_t *ret_bytes)
{
	const char *p = *at;

	while (p < end && *p != '\r' && *p != '\n')
		p++;
	if (end - p < 2 || p[0] != '\r' || p[1] != '\n')
		return false;
	*ret_line = *at;
	*ret_bytes = (size_t)(p - *at);
	*at = p + 2;
	return true;
}

static bool plain_request_line(const char *line, size_t bytes)
{
	const char *end = line + bytes;
	const char *p = line;
	const char *target;

	while (p < end && is_token_char(*p))
		p++;
	if (p == line || p == end || *p != ' ')
		return false;
	target = ++p;
	while (p<end && * p> 0x20 && *p < 0x7f)
		p++;
	return p > target && end - p == 9 &&
	       (memcmp(p, " HTTP/1.1", 9) == 0 || memcmp(p, " HTTP/1.0", 9) == 0);
}

static bool plain_status_line(const char *line, size_t bytes)
{
	if (bytes < 12 || (memcmp(line, "HTTP/1.1 ", 9) != 0 && memcmp(line, "HTTP/1.0 ", 9) != 0))
		return false;
	for (size_t i = 9; i < 12; i++)
		if (line[i] < '0' || line[i] > '9')
			return false;
	for (size_t i = 12; i < bytes; i++)
		if (!is_field_char(line[i]))
			return false;
	return bytes == 12 || line[12] == ' ';
}

static bool plain_value(struct reading *r, const char *name, const char *value, size_t bytes)
{
	if (strcasecmp(name, "Content-Length") == 0) {
		if (r->has_length || bytes == 0 || strspn(value, "0123456789") < bytes)
			return false;
		r->has_length = true;
		r->length = strtoull(value, NULL, 10);
	}
	if (strcasecmp(name, "Transfer-Encoding") == 0) {
		if (r->chunked || bytes != 7 || strncasecmp(value, "chunked", 7) != 0)
			return false;
		r->chunked = true;
	}
	if (strcasecmp(name, "Connection") == 0 && bytes == 5 &&
	    strncasecmp(value, "close", 5) == 0)
		r->close = true;
	if (strcasecmp(name, "Host") == 0) {
		if (r->host[0] || bytes == 0 || bytes >= sizeof r->host)
			return false;
		memcpy(r->host, value, bytes);
	}
	return true;
}

static bool plain_field(struct reading *r, const char *line, size_t bytes)
{
	const char *colon = memchr(line, ':', bytes);
	const char *end = line + bytes;
	const char *value;
	char name[TEXT_MAX];

	if (colon == NULL || colon == line)
		return false;
	for (const char *p = line; p < colon; p++)
		if (!is_token_char(*p))
			return false;
	for (value = colon + 1; value < end; value++)
		if (!is_field_char(*value))
			return false;
	for (value = colon + 1; value < end && (*value == ' ' || *value == '\t'); value++)
		;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	memcpy(name, line, (size_t)(colon - line));
	name[colon - line] = '\0';
	return plain_value(r, name, value, (size_t)(end - value));
}

static struct reading read_plainly(bool request, const char *text, size_t bytes)
{
	struct reading r = {0};
	const char *at = text;
	const char *end = text + bytes;
	const char *line;
	size_t n;
	bool is_1_0;

	while (request && end - at >= 2 && at[0] == '\r' && at[1] == '\n')
		at += 2;
	if (!plain_line(&at, end, &line, &n) ||
	    !(request ? plain_request_line(line, n) : plain_status_line(line, n)))
		return r;
	is_1_0 = request ? line[n - 1] == '0' : line[7] == '0';
	for (;;) {
		if (!plain_line(&at, end, &line, &n))
			return r;
		if (n == 0)
			break;
		if (!plain_field(&r, line, n))
			return r;
	}
	r.ok = at == end && !(r.chunked && (r.has_length || is_1_0)) && (!request || r.host[0]);
	return r;
}

/* --- ours --- */

static struct reading read_ours(bool request, const char *text, size_t bytes)
{
	struct reading r = {0};
	struct head_buf *b = head_buf_take();
	struct request_facts f = {0};
	struct message m;

	assert_non_null(b);
	assert_true(head_buf_room(b) >= bytes);
	memcpy(b->data, text, bytes);
	b->bytes = (uint32_t)bytes;
	message_init(&m, request ? HTTP_REQUEST : HTTP_RESPONSE);
	if (message_head(&m, b) == MESSAGE_HEAD && b->parsed == b->bytes) {
		const struct head *h = &b->head;

		r.ok = request ? head_check_request(h, &f) == END_NONE : head_check_response(h);
		r.chunked = h->chunked;
		r.has_length = h->has_length;
		r.length = h->length;
		r.close = head_connection_has(h, "close");
		if (request && r.ok)
			(void)snprintf(r.host, sizeof r.host, "%.*s", (int)f.host_bytes, f.host);
	}
	message_done(&m);
	head_buf_give(b);
	return r;
}

static void fail_with(const char *what, const char *text, size_t bytes)
{
	char shown[TEXT_MAX * 4 + 1];
	size_t n = 0;

	for (size_t i = 0; i < bytes; i++)
		n += (size_t)snprintf(shown + n, sizeof shown - n,
		                      text[i] > 0x20 && text[i] < 0x7f ? "%c" : "\\x%02x",
		                      (unsigned char)text[i]);
	fail_msg("%s: %s", what, shown);
}

/* Return: whether it was taken */
static bool check_same(bool request, const char *text, size_t bytes)
{
	const struct reading a = read_ours(request, text, bytes);
	const struct reading b = read_plainly(request, text, bytes);

	if (!a.ok)
		return false;
	if (!b.ok)
		fail_with("taken, though it is malformed", text, bytes);
	if (a.chunked != b.chunked || a.has_length != b.has_length || a.length != b.length)
		fail_with("taken with another framing", text, bytes);
	if (b.close && !a.close)
		fail_with("taken without its Connection: close", text, bytes);
	if (strcmp(a.host, b.host) != 0 && !strstr(text, "http://"))
		fail_with("taken for another host", text, bytes);
	return true;
}

static const char *const requests[] = {
        "POST /p HTTP/1.1\r\nHost: a.b\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n",
        "POST /p HTTP/1.1\r\nHost: a.b\r\nContent-Length: 12\r\nConnection: close\r\n\r\n",
        "GET /p?q HTTP/1.0\r\nHost: a\r\nConnection: upgrade, x\r\nUpgrade: u\r\n\r\n",
        "PUT /p HTTP/1.1\r\nContent-Length: 3\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n",
};

static const char *const responses[] = {
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\nX: y\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: \r\nContent-Length: 1\r\n\r\n",
};

/* Every byte put in at every place, put in place of every byte, and every byte left out. */
static void check_changes(bool request, const char *text)
{
	size_t bytes = strlen(text);
	char changed[TEXT_MAX];
	unsigned taken = 0;

	for (size_t at = 0; at < bytes; at++) {
		memcpy(changed, text, at);
		memcpy(changed + at, text + at + 1, bytes - at - 1);
		taken += check_same(request, changed, bytes - 1);
		for (unsigned c = 0; c < 256; c++) {
			changed[at] = (char)c;
			memcpy(changed + at + 1, text + at, bytes - at);
			taken += check_same(request, changed, bytes + 1);
			memcpy(changed + at + 1, text + at + 1, bytes - at - 1);
			taken += check_same(request, changed, bytes);
		}
	}
	/* else the comparison would be of nothing */
	assert_true(taken > 0 || strstr(text, "Transfer-Encoding: x") || text[7] == '0');
}

static void test_odd_heads_with_any_byte_changed_mean_the_same_to_both_readings(void **state)
{
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
		check_changes(true, requests[i]);
	for (size_t i = 0; i < sizeof responses / sizeof responses[0]; i++)
		check_changes(false, responses[i]);
}

static const struct {
	const char *fields;
	bool taken;
} odd_requests[] = {
        {"Transfer-Encoding: chunked\r\n", true},
        {"Transfer-Encoding: \t Chunked \r\n", true},
        {"Transfer-Encoding:chunked\r\n", true},
        {"Transfer-Encoding: chunked\t\r\n", false},
        {"Transfer-Encoding: chunked \t\r\n", false},
        {"Transfer-Encoding: chunked\t \r\n", false},
        {"Transfer-Encoding: chunked,\r\n", false},
        {"Transfer-Encoding: ,chunked\r\n", false},
        {"Transfer-Encoding: chunked;q=1\r\n", false},
        {"Transfer-Encoding: \"chunked\"\r\n", false},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", false},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n", false},
        {"Transfer-Encoding: identity\r\n", false},
        {"Transfer-Encoding:\r\n", false},
        {"Transfer-Encoding : chunked\r\n", false},
        {"Transfer-Encoding: xchunked\r\n", false},
        {"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", false},
        {"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", false},
        {"Content-Length: 5\r\n", true},
        {"Content-Length:\t5 \r\n", true},
        {"Content-Length: 0005\r\n", true},
        {"Content-Length: +5\r\n", false},
        {"Content-Length: -5\r\n", false},
        {"Content-Length: 5\t\r\n", false},
        {"Content-Length: 5 5\r\n", false},
        {"Content-Length: 5, 5\r\n", false},
        {"Content-Length: 5,\r\n", false},
        {"Content-Length: 0x5\r\n", false},
        {"Content-Length: 5.0\r\n", false},
        {"Content-Length:\r\n", false},
        {"Content-Length: 5\r\nContent-Length: 5\r\n", false},
        {"Content-Length: 5\r\ncontent-length: 6\r\n", false},
        {"Content-Length: 9223372036854775807\r\n", true},
        {"Content-Length: 9223372036854775808\r\n", false},
        {"Content-Length: 18446744073709551617\r\n", false},
        {"X: a\xff\r\n", true},
        {"X: a\x7f\r\n", false},
        {"X: a\x01\r\n", false},
        {"X\xff: a\r\n", false},
        {": x\r\n", false},
        {"A: b\r\n: x\r\nC: d\r\n", false},
        {":\r\n", false},
        {"A\r\n", false},
        {"A b: c\r\n", false},
        {"A: b\r\n c\r\n", false},
        {"A: b\r\n\tc\r\n", false},
        {"Connection: ,, close ,\t,\r\n", true},
        {"Host: b\r\n", false},
};

/* Longer changes than one byte, and what of them is taken. */
static void test_odd_heads_of_requests(void **state)
{
	for (size_t i = 0; i < sizeof odd_requests / sizeof odd_requests[0]; i++) {
		char text[TEXT_MAX];
		int n = snprintf(text, sizeof text, "POST /p HTTP/1.1\r\nHost: a\r\n%s\r\n",
		                 odd_requests[i].fields);

		if (check_same(true, text, (size_t)n) != odd_requests[i].taken)
			fail_with(odd_requests[i].taken ? "not taken" : "taken", text, (size_t)n);
	}
}

static void test_odd_heads_start_lines(void **state)
{
	static const struct {
		const char *line;
		bool taken;
	} rows[] = {
	        {"GET / HTTP/1.1", true},
	        {"\r\n\r\nGET / HTTP/1.1", true},
	        {"GET  / HTTP/1.1", false},
	        {"GET /  HTTP/1.1", false},
	        {"GET / HTTP/1.1 ", false},
	        {"GET\t/ HTTP/1.1", false},
	        {" GET / HTTP/1.1", false},
	        {"GET /", false},
	        {"GET / HTTP/0.9", false},
	        {"GET / HTTP/1.2", false},
	        {"GET / HTTP/2.0", false},
	        {"GET / HTTP/01.1", false},
	        {"GET / http/1.1", false},
	        {"get / HTTP/1.1", false},
	        {"SOURCE / ICE/1.0", false},
	        {"OPTIONS / RTSP/1.0", false},
	        {"GET /a b HTTP/1.1", false},
	        {"GET /\xff HTTP/1.1", false},
	        {"GET http://a/ HTTP/1.1", true},
	        {"GET http://b:80/x HTTP/1.1", true},
	        {"GET http://a@b/ HTTP/1.1", false},
	        {"PRI * HTTP/2.0", false},
	        {"M-SEARCH / HTTP/1.1", true},
	        {"GET / HTTP/1.1\r\nGET / HTTP/1.1", false},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[TEXT_MAX];
		int n = snprintf(text, sizeof text, "%s\r\nHost: a\r\n\r\n", rows[i].line);

		if (check_same(true, text, (size_t)n) != rows[i].taken)
			fail_with(rows[i].taken ? "not taken" : "taken", text, (size_t)n);
	}
}

static void test_odd_heads_of_answers(void **state)
{
	static const struct {
		const char *head;
		bool taken;
	} rows[] = {
	        {"HTTP/1.1 200 OK\r\n", true},
	        {"HTTP/1.1 200\r\n", true},
	        {"HTTP/1.1 200 Gr\xfc\xdf\r\n", true},
	        {"HTTP/1.1 200 O\x01K\r\n", false},
	        {"HTTP/1.1 200 O\x7fK\r\n", false},
	        {"\r\nHTTP/1.1 200 OK\r\n", false},
	        {"HTTP/1.1  200 OK\r\n", false},
	        {"HTTP/1.1 20 OK\r\n", false},
	        {"HTTP/1.1 099 OK\r\n", false},
	        {"HTTP/1.1 600 OK\r\n", false},
	        {"HTTP/1.2 200 OK\r\n", false},
	        {"HTTP/2.0 200 OK\r\n", false},
	        {"HTTP/1.1 200 OK\r\n: x\r\n", false},
	        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", true},
	        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t\r\n", false},
	        {"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n", false},
	        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n", false},
	        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n", false},
	        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
	         false},
	        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
	         false},
	        {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n", false},
	        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n", false},
	        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n", false},
	        {"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n", false},
	        {"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n", false},
	        {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n", true},
	        {"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n", true},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[TEXT_MAX];
		int n = snprintf(text, sizeof text, "%s\r\n", rows[i].head);

		if (check_same(false, text, (size_t)n) != rows[i].taken)
			fail_with(rows[i].taken ? "not taken" : "taken", text, (size_t)n);
	}
}

static void test_odd_heads_connection_lists_32_at_most(void **state)
{
	for (unsigned count = HEAD_CONNECTION_MAX; count <= HEAD_CONNECTION_MAX + 1; count++) {
		bool want = count == HEAD_CONNECTION_MAX;
		char text[TEXT_MAX];
		size_t n = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n");

		/* in one field and in two are the same list; empty elements are none */
		n += (size_t)snprintf(text + n, sizeof text - n,
		                      "Connection: , a,,\r\nConnection: b");
		for (unsigned i = 2; i < count; i++)
			n += (size_t)snprintf(text + n, sizeof text - n, ", x%u", i);
		n += (size_t)snprintf(text + n, sizeof text - n, "\r\n\r\n");
		assert_int_equal(check_same(true, text, n), want);
		n = (size_t)snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nConnection: x");
		for (unsigned i = 1; i < count; i++)
			n += (size_t)snprintf(text + n, sizeof text - n, ",x");
		n += (size_t)snprintf(text + n, sizeof text - n, "\r\n\r\n");
		assert_int_equal(check_same(false, text, n), want);
	}
}

static void put_chunk(void *arg, const char *at, size_t bytes)
{
	h1_write_chunk(arg, at, bytes);
}

/* Whole, and in pieces of @piece bytes. Return: whether it was taken to its end */
static bool body_is_taken(const char *body, size_t piece)
{
	static const char head[] =
	        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
	struct head_buf *b = head_buf_take();
	enum message_step step = MESSAGE_MORE;
	struct out out = {0};
	struct message m;
	size_t used;

	assert_non_null(b);
	message_init(&m, HTTP_REQUEST);
	memcpy(b->data, head, sizeof head - 1);
	b->bytes = sizeof head - 1;
	assert_int_equal(message_head(&m, b), MESSAGE_HEAD);
	m.on_body = put_chunk;
	m.arg = &out;
	for (size_t at = 0, n; step == MESSAGE_MORE && (n = strnlen(body + at, piece)) > 0; at += n)
		step = message_body(&m, body + at, n, &used);
	message_done(&m);
	out_done(&out);
	head_buf_give(b);
	return step == MESSAGE_DONE;
}

static void test_odd_heads_chunked_bodies(void **state)
{
	static const struct {
		const char *body;
		bool taken;
	} rows[] = {
	        {"5\r\nhello\r\n0\r\n\r\n", true},
	        {"5;a=b\r\nhello\r\n0;c\r\nA: b\r\n\r\n", true},
	        {"5\r\nhello\r\n0\r\n\n", false},
	        {"5\r\nhello\r\n0\r\nA: b\r\n\n", false},
	        {"5\r\nhello\r\n0\r\nA: b\n\r\n", false},
	        {"5\r\nhello\r\n0\r\nA: b\rc\r\n\r\n", false},
	        {"5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n", false},
	        {"5\r\nhello\r\n0\r\n: x\r\n\r\n", false},
	        {"5\r\nhello\r\n0\r\nA: b\r\n:\r\n\r\n", false},
	        {"5\r\nhello\r\n0\r\nA : b\r\n\r\n", false},
	        {"5\nhello\r\n0\r\n\r\n", false},
	        {"5\r\nhello\n0\r\n\r\n", false},
	        {"5\r\nhello\r\n0\n\r\n", false},
	        {"5;\nhello\r\n0\r\n\r\n", false},
	        {"5;a\nb\r\nhello\r\n0\r\n\r\n", false},
	        {"5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n", false},
	        {"5 \r\nhello\r\n0\r\n\r\n", false},
	        {" 5\r\nhello\r\n0\r\n\r\n", false},
	        {"+5\r\nhello\r\n0\r\n\r\n", false},
	        {"0x5\r\nhello\r\n0\r\n\r\n", false},
	        {"-1\r\nhello\r\n0\r\n\r\n", false},
	        {"10000000000000005\r\nhello\r\n0\r\n\r\n", false},
	        {"5\r\nhello\r\n\r\n0\r\n\r\n", false},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (size_t piece = 1; piece <= TEXT_MAX; piece += piece < 8 ? 1 : TEXT_MAX - 8)
			if (body_is_taken(rows[i].body, piece) != rows[i].taken)
				fail_with(rows[i].taken ? "not taken" : "taken", rows[i].body,
				          strlen(rows[i].body));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(
	                test_odd_heads_with_any_byte_changed_mean_the_same_to_both_readings),
	        cmocka_unit_test(test_odd_heads_of_requests),
	        cmocka_unit_test(test_odd_heads_start_lines),
	        cmocka_unit_test(test_odd_heads_of_answers),
	        cmocka_unit_test(test_odd_heads_connection_lists_32_at_most),
	        cmocka_unit_test(test_odd_heads_chunked_bodies),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	head_buf_pool_drop();
	return failed;
}
