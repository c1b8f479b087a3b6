/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/core/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/activator/heads.h"

static void test_head_request_checks(void **state)
{
	static const struct {
		const char *method;
		const char *text;
		enum end_reason want;
	} rows[] = {
	        {"GET", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", END_NONE},
	        {"GET", "GET / HTTP/1.1\r\nHost: a.b:8080\r\n\r\n", END_NONE},
	        {"GET", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", END_NONE},
	        {"GET", "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", END_NONE},
	        {"GET", "GET / HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n", END_NONE},
	        {"GET", "GET / HTTP/1.1\r\nHost: a:8080:evil]x\r\n\r\n", END_BAD_HOST},
	        {"GET", "GET / HTTP/1.1\r\nHost: a:80x\r\n\r\n", END_BAD_HOST},
	        {"GET", "GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n", END_BAD_HOST},
	        {"GET", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", END_BAD_HOST},
	        {"GET", "GET / HTTP/1.1\r\nHost: [a]b\r\n\r\n", END_BAD_HOST},
	        {"GET", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", END_BAD_HOST},
	        {"GET", "GET / HTTP/1.1\r\nHost: []\r\n\r\n", END_BAD_HOST},
	        {"GET", "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", END_BAD_HOST},
	        {"GET", "GET / HTTP/1.1\r\nHost: a]\r\n\r\n", END_BAD_HOST},
	        {"GET", "GET http://b:80:x/ HTTP/1.1\r\nHost: a\r\n\r\n", END_BAD_TARGET},
	        {"GET", "GET / HTTP/1.1\r\n\r\n", END_BAD_HOST},
	        {"GET", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", END_BAD_HOST},
	        {"GET", "GET / HTTP/1.1\r\nHost: \r\n\r\n", END_BAD_HOST},
	        {"GET", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", END_BAD_HOST},
	        {"GET", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", END_BAD_HOST},
	        {"GET", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", END_BAD_HOST},
	        {"GET", "GET /#f HTTP/1.1\r\nHost: a\r\n\r\n", END_BAD_TARGET},
	        {"GET", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", END_BAD_TARGET},
	        {"GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", END_BAD_TARGET},
	        {"GET", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", END_BAD_TARGET},
	        {"GET", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", END_BAD_TARGET},
	        {"OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", END_OPTIONS},
	        {"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", END_METHOD},
	        {"TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", END_METHOD},
	        {"POST",
	         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: "
	         "chunked\r\n\r\n",
	         END_BAD_REQUEST},
	        {"POST",
	         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
	         END_BAD_REQUEST},
	        {"POST", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
	         END_BAD_REQUEST},
	        {"POST", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
	         END_CODING},
	        {"GET", "GET / HTTP/1.1\r\nHost: a\r\nX: b\nc\r\n\r\n", END_BAD_REQUEST},
	        {"GET", "GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n", END_BAD_REQUEST},
	        {"GET", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c: d\r\n\r\n", END_BAD_REQUEST},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct head h;
		struct request_facts f;

		head_of(&h, rows[i].method, rows[i].text);
		if (head_check_request(&h, &f) != rows[i].want)
			fail_msg("row %zu: %s", i, rows[i].text);
	}
}

static void test_head_absolute_form_replaces_host(void **state)
{
	struct head h;
	struct request_facts f;

	head_of(&h, "GET", "GET HTTP://b:81/p?q HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(head_check_request(&h, &f), END_NONE);
	assert_memory_equal(f.host, "b:81", 4);
	assert_int_equal(f.host_bytes, 4);
	assert_memory_equal(f.path, "/p?q", 4);
	head_of(&h, "GET", "GET http://b HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(head_check_request(&h, &f), END_NONE);
	assert_int_equal(f.path_bytes, 1);
	assert_int_equal(f.path[0], '/');
}

static void test_head_keep_alive_by_version(void **state)
{
	static const struct {
		const char *text;
		bool keep;
	} rows[] = {
	        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
	        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", false},
	        {"GET / HTTP/1.0\r\nHost: a\r\n\r\n", false},
	        {"GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n", true},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct head h;
		struct request_facts f;

		head_of(&h, "GET", rows[i].text);
		assert_int_equal(head_check_request(&h, &f), END_NONE);
		assert_int_equal(f.keep_alive, rows[i].keep);
	}
}

static void test_head_trailers_cannot_change_framing_or_routing(void **state)
{
	assert_true(head_trailer_allowed("Grpc-Status", 11));
	assert_false(head_trailer_allowed("content-length", 14));
	assert_false(head_trailer_allowed("Host", 4));
	assert_false(head_trailer_allowed("x-forwarded-for", 15));
	assert_false(head_trailer_allowed("X_Forwarded_For", 15));
	assert_false(head_trailer_allowed("x-request-id", 12));
	assert_false(head_trailer_allowed("", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_head_request_checks),
	        cmocka_unit_test(test_head_absolute_form_replaces_host),
	        cmocka_unit_test(test_head_keep_alive_by_version),
	        cmocka_unit_test(test_head_trailers_cannot_change_framing_or_routing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
