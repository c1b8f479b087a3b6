/* SPDX-License-Identifier: Apache-2.0 */
#include "activator/core/forward.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/activator/heads.h"

static const struct forward_origin proxied = {
        .address = "10.0.0.9", .trusted = true, .request_id = "id", .upgrades = "websocket,x"};
static const struct forward_origin direct = {
        .address = "203.0.113.9", .request_id = "id", .upgrades = "websocket,x"};

#define PROXIED                                                                                    \
	"X-Request-Id: id\r\nX-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Proto: http\r\n"             \
	"X-Forwarded-Host: h\r\n\r\n"
#define DIRECT                                                                                     \
	"X-Request-Id: id\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: http\r\n"          \
	"X-Forwarded-Host: h\r\n\r\n"

static void assert_forwards(const struct forward_origin *origin, const char *in, const char *want)
{
	char buf[1024];
	struct forward_text t = {.at = buf, .capacity = sizeof buf - 1};
	struct request_facts f;
	struct head h;

	head_of(&h, in[0] == 'P' ? "POST" : "GET", in);
	assert_int_equal(head_check_request(&h, &f), END_NONE);
	forward_request(&t, &h, &f, origin);
	assert_false(t.overflow);
	buf[t.bytes] = '\0';
	assert_string_equal(buf, want);
}

static void test_forward_request_appends_to_what_a_trusted_proxy_says(void **state)
{
	assert_forwards(&proxied,
	                "GET /a HTTP/1.0\r\nHost: h\r\nX-Forwarded-For: 1.2.3.4\r\n"
	                "X-Forwarded-For: 5.6.7.8\r\n\r\n",
	                "GET /a HTTP/1.1\r\nHost: h\r\nX-Request-Id: id\r\n"
	                "X-Forwarded-For: 1.2.3.4, 5.6.7.8, 10.0.0.9\r\nX-Forwarded-Proto: http\r\n"
	                "X-Forwarded-Host: h\r\n\r\n");
	assert_forwards(&proxied,
	                "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: https\r\n"
	                "X-Forwarded-Host: front\r\nX-Forwarded-Port: 443\r\n"
	                "Forwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\n\r\n",
	                "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: https\r\n"
	                "X-Forwarded-Host: front\r\nX-Forwarded-Port: 443\r\n"
	                "Forwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\n"
	                "X-Request-Id: id\r\nX-Forwarded-For: 10.0.0.9\r\n\r\n");
}

static void test_forward_request_replaces_what_others_say(void **state)
{
	assert_forwards(&direct,
	                "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.2.3.4\r\n"
	                "X-Forwarded-Proto: https\r\nX-Forwarded-Host: front\r\n"
	                "X-Forwarded-Port: 443\r\nForwarded: for=1.2.3.4\r\n"
	                "X-Real-IP: 1.2.3.4\r\nX-Request-Id: theirs\r\n\r\n",
	                "GET / HTTP/1.1\r\nHost: h\r\n" DIRECT);
}

/* CGI and WSGI make one variable of both. */
static void test_forward_request_drops_twins_with_underscores(void **state)
{
	static const char in[] = "GET / HTTP/1.1\r\nHost: h\r\nX_Forwarded_For: 6.6.6.6\r\n"
	                         "X-Forwarded_Proto: https\r\nX_Forwarded_Port: 1\r\n"
	                         "X-Forwarded-Po_rt: 1\r\nx_real_ip: 6.6.6.6\r\n"
	                         "X_Request_Id: 6\r\nContent_Length: 6\r\n"
	                         "Transfer_Encoding: chunked\r\nMy_Own: 1\r\n\r\n";

	assert_forwards(&proxied, in, "GET / HTTP/1.1\r\nHost: h\r\nMy_Own: 1\r\n" PROXIED);
	assert_forwards(&direct, in, "GET / HTTP/1.1\r\nHost: h\r\nMy_Own: 1\r\n" DIRECT);
}

static void test_forward_request_drops_hop_by_hop_and_what_connection_lists(void **state)
{
	assert_forwards(
	        &proxied,
	        "POST / HTTP/1.1\r\nHost: h\r\nConnection: X-Drop, Host, Content-Length\r\n"
	        "X-Drop: 1\r\nKeep-Alive: 5\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
	        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: "
	        "3\r\n" PROXIED);
}

static void test_forward_request_keeps_its_own_fields_that_connection_lists(void **state)
{
	assert_forwards(&proxied,
	                "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: https\r\n"
	                "Connection: X-Forwarded-Proto, X-Forwarded-Host, X-Request-Id\r\n\r\n",
	                "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: https\r\n"
	                "X-Request-Id: id\r\nX-Forwarded-For: 10.0.0.9\r\n"
	                "X-Forwarded-Host: h\r\n\r\n");
	assert_forwards(&direct,
	                "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: https\r\n"
	                "Connection: X-Forwarded-Proto, X-Forwarded-For\r\n\r\n",
	                "GET / HTTP/1.1\r\nHost: h\r\n" DIRECT);
}

static void test_forward_request_keeps_an_upgrade_that_is_allowed(void **state)
{
	assert_forwards(&direct,
	                "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
	                "Upgrade: h2c, WebSocket, y, x/2\r\n\r\n",
	                "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n"
	                "Upgrade: WebSocket, x/2\r\n" DIRECT);
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
	        cmocka_unit_test(test_forward_request_appends_to_what_a_trusted_proxy_says),
	        cmocka_unit_test(test_forward_request_replaces_what_others_say),
	        cmocka_unit_test(test_forward_request_drops_twins_with_underscores),
	        cmocka_unit_test(test_forward_request_drops_hop_by_hop_and_what_connection_lists),
	        cmocka_unit_test(test_forward_request_keeps_its_own_fields_that_connection_lists),
	        cmocka_unit_test(test_forward_request_keeps_an_upgrade_that_is_allowed),
	        cmocka_unit_test(test_forward_response_writes_its_own_framing),
	        cmocka_unit_test(test_forward_stops_at_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
