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
#include "lib/http/metrics.h"
#include "lib/kube/cache/informer.h"
#include "lib/kube/client/kubeconfig.h"
#include "lib/kube/client/object.h"
#include "lib/kube/client/refusal.h"

enum { DEADLINE_S = 8 };

/* What the server answers next, in order; a watch (text NULL) stays open. */
struct answer {
	const char *uri_has;
	int status;
	const char *text;
};

struct fixture {
	struct event_base *base;
	struct fake_server *server;
	struct kube_client *client;
	struct informer *informer;
	const struct answer *answers; /* ended by uri_has NULL */
	struct evhttp_request *watch; /* the open one */
	unsigned watches;
	unsigned bad_requests;
	char last_uri[512];
	char last_body[512];
	char last_type[64];
	unsigned done;
	unsigned ends;
	enum err_code code;
	char message[512];
	size_t items_count;
	char last_item[64]; /* its apiVersion and kind */
	char trace[512];
	unsigned changes;
	unsigned synced;
	bool free_on_change;
};

static void on_request(struct evhttp_request *req, void *arg)
{
	struct fixture *f = arg;
	const char *uri = evhttp_request_get_uri(req);
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	const char *type =
	        evhttp_find_header(evhttp_request_get_input_headers(req), "Content-Type");
	const struct answer *a = f->answers;

	(void)snprintf(f->last_uri, sizeof f->last_uri, "%s", uri);
	(void)snprintf(f->last_body, sizeof f->last_body, "%.*s", (int)evbuffer_get_length(in),
	               evbuffer_get_length(in) ? (char *)evbuffer_pullup(in, -1) : "");
	(void)snprintf(f->last_type, sizeof f->last_type, "%s", type ? type : "");
	if (a == NULL || a->uri_has == NULL || strstr(uri, a->uri_has) == NULL) {
		f->bad_requests++;
		fake_server_reply(req, 500, uri);
		return;
	}
	f->answers++;
	if (a->text != NULL) {
		fake_server_reply(req, a->status, a->text);
		return;
	}
	fake_server_hold(f->server, req);
	f->watch = req;
	f->watches++;
	evhttp_send_reply_start(req, 200, "OK");
}

static void make_client(struct fixture *f)
{
	char path[] = "/tmp/kube_client.XXXXXX";
	int fd = mkstemp(path);
	struct kubeconfig *conf = NULL;
	struct err err = {0};

	assert_true(fd >= 0);
	(void)dprintf(fd,
	              "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
	              "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:%u'}}]\n",
	              fake_server_port(f->server));
	(void)close(fd);
	assert_int_equal(kubeconfig_load(path, NULL, &conf, &err), 0);
	(void)unlink(path);
	assert_int_equal(kube_client_new(f->base, conf, "test", &f->client, &err), 0);
	kubeconfig_free(conf);
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

	informer_free(f->informer);
	kube_client_free(f->client);
	fake_server_free(f->server);
	event_base_free(f->base);
	free(f);
	return 0;
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
	assert_int_equal(f->bad_requests, 0);
}

static void on_done(void *arg, const struct kube_result *res)
{
	struct fixture *f = arg;
	const json_t *last;

	f->done++;
	f->code = res->err != NULL ? res->err->code : ERR_NONE;
	(void)snprintf(f->message, sizeof f->message, "%s", res->err ? res->err->text : "");
	f->items_count = json_array_size(json_object_get(res->body, "items"));
	last = json_array_get(json_object_get(res->body, "items"), f->items_count - 1);
	(void)snprintf(f->last_item, sizeof f->last_item, "%s %s",
	               json_str_at(last, "", "apiVersion", NULL),
	               json_str_at(last, "", "kind", NULL));
}

static const struct kube_ref pod = {.type = &KUBE_PODS, .ns = "d", .name = "p"};

static void test_kube_calls_send_what_the_api_wants(void **state)
{
	struct fixture *f = *state;
	static const struct answer answers[] = {{"/pods/p/status", 200, "{}"},
	                                        {"/pods", 201, "{}"},
	                                        {"/pods/p", 200, "{}"},
	                                        {NULL, 0, NULL}};
	struct kube_ref status = pod;
	json_t *body = json_pack("{s:i}", "a", 1);

	f->answers = answers;
	status.subresource = "status";
	assert_non_null(kube_patch_merge(f->client, &status, body, on_done, f));
	assert_int_equal(f->done, 0);
	wait_for(f, &f->done, 1);
	assert_string_equal(f->last_uri, "/api/v1/namespaces/d/pods/p/status");
	assert_string_equal(f->last_type, "application/merge-patch+json");
	assert_string_equal(f->last_body, "{\"a\":1}");
	assert_non_null(kube_create(f->client, &pod, body, on_done, f));
	wait_for(f, &f->done, 2);
	assert_string_equal(f->last_uri, "/api/v1/namespaces/d/pods");
	assert_non_null(kube_delete(f->client, &pod,
	                            &(struct kube_delete_opts){.uid = "u", .grace_period_s = 0},
	                            on_done, f));
	wait_for(f, &f->done, 3);
	assert_non_null(strstr(f->last_body, "\"preconditions\":{\"uid\":\"u\"}"));
	assert_non_null(strstr(f->last_body, "\"gracePeriodSeconds\":0"));
	assert_int_equal(f->code, ERR_NONE);
	json_decref(body);
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

/* Who leads no more reads on, renews leases, and writes nothing else. */
static void test_kube_guard_stops_what_changes_something(void **state)
{
	struct fixture *f = *state;
	static const struct answer answers[] = {
	        {"/pods/p", 200, "{}"}, {"/leases/l", 200, "{}"}, {NULL, 0, NULL}};
	const struct kube_ref lease = {.type = &KUBE_LEASES, .ns = "d", .name = "l"};
	json_t *body = json_object();

	f->answers = answers;
	kube_client_guard(f->client, never, NULL);
	assert_non_null(kube_get(f->client, &pod, on_done, f));
	wait_for(f, &f->done, 1);
	assert_int_equal(f->code, ERR_NONE);
	assert_non_null(kube_replace(f->client, &lease, body, on_done, f));
	wait_for(f, &f->done, 2);
	assert_int_equal(f->code, ERR_NONE);
	assert_non_null(kube_create(f->client, &pod, body, on_done, f));
	assert_non_null(kube_patch_merge(f->client, &pod, body, on_done, f));
	assert_non_null(kube_delete(f->client, &pod, NULL, on_done, f));
	wait_for(f, &f->done, 5);
	assert_int_equal(f->code, ERR_DENIED);
	assert_string_equal(f->last_uri, "/apis/coordination.k8s.io/v1/namespaces/d/leases/l");
	json_decref(body);
}

static void test_kube_refusal_has_the_reason_of_its_status(void **state)
{
	struct fixture *f = *state;
	static const struct answer answers[] = {
	        {"/pods", 409,
	         "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\",\"message\":\"it is\"}"},
	        {NULL, 0, NULL}};
	json_t *body = json_object();

	f->answers = answers;
	assert_non_null(kube_create(f->client, &pod, body, on_done, f));
	wait_for(f, &f->done, 1);
	assert_int_equal(f->code, ERR_EXISTS);
	assert_string_equal(f->message, "it is");
	json_decref(body);
}

#define PAGE(version, token, name)                                                                 \
	"{\"metadata\":{\"resourceVersion\":\"" version "\",\"continue\":\"" token                 \
	"\"},\"items\":[{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"d\",\"uid\":\"" name  \
	"\",\"resourceVersion\":\"" version "\"}}]}"

static void test_kube_list_joins_pages_and_starts_anew_on_410(void **state)
{
	struct fixture *f = *state;
	static const struct answer answers[] = {{"limit=500", 200, PAGE("5", "t/1", "a")},
	                                        {"continue=t%2F1", 200, PAGE("5", "", "b")},
	                                        {"limit=500", 200, PAGE("6", "t2", "a")},
	                                        {"continue=t2", 410, "{}"},
	                                        {"/pods", 200, PAGE("7", "", "c")},
	                                        {NULL, 0, NULL}};

	f->answers = answers;
	assert_non_null(kube_list(f->client, &pod, NULL, on_done, f));
	wait_for(f, &f->done, 1);
	assert_int_equal(f->items_count, 2);
	assert_non_null(kube_list(f->client, &pod, NULL, on_done, f));
	wait_for(f, &f->done, 2);
	assert_int_equal(f->items_count, 1);
	assert_string_equal(f->last_uri, "/api/v1/namespaces/d/pods");
}

/* A server leaves both out of the items of a list of its own types, not of others. */
static void test_kube_list_says_what_its_items_are(void **state)
{
	struct fixture *f = *state;
	const struct kube_ref slices = {.type = &KUBE_ENDPOINTSLICES, .ns = "d"};
	static const struct answer answers[] = {
	        {"/pods", 200, PAGE("5", "", "a")},
	        {"/endpointslices", 200, "{\"items\":[{\"metadata\":{}}]}"},
	        {NULL, 0, NULL}};

	f->answers = answers;
	assert_non_null(kube_list(f->client, &pod, NULL, on_done, f));
	wait_for(f, &f->done, 1);
	assert_string_equal(f->last_item, "v1 Pod");
	assert_non_null(kube_list(f->client, &slices, NULL, on_done, f));
	wait_for(f, &f->done, 2);
	assert_string_equal(f->last_item, "discovery.k8s.io/v1 EndpointSlice");
}

static void on_change(void *arg, const json_t *old_object, const json_t *new_object)
{
	struct fixture *f = arg;
	size_t len = strlen(f->trace);

	(void)snprintf(f->trace + len, sizeof f->trace - len, "%s:%s>%s ",
	               kube_name(new_object ? new_object : old_object),
	               old_object ? kube_resource_version(old_object) : "-",
	               new_object ? kube_resource_version(new_object) : "-");
	f->changes++;
	if (f->free_on_change) {
		informer_free(f->informer);
		kube_client_free(f->client);
		f->informer = NULL;
		f->client = NULL;
	}
}

static void on_synced(void *arg)
{
	((struct fixture *)arg)->synced++;
}

SKIM_ONLY(names, SKIM_IDENTITY);
SKIM_ONLY(names_only, {"metadata", SKIM_INSIDE, &names});

static void make_informer_that_keeps(struct fixture *f, const struct skim *keep,
                                     const struct answer *answers)
{
	const struct informer_opts opts = {.ref = {.type = &KUBE_PODS},
	                                   .keep = keep,
	                                   .on_change = on_change,
	                                   .on_synced = on_synced,
	                                   .arg = f};
	struct err err = {0};

	f->answers = answers;
	assert_int_equal(informer_new(f->base, f->client, &opts, &f->informer, &err), 0);
}

static void make_informer(struct fixture *f, const struct answer *answers)
{
	make_informer_that_keeps(f, NULL, answers);
}

#define EVENT(type, name, version)                                                                 \
	"{\"type\":\"" type "\",\"object\":{\"metadata\":{\"name\":\"" name                        \
	"\",\"namespace\":\"d\",\"uid\":\"" name "\",\"resourceVersion\":\"" version "\"}}}\n"

#define EXPIRED "{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\"}"

/* What a list has no more goes in the order of the cache, which is nobody's to foresee. */
static void assert_trace(const struct fixture *f, const char *before, const char *one,
                         const char *other, const char *after)
{
	char first[512], second[512];

	(void)snprintf(first, sizeof first, "%s%s%s%s", before, one, other, after);
	(void)snprintf(second, sizeof second, "%s%s%s%s", before, other, one, after);
	if (strcmp(f->trace, second) != 0)
		assert_string_equal(f->trace, first);
}

static void test_informer_resumes_and_lists_again_on_410(void **state)
{
	struct fixture *f = *state;
	static const struct answer answers[] = {{"limit=", 200, PAGE("5", "", "a")},
	                                        {"resourceVersion=5", 0, NULL},
	                                        {"resourceVersion=8", 0, NULL},
	                                        {"limit=", 200, PAGE("9", "", "c")},
	                                        {"resourceVersion=9", 0, NULL},
	                                        {"resourceVersion=9", 410, EXPIRED},
	                                        {"limit=", 200, PAGE("12", "", "d")},
	                                        {"resourceVersion=12", 0, NULL},
	                                        {NULL, 0, NULL}};

	make_informer(f, answers);
	wait_for(f, &f->watches, 1);
	assert_int_equal(f->synced, 1);
	assert_non_null(strstr(f->last_uri, "allowWatchBookmarks=true"));
	fake_server_chunk(f->watch, EVENT("ADDED", "b", "6") EVENT("MODIFIED", "a", "7"));
	fake_server_chunk(f->watch, EVENT("BOOKMARK", "", "8"));
	wait_for(f, &f->changes, 3);
	assert_int_equal(informer_lost_ms(f->informer, 0), 0);
	fake_server_end_held(f->server);
	wait_for(f, &f->watches, 2);
	fake_server_chunk(f->watch, "{\"type\":\"ERROR\",\"object\":" EXPIRED "}\n");
	wait_for(f, &f->watches, 3);
	assert_trace(f, "a:->5 b:->6 a:5>7 c:->9 ", "b:6>- ", "a:7>- ", "");
	assert_int_equal(f->synced, 1);
	assert_int_equal(informer_count(f->informer), 1);
	/* or the watch does not even begin */
	fake_server_end_held(f->server);
	wait_for(f, &f->watches, 4);
	assert_trace(f, "a:->5 b:->6 a:5>7 c:->9 ", "b:6>- ", "a:7>- ", "d:->12 c:9>- ");
}

static void test_informer_that_keeps_little_is_told_of_errors(void **state)
{
	struct fixture *f = *state;
	static const struct answer answers[] = {{"limit=", 200, PAGE("5", "", "a")},
	                                        {"resourceVersion=5", 0, NULL},
	                                        {"limit=", 200, PAGE("9", "", "c")},
	                                        {"resourceVersion=9", 0, NULL},
	                                        {NULL, 0, NULL}};

	make_informer_that_keeps(f, &names_only, answers);
	wait_for(f, &f->watches, 1);
	fake_server_chunk(f->watch, EVENT("ADDED", "b", "6") EVENT("BOOKMARK", "", "8"));
	fake_server_chunk(f->watch, "{\"type\":\"ERROR\",\"object\":" EXPIRED "}\n");
	wait_for(f, &f->watches, 2);
	assert_trace(f, "a:->5 b:->6 c:->9 ", "b:6>- ", "a:5>- ", "");
}

static void put_text(void *arg, const char *piece, size_t bytes)
{
	(void)strncat(arg, piece, bytes);
}

static void test_informer_that_is_refused_says_so(void **state)
{
	struct fixture *f = *state;
	static const char forbidden[] =
	        "{\"kind\":\"Status\",\"code\":403,\"reason\":\"Forbidden\","
	        "\"message\":\"pods is forbidden: User sc cannot do that\"}";
	static const struct answer answers[] = {
	        {"limit=", 403, forbidden},          {"limit=", 403, forbidden},
	        {"limit=", 200, PAGE("5", "", "a")}, {"resourceVersion=5", 403, forbidden},
	        {"resourceVersion=5", 0, NULL},      {NULL, 0, NULL}};
	struct metrics *metrics = metrics_new();
	char text[16384] = "";

	refusals_count_in(metrics);
	make_informer(f, answers);
	assert_null(refusals_text());
	while (f->answers < answers + 2)
		(void)event_base_loop(f->base, EVLOOP_ONCE);
	while (refusals_text() == NULL)
		(void)event_base_loop(f->base, EVLOOP_ONCE);
	assert_non_null(strstr(refusals_text(), "list of pods is refused: "));
	assert_non_null(strstr(refusals_text(), "pods is forbidden: User sc cannot do that"));
	while (f->answers < answers + 4 || strstr(refusals_text(), "watch of pods") == NULL)
		(void)event_base_loop(f->base, EVLOOP_ONCE);
	wait_for(f, &f->watches, 1);
	while (refusals_text() != NULL)
		(void)event_base_loop(f->base, EVLOOP_ONCE);
	metrics_write(metrics, put_text, text);
	assert_non_null(
	        strstr(text, "sc_informer_refused_total{resource=\"pods\",reason=\"denied\"} 3\n"));
	refusals_count_in(NULL);
	metrics_free(metrics);
}

static void test_informer_comes_back_after_the_server(void **state)
{
	struct fixture *f = *state;
	uint16_t port = fake_server_port(f->server);
	struct timeval while_away = {0, 300000};
	static const struct answer answers[] = {{"limit=", 200, PAGE("5", "", "a")},
	                                        {"resourceVersion=5", 0, NULL},
	                                        {"resourceVersion=5", 0, NULL},
	                                        {NULL, 0, NULL}};

	fake_server_free(f->server);
	f->server = NULL;
	make_informer(f, answers);
	(void)event_base_loopexit(f->base, &while_away);
	(void)event_base_dispatch(f->base);
	assert_false(informer_is_synced(f->informer));
	assert_true(informer_lost_ms(f->informer, UINT64_MAX) > 0);
	f->server = fake_server_new(f->base, false, port, on_request, f);
	assert_non_null(f->server);
	wait_for(f, &f->watches, 1);
	assert_true(informer_is_synced(f->informer));
	fake_server_free(f->server);
	f->server = fake_server_new(f->base, false, port, on_request, f);
	assert_non_null(f->server);
	wait_for(f, &f->watches, 2);
	assert_string_equal(f->trace, "a:->5 ");
}

static void test_informer_and_client_freed_inside_on_change(void **state)
{
	struct fixture *f = *state;
	static const struct answer answers[] = {{"limit=", 200, PAGE("5", "", "a")},
	                                        {"resourceVersion=5", 0, NULL},
	                                        {NULL, 0, NULL}};

	make_informer(f, answers);
	wait_for(f, &f->watches, 1);
	f->free_on_change = true;
	fake_server_chunk(f->watch, EVENT("ADDED", "b", "6") EVENT("ADDED", "c", "7"));
	wait_for(f, &f->changes, 2);
	assert_string_equal(f->trace, "a:->5 b:->6 ");
}

static void test_kube_cancelled_call_is_silent(void **state)
{
	struct fixture *f = *state;
	struct timeval tv = {0, 50000};
	static const struct answer answers[] = {{"/pods/p", 200, "{}"}, {NULL, 0, NULL}};

	f->answers = answers;
	kube_cancel(kube_get(f->client, &pod, on_done, f));
	(void)event_base_loopexit(f->base, &tv);
	(void)event_base_dispatch(f->base);
	assert_int_equal(f->done, 0);
}

#define KUBE_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        KUBE_TEST(test_kube_calls_send_what_the_api_wants),
	        KUBE_TEST(test_kube_guard_stops_what_changes_something),
	        KUBE_TEST(test_kube_refusal_has_the_reason_of_its_status),
	        KUBE_TEST(test_kube_list_joins_pages_and_starts_anew_on_410),
	        KUBE_TEST(test_kube_list_says_what_its_items_are),
	        KUBE_TEST(test_kube_cancelled_call_is_silent),
	        KUBE_TEST(test_informer_resumes_and_lists_again_on_410),
	        KUBE_TEST(test_informer_that_keeps_little_is_told_of_errors),
	        KUBE_TEST(test_informer_that_is_refused_says_so),
	        KUBE_TEST(test_informer_comes_back_after_the_server),
	        KUBE_TEST(test_informer_and_client_freed_inside_on_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
