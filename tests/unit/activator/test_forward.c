/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/core/forward.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/activator/heads.h"

static void assert_request(const char *method, const char *in, const char *want)
{
	char buf[1024];
	struct forward_text t = {.at = buf, .capacity = sizeof buf - 1};
	struct request_facts f;
	struct head h;

	head_of(&h, method, in);
	assert_int_equal(head_check_request(&h, &f), END_NONE);
	forward_request(&t, &h, &f, "10.0.0.9");
	assert_false(t.overflow);
	buf[t.bytes] = '\0';
	assert_string_equal(buf, want);
}

static void test_forward_request_appends_forwarded_fields(void **state)
{
	assert_request("GET", "GET /a HTTP/1.0\r\nHost: h\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n",
	               "GET /a HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.2.3.4, 10.0.0.9\r\n"
	               "X-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n\r\n");
	assert_request("GET",
	               "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: https\r\n"
	               "X-Forwarded-Host: front\r\n\r\n",
	               "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: https\r\n"
	               "X-Forwarded-Host: front\r\nX-Forwarded-For: 10.0.0.9\r\n\r\n");
}

static void test_forward_request_drops_hop_by_hop_and_what_connection_lists(void **state)
{
	assert_request(
	        "POST",
	        "POST / HTTP/1.1\r\nHost: h\r\nConnection: X-Drop, Host, Content-Length\r\n"
	        "X-Drop: 1\r\nKeep-Alive: 5\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
	        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n"
	        "X-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Proto: http\r\n"
	        "X-Forwarded-Host: h\r\n\r\n");
}

static void test_forward_request_keeps_an_upgrade(void **state)
{
	assert_request(
	        "GET",
	        "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
	        "\r\n",
	        "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
	        "X-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Proto: http\r\n"
	        "X-Forwarded-Host: h\r\n\r\n");
}

static void assert_response(const char *in, struct forward_response how, const char *want)
{
	char buf[1024];
	struct forward_text t = {.at = buf, .capacity = sizeof buf - 1};
	struct head h;

	head_of(&h, NULL, in);
	forward_response(&t, &h, &how);
	buf[t.bytes] = '\0';
	assert_string_equal(buf, want);
}

static void test_forward_response_writes_its_own_framing(void **state)
{
	assert_response("HTTP/1.1 200 OK\r\nDate: d\r\nConnection: close, X-H\r\nX-H: 1\r\n"
	                "Content-Length: 2\r\n\r\n",
	                (struct forward_response){.framing = FORWARD_LENGTH},
	                "HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 2\r\n\r\n");
	assert_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	                (struct forward_response){.framing = FORWARD_CHUNKED},
	                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	assert_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	                (struct forward_response){.framing = FORWARD_UNTIL_CLOSE, .close = true},
	                "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	assert_response("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
	                (struct forward_response){.framing = FORWARD_NO_BODY},
	                "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
	assert_response("HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n",
	                (struct forward_response){.framing = FORWARD_NO_BODY},
	                "HTTP/1.1 204 No Content\r\n\r\n");
	assert_response("HTTP/1.1 100 Continue\r\n\r\n",
	                (struct forward_response){.framing = FORWARD_NO_BODY, .close = true},
	                "HTTP/1.1 100 Continue\r\n\r\n");
}

static void test_forward_stops_at_its_room(void **state)
{
	char buf[8];
	struct forward_text t = {.at = buf, .capacity = sizeof buf};

	forward_put(&t, "12345678", 8);
	assert_false(t.overflow);
	forward_put(&t, "9", 1);
	assert_true(t.overflow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_forward_request_appends_forwarded_fields),
	        cmocka_unit_test(test_forward_request_drops_hop_by_hop_and_what_connection_lists),
	        cmocka_unit_test(test_forward_request_keeps_an_upgrade),
	        cmocka_unit_test(test_forward_response_writes_its_own_framing),
	        cmocka_unit_test(test_forward_stops_at_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
