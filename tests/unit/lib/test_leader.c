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
#include "lib/kube/control/leader.h"

/* A server of one Lease, with optimistic concurrency. */
struct fixture {
	struct event_base *base;
	struct fake_server *server;
	struct kube_client *client;
	struct leader *leader[2];
	unsigned leading[2];
	json_t *lease;
	int version;
	unsigned writes;
	unsigned released;
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
	json_t *body = request_json(req);
	char *text;

	if (body != NULL && strcmp(kube_resource_version(body), kube_resource_version(f->lease))) {
		json_decref(body);
		fake_server_reply(req, 409, "{\"reason\":\"Conflict\",\"message\":\"changed\"}");
		return;
	}
	if (body != NULL) {
		char version[16];

		(void)snprintf(version, sizeof version, "%d", ++f->version);
		(void)json_object_set_new(json_object_get(body, "metadata"), "resourceVersion",
		                          json_string(version));
		json_decref(f->lease);
		f->lease = body;
		f->writes++;
	}
	if (f->lease == NULL) {
		fake_server_reply(req, 404, "{\"reason\":\"NotFound\",\"message\":\"no\"}");
		return;
	}
	text = json_dumps(f->lease, 0);
	fake_server_reply(req, 200, text);
	free(text);
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
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	leader_free(f->leader[0]);
	leader_free(f->leader[1]);
	kube_client_free(f->client);
	fake_server_free(f->server);
	event_base_free(f->base);
	json_decref(f->lease);
	free(f);
	return 0;
}

static void on_change(void *arg, bool leading)
{
	*(unsigned *)arg = leading;
}

static void on_released(void *arg)
{
	(*(unsigned *)arg)++;
}

static void join(struct fixture *f, size_t i, const char *identity)
{
	const struct leader_opts opts = {"ns", "sc", identity,  600,
	                                 100,  20,   on_change, &f->leading[i]};

	assert_int_equal(leader_new(f->base, f->client, &opts, &f->leader[i], NULL), 0);
}

static void test_leader_takes_renews_and_hands_over(void **state)
{
	struct fixture *f = *state;

	join(f, 0, "a");
	wait_for(f, &f->leading[0], 1);
	assert_true(leader_is_leading(f->leader[0], clk_now_ms()));
	assert_string_equal(json_str_at(f->lease, "", "spec", "holderIdentity", NULL), "a");
	join(f, 1, "b");
	wait_for(f, &f->writes, 4); /* renewed, and nobody else wrote */
	assert_int_equal(f->leading[1], 0);
	assert_int_equal(json_int_at(f->lease, -1, "spec", "leaseTransitions", NULL), 0);
	leader_release(f->leader[0], on_released, &f->released);
	assert_false(leader_is_leading(f->leader[0], clk_now_ms()));
	wait_for(f, &f->released, 1);
	wait_for(f, &f->leading[1], 1);
	assert_string_equal(json_str_at(f->lease, "", "spec", "holderIdentity", NULL), "b");
}

static void test_leader_that_fell_silent_is_replaced(void **state)
{
	struct fixture *f = *state;

	join(f, 0, "a");
	wait_for(f, &f->leading[0], 1);
	leader_free(f->leader[0]);
	f->leader[0] = NULL;
	join(f, 1, "b");
	wait_for(f, &f->leading[1], 1);
	assert_int_equal(json_int_at(f->lease, -1, "spec", "leaseTransitions", NULL), 1);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_leader_takes_renews_and_hands_over),
	        TEST(test_leader_that_fell_silent_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
