/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/buffer.h>

#include "fake_server.h"
#include "lib/http/client.h"

enum { DEADLINE_S = 8 };

struct fixture {
	struct event_base *base;
	struct fake_server *server;
	struct http_client *client;
	struct http_call *call;
	char trace[1024];
	unsigned requests;
	unsigned done;
	int status;
	enum err_code code;
	uint64_t retry_after_ms;
	char body[256];
	void (*then)(struct fixture *f); /* in on_data or on_done */
};

static void on_request(struct evhttp_request *req, void *arg)
{
	struct fixture *f = arg;
	const char *uri = evhttp_request_get_uri(req);
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	struct evkeyvalq *head = evhttp_request_get_input_headers(req);
	const char *token = evhttp_find_header(head, "Authorization");
	size_t len = strlen(f->trace);

	f->requests++;
	(void)snprintf(f->trace + len, sizeof f->trace - len, "%d %s %s %.*s%s|",
	               evhttp_request_get_command(req), uri, token ? token : "-",
	               (int)evbuffer_get_length(in), (char *)evbuffer_pullup(in, -1) ?: "",
	               evhttp_find_header(head, "Expect") ? " expect" : "");
	if (strcmp(uri, "/never") == 0) {
		fake_server_hold(f->server, req);
		return;
	}
	if (strcmp(uri, "/stream") == 0) {
		fake_server_hold(f->server, req);
		evhttp_send_reply_start(req, 200, "OK");
		fake_server_chunk(req, "one");
		return;
	}
	if (strcmp(uri, "/busy") == 0) {
		(void)evhttp_add_header(evhttp_request_get_output_headers(req), "Retry-After", "3");
		fake_server_reply(req, 429, "later");
		return;
	}
	fake_server_reply(req, 200, "hello");
}

static void on_done(void *arg, const struct http_response *res)
{
	struct fixture *f = arg;

	f->done++;
	f->status = res->status;
	f->retry_after_ms = res->retry_after_ms;
	f->code = res->err != NULL ? res->err->code : ERR_NONE;
	(void)snprintf(f->body, sizeof f->body, "%s", res->body);
	if (f->then != NULL)
		f->then(f);
}

static int on_data(void *arg, const char *data, size_t bytes)
{
	struct fixture *f = arg;
	size_t len = strlen(f->body);

	(void)snprintf(f->body + len, sizeof f->body - len, "%.*s", (int)bytes, data);
	if (f->then != NULL)
		f->then(f);
	return 0;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	*state = f;
	f->base = event_base_new();
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	http_client_free(f->client);
	fake_server_free(f->server);
	event_base_free(f->base);
	free(f);
	return 0;
}

static void connect_to(struct fixture *f, bool tls, const struct http_client_opts *more)
{
	struct http_client_opts opts = *more;
	struct err err = {0};
	char url[64];

	f->server = fake_server_new(f->base, tls, 0, on_request, f);
	assert_non_null(f->server);
	(void)snprintf(url, sizeof url, "%s://127.0.0.1:%u", tls ? "https" : "http",
	               fake_server_port(f->server));
	opts.base_url = url;
	if (tls && opts.ca_pem == NULL && opts.ca_file == NULL)
		opts.ca_pem = fake_server_ca_pem(f->server);
	assert_int_equal(http_client_new(f->base, &opts, &f->client, &err), 0);
}

static void start(struct fixture *f, const struct http_request *more)
{
	struct http_request req = *more;
	struct err err = {0};

	req.on_done = on_done;
	req.arg = f;
	if (http_call_start(f->client, &req, &f->call, &err) < 0)
		fail_msg("%s", err.text);
}

static void wait_for(struct fixture *f, const unsigned *counter, unsigned value)
{
	struct timeval tv = {DEADLINE_S, 0};
	struct event *deadline = event_new(f->base, -1, 0, NULL, NULL);

	(void)event_add(deadline, &tv);
	while (*counter < value && event_pending(deadline, EV_TIMEOUT, NULL))
		(void)event_base_loop(f->base, EVLOOP_ONCE);
	event_free(deadline);
	assert_true(*counter >= value);
}

static void settle(struct fixture *f)
{
	struct timeval tv = {0, 50000};

	(void)event_base_loopexit(f->base, &tv);
	(void)event_base_dispatch(f->base);
}

static void test_http_client_keeps_its_connection(void **state)
{
	struct fixture *f = *state;

	connect_to(f, true, &(struct http_client_opts){.bearer_token = "tok"});
	start(f, &(struct http_request){.method = "GET", .path = "/a?b=1"});
	assert_int_equal(f->done, 0);
	wait_for(f, &f->done, 1);
	assert_int_equal(f->status, 200);
	assert_string_equal(f->body, "hello");
	start(f, &(struct http_request){
	                 .method = "PATCH", .path = "/c", .body = "{}", .body_bytes = 2});
	wait_for(f, &f->done, 2);
	assert_int_equal(fake_server_connections(f->server), 1);
	assert_string_equal(f->trace, "1 /a?b=1 Bearer tok |256 /c Bearer tok {}|");
}

static void test_http_client_refuses_a_certificate_it_does_not_know(void **state)
{
	struct fixture *f = *state;

	connect_to(f, true, &(struct http_client_opts){.ca_file = "/dev/null"});
	start(f, &(struct http_request){.method = "GET", .path = "/a"});
	wait_for(f, &f->done, 1);
	assert_int_equal(f->status, 0);
	assert_int_equal(f->code, ERR_UNAVAILABLE);
	assert_int_equal(f->requests, 0);
}

static void test_http_client_passes_refusals_on_with_their_delay(void **state)
{
	struct fixture *f = *state;

	connect_to(f, false, &(struct http_client_opts){0});
	start(f, &(struct http_request){.method = "GET", .path = "/busy", .on_data = on_data});
	wait_for(f, &f->done, 1);
	assert_int_equal(f->status, 429);
	assert_int_equal(f->retry_after_ms, 3000);
	assert_string_equal(f->body, "later");
}

static bool is_allowed(void *arg)
{
	return ((const struct fixture *)arg)->then == NULL;
}

static void nothing_more(struct fixture *f)
{
	(void)f;
}

/* What waits in line when the permission ends is not sent. */
static void test_http_client_asks_before_it_sends(void **state)
{
	struct fixture *f = *state;
	const struct http_request guarded = {
	        .method = "PATCH", .path = "/a", .may_send = is_allowed};

	connect_to(f, false, &(struct http_client_opts){.connections_max = 1});
	start(f, &guarded);
	wait_for(f, &f->done, 1);
	assert_int_equal(f->status, 200);
	start(f, &(struct http_request){.method = "GET", .path = "/never", .timeout_ms = 200});
	start(f, &guarded);
	wait_for(f, &f->requests, 2);
	f->then = nothing_more;
	wait_for(f, &f->done, 3);
	assert_int_equal(f->requests, 2);
	assert_int_equal(f->code, ERR_DENIED);
}

static void test_http_client_nobody_there_is_unavailable(void **state)
{
	struct fixture *f = *state;

	connect_to(f, false, &(struct http_client_opts){0});
	fake_server_free(f->server);
	f->server = NULL;
	start(f, &(struct http_request){.method = "GET", .path = "/"});
	wait_for(f, &f->done, 1);
	assert_int_equal(f->code, ERR_UNAVAILABLE);
}

static void test_http_client_timeouts(void **state)
{
	struct fixture *f = *state;

	connect_to(f, false, &(struct http_client_opts){0});
	start(f, &(struct http_request){.method = "GET", .path = "/never", .timeout_ms = 30});
	wait_for(f, &f->done, 1);
	assert_int_equal(f->code, ERR_TIMEOUT);
	start(f, &(struct http_request){.method = "GET",
	                                .path = "/stream",
	                                .idle_timeout_ms = 30,
	                                .on_data = on_data});
	wait_for(f, &f->done, 2);
	assert_int_equal(f->code, ERR_TIMEOUT);
}

static void test_http_client_limits_the_answer(void **state)
{
	struct fixture *f = *state;

	connect_to(f, false, &(struct http_client_opts){0});
	start(f, &(struct http_request){.method = "GET", .path = "/", .response_bytes_max = 4});
	wait_for(f, &f->done, 1);
	assert_int_equal(f->code, ERR_INVALID);
}

static void test_http_client_streams_leave_connections_to_calls(void **state)
{
	struct fixture *f = *state;

	connect_to(f, false, &(struct http_client_opts){.connections_max = 1});
	for (unsigned i = 1; i <= 3; i++) {
		start(f, &(struct http_request){
		                 .method = "GET", .path = "/stream", .on_data = on_data});
		wait_for(f, &f->requests, i);
	}
	start(f, &(struct http_request){.method = "GET", .path = "/"});
	wait_for(f, &f->done, 1);
	assert_int_equal(f->status, 200);
}

static void test_http_client_keeps_as_many_connections_as_it_uses(void **state)
{
	enum { CALLS = 40, CONNECTIONS = 16 };
	struct fixture *f = *state;

	connect_to(f, false, &(struct http_client_opts){0});
	for (unsigned round = 1; round <= 2; round++) {
		for (unsigned i = 0; i < CALLS; i++)
			start(f, &(struct http_request){.method = "GET", .path = "/"});
		wait_for(f, &f->done, round * CALLS);
	}
	assert_int_equal(fake_server_connections(f->server), CONNECTIONS);
}

static void test_http_client_cancelled_call_is_silent(void **state)
{
	struct fixture *f = *state;

	connect_to(f, false, &(struct http_client_opts){0});
	start(f, &(struct http_request){.method = "GET", .path = "/never"});
	wait_for(f, &f->requests, 1);
	http_call_cancel(f->call);
	settle(f);
	assert_int_equal(f->done, 0);
}

static void then_cancel(struct fixture *f)
{
	http_call_cancel(f->call);
}

static void then_free(struct fixture *f)
{
	http_client_free(f->client);
	f->client = NULL;
}

static void then_start(struct fixture *f)
{
	f->then = NULL;
	start(f, &(struct http_request){.method = "GET", .path = "/more"});
}

static void test_http_client_cancel_inside_on_data(void **state)
{
	struct fixture *f = *state;

	connect_to(f, false, &(struct http_client_opts){0});
	f->then = then_cancel;
	start(f, &(struct http_request){.method = "GET", .path = "/stream", .on_data = on_data});
	wait_for(f, &f->requests, 1);
	settle(f);
	assert_string_equal(f->body, "one");
	assert_int_equal(f->done, 0);
}

static void test_http_client_free_inside_callbacks(void **state)
{
	struct fixture *f = *state;

	connect_to(f, false, &(struct http_client_opts){0});
	f->then = then_free;
	start(f, &(struct http_request){.method = "GET", .path = "/never"});
	start(f, &(struct http_request){.method = "GET", .path = "/stream", .on_data = on_data});
	wait_for(f, &f->requests, 2);
	settle(f);
	assert_int_equal(f->done, 0);
	assert_null(f->client);
	fake_server_free(f->server);
	connect_to(f, false, &(struct http_client_opts){0});
	start(f, &(struct http_request){.method = "GET", .path = "/"});
	wait_for(f, &f->done, 1);
	assert_null(f->client);
}

static void test_http_client_start_inside_callbacks(void **state)
{
	struct fixture *f = *state;

	connect_to(f, false, &(struct http_client_opts){0});
	f->then = then_start;
	start(f, &(struct http_request){.method = "GET", .path = "/stream", .on_data = on_data});
	wait_for(f, &f->done, 1);
	f->then = then_start;
	start(f, &(struct http_request){.method = "GET", .path = "/"});
	wait_for(f, &f->done, 3);
	assert_string_equal(f->trace, "1 /stream - |1 /more - |1 / - |1 /more - |");
}

static void write_file(const char *path, const char *text)
{
	FILE *out;

	(void)unlink(path);
	out = fopen(path, "we");
	assert_non_null(out);
	(void)fputs(text, out);
	(void)fclose(out);
}

static void test_http_client_reads_a_rotated_token(void **state)
{
	struct fixture *f = *state;
	char path[64];

	(void)snprintf(path, sizeof path, "/tmp/http_client_token.%d", (int)getpid());
	write_file(path, "first\n");
	connect_to(f, false, &(struct http_client_opts){.bearer_token_file = path});
	start(f, &(struct http_request){.method = "GET", .path = "/1"});
	wait_for(f, &f->done, 1);
	write_file(path, "second\n");
	start(f, &(struct http_request){.method = "GET", .path = "/2"});
	(void)unlink(path);
	wait_for(f, &f->done, 2);
	assert_string_equal(f->trace, "1 /1 Bearer first |1 /2 Bearer second |");
}

#define HTTP_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        HTTP_TEST(test_http_client_keeps_its_connection),
	        HTTP_TEST(test_http_client_refuses_a_certificate_it_does_not_know),
	        HTTP_TEST(test_http_client_passes_refusals_on_with_their_delay),
	        HTTP_TEST(test_http_client_asks_before_it_sends),
	        HTTP_TEST(test_http_client_nobody_there_is_unavailable),
	        HTTP_TEST(test_http_client_timeouts),
	        HTTP_TEST(test_http_client_limits_the_answer),
	        HTTP_TEST(test_http_client_streams_leave_connections_to_calls),
	        HTTP_TEST(test_http_client_keeps_as_many_connections_as_it_uses),
	        HTTP_TEST(test_http_client_cancelled_call_is_silent),
	        HTTP_TEST(test_http_client_cancel_inside_on_data),
	        HTTP_TEST(test_http_client_free_inside_callbacks),
	        HTTP_TEST(test_http_client_start_inside_callbacks),
	        HTTP_TEST(test_http_client_reads_a_rotated_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
