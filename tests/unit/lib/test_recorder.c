/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/buffer.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_server.h"
#include "lib/base/clk.h"
#include "lib/kube/client/kubeconfig.h"
#include "lib/kube/client/object.h"
#include "lib/kube/control/recorder.h"

struct fixture {
	struct event_base *base;
	struct fake_server *server;
	struct kube_client *client;
	struct recorder *recorder;
	json_t *object;
	json_t *last;
	char last_uri[512];
	unsigned requests;
};

static void make_client(struct fixture *f)
{
	char path[] = "/tmp/kube_client.XXXXXX";
	int fd = mkstemp(path);
	struct kubeconfig *conf = NULL;

	assert_true(fd >= 0);
	(void)dprintf(fd,
	              "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
	              "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:%u'}}]\n",
	              fake_server_port(f->server));
	(void)close(fd);
	assert_int_equal(kubeconfig_load(path, NULL, &conf, NULL), 0);
	(void)unlink(path);
	assert_int_equal(kube_client_new(f->base, conf, "test", &f->client, NULL), 0);
	kubeconfig_free(conf);
}

/* Turns the loop until @value is @want. */
static void wait_for(struct fixture *f, const unsigned *value, unsigned want)
{
	uint64_t deadline_ms = clk_now_ms() + 5000;

	while (*value != want && clk_now_ms() < deadline_ms) {
		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
		(void)poll(NULL, 0, 1);
	}
	assert_int_equal(*value, want);
}

static json_t *request_json(struct evhttp_request *req)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t bytes = evbuffer_get_length(in);

	return bytes > 0 ? json_loadb((const char *)evbuffer_pullup(in, -1), bytes, 0, NULL) : NULL;
}

static void on_request(struct evhttp_request *req, void *arg)
{
	struct fixture *f = arg;

	json_decref(f->last);
	f->last = request_json(req);
	(void)snprintf(f->last_uri, sizeof f->last_uri, "%s", evhttp_request_get_uri(req));
	f->requests++;
	fake_server_reply(req, 200, "{}");
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	*state = f;
	f->base = event_base_new();
	f->server = fake_server_new(f->base, false, 0, on_request, f);
	if (f->server == NULL)
		return -1;
	make_client(f);
	f->object = json_pack("{ss ss s{ss ss ss}}", "apiVersion", "v1", "kind", "Pod", "metadata",
	                      "namespace", "shop", "name", "cart", "uid", "u1");
	return recorder_new(f->base, f->client, "sc-test", &f->recorder, NULL);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	recorder_free(f->recorder);
	kube_client_free(f->client);
	fake_server_free(f->server);
	event_base_free(f->base);
	json_decref(f->object);
	json_decref(f->last);
	free(f);
	return 0;
}

static void test_recorder_writes_an_event_and_counts_it_up(void **state)
{
	struct fixture *f = *state;
	char uri[512];

	recorder_event(f->recorder, f->object, true, "IdleStop", "idle for %d s", 5);
	wait_for(f, &f->requests, 1);
	assert_string_equal(f->last_uri, "/api/v1/namespaces/shop/events");
	assert_string_equal(json_str_at(f->last, "", "involvedObject", "uid", NULL), "u1");
	assert_string_equal(json_str_at(f->last, "", "involvedObject", "kind", NULL), "Pod");
	assert_string_equal(json_str_at(f->last, "", "message", NULL), "idle for 5 s");
	assert_string_equal(json_str_at(f->last, "", "reason", NULL), "IdleStop");
	assert_string_equal(json_str_at(f->last, "", "type", NULL), "Warning");
	assert_string_equal(json_str_at(f->last, "", "reportingComponent", NULL), "sc-test");
	assert_int_equal(json_int_at(f->last, 0, "count", NULL), 1);
	assert_int_equal(strncmp(kube_name(f->last), "cart.", 5), 0);
	(void)snprintf(uri, sizeof uri, "%.200s/%.200s", f->last_uri, kube_name(f->last));
	recorder_event(f->recorder, f->object, true, "IdleStop", "idle for %d s", 5);
	wait_for(f, &f->requests, 2);
	assert_string_equal(f->last_uri, uri);
	assert_int_equal(json_int_at(f->last, 0, "count", NULL), 2);
	recorder_event(f->recorder, f->object, true, "IdleStop", "idle for %d s", 6);
	wait_for(f, &f->requests, 3);
	assert_string_equal(f->last_uri, "/api/v1/namespaces/shop/events");
}

static void test_recorder_cuts_a_long_message_between_characters(void **state)
{
	struct fixture *f = *state;
	char big[3000];

	for (size_t i = 0; i + 3 < sizeof big; i += 2)
		memcpy(big + i, "\xc3\xbc", 3);
	recorder_event(f->recorder, f->object, false, "Long", "%s", big);
	wait_for(f, &f->requests, 1);
	assert_in_range(strlen(json_str_at(f->last, "", "message", NULL)), 1000, 1023);
}

static void test_recorder_is_bounded(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < RECORDER_PENDING_MAX + 20; i++)
		recorder_event(f->recorder, f->object, true, "Many", "number %d", i);
	wait_for(f, &f->requests, RECORDER_PENDING_MAX);
	for (int i = 0; i < 20; i++)
		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(f->requests, RECORDER_PENDING_MAX);
}

static void test_recorder_writes_a_warning_before_what_waits(void **state)
{
	struct fixture *f = *state;

	recorder_event(f->recorder, f->object, false, "ConsumerCreated", "one");
	recorder_event(f->recorder, f->object, true, "Failed", "two");
	wait_for(f, &f->requests, 1);
	assert_string_equal(json_str_at(f->last, "", "reason", NULL), "Failed");
	wait_for(f, &f->requests, 2);
	assert_string_equal(json_str_at(f->last, "", "reason", NULL), "ConsumerCreated");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_recorder_writes_an_event_and_counts_it_up),
	        TEST(test_recorder_cuts_a_long_message_between_characters),
	        TEST(test_recorder_is_bounded),
	        TEST(test_recorder_writes_a_warning_before_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
