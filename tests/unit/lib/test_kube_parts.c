/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/api/kinds.h"
#include "lib/kube/client/path.h"
#include "lib/kube/client/status.h"
#include "lib/kube/client/watch_frame.h"

struct lines {
	char text[256];
	int stop_after;
};

static int on_line(void *arg, const char *line, size_t bytes)
{
	struct lines *l = arg;
	size_t len = strlen(l->text);

	(void)snprintf(l->text + len, sizeof l->text - len, "[%.*s]", (int)bytes, line);
	return l->stop_after > 0 && --l->stop_after == 0 ? 1 : 0;
}

static void test_watch_frame_joins_lines_over_any_piece_size(void **state)
{
	const char *stream = "{\"a\":1}\n\n{\"b\":22222}\n{\"c\":3}\n";
	struct err err = {0};

	for (size_t piece = 1; piece <= strlen(stream); piece++) {
		struct lines l = {0};
		struct watch_frame f;

		watch_frame_init(&f, 64, on_line, &l);
		for (size_t at = 0; at < strlen(stream); at += piece) {
			size_t left = strlen(stream) - at;
			size_t n = left < piece ? left : piece;

			assert_int_equal(watch_frame_feed(&f, stream + at, n, &err), 0);
		}
		watch_frame_done(&f);
		assert_string_equal(l.text, "[{\"a\":1}][{\"b\":22222}][{\"c\":3}]");
	}
}

static void test_watch_frame_refuses_a_line_over_the_limit(void **state)
{
	struct lines l = {0};
	struct watch_frame f;
	struct err err = {0};

	watch_frame_init(&f, 8, on_line, &l);
	assert_int_equal(watch_frame_feed(&f, "12345678\n", 9, &err), 0);
	assert_int_equal(watch_frame_feed(&f, "12345", 5, &err), 0);
	assert_int_equal(watch_frame_feed(&f, "6789", 4, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	watch_frame_done(&f);
	watch_frame_init(&f, 8, on_line, &l);
	assert_int_equal(watch_frame_feed(&f, "123456789\n", 10, &err), -1);
	watch_frame_done(&f);
	assert_string_equal(l.text, "[12345678]");
}

static void test_watch_frame_stops_when_told(void **state)
{
	struct lines l = {.stop_after = 1};
	struct watch_frame f;
	struct err err = {0};

	watch_frame_init(&f, 8, on_line, &l);
	assert_int_equal(watch_frame_feed(&f, "a\nb\n", 4, &err), 1);
	watch_frame_done(&f);
	assert_string_equal(l.text, "[a]");
}

static void test_status_reason_decides_then_the_http_status(void **state)
{
	static const struct {
		int http;
		const char *reason;
		enum err_code want;
	} cases[] = {
	        {409, "AlreadyExists", ERR_EXISTS},
	        {409, "Conflict", ERR_CONFLICT},
	        {409, "", ERR_CONFLICT},
	        {404, "NotFound", ERR_NOT_FOUND},
	        {404, "", ERR_NOT_FOUND},
	        {410, "Expired", ERR_GONE},
	        {410, "Gone", ERR_GONE},
	        {410, "", ERR_GONE},
	        {422, "Invalid", ERR_INVALID},
	        {400, "BadRequest", ERR_INVALID},
	        {401, "Unauthorized", ERR_DENIED},
	        {403, "Forbidden", ERR_DENIED},
	        {403, "", ERR_DENIED},
	        {429, "TooManyRequests", ERR_UNAVAILABLE},
	        {500, "InternalError", ERR_UNAVAILABLE},
	        {503, "", ERR_UNAVAILABLE},
	        {302, "", ERR_UNAVAILABLE},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *status = json_pack("{s:s, s:s}", "reason", cases[i].reason, "message", "m");
		struct err err = {0};
		uint64_t retry_ms = 7;

		kube_status_err(cases[i].http, status, &retry_ms, &err);
		assert_int_equal(err.code, cases[i].want);
		assert_string_equal(err.text, "m");
		assert_int_equal(retry_ms, 7);
		json_decref(status);
	}
}

static void test_status_without_words_names_the_http_status(void **state)
{
	json_t *status = json_pack("{s:{s:i}}", "details", "retryAfterSeconds", 3);
	struct err err = {0};
	uint64_t retry_ms = 0;

	kube_status_err(503, NULL, &retry_ms, &err);
	assert_string_equal(err.text, "HTTP 503: the server did not say why");
	assert_int_equal(retry_ms, 0);
	kube_status_err(503, status, &retry_ms, &err);
	assert_int_equal(retry_ms, 3000);
	json_decref(status);
}

static void expect_path(const struct kube_ref *ref, const struct kube_query *query,
                        const char *want)
{
	char *path = kube_path(ref, query);

	assert_string_equal(path, want);
	free(path);
}

static void test_path_of_objects_and_types(void **state)
{
	const struct kube_query query[] = {
	        {"labelSelector", "a/b=c,d"}, {"x", NULL}, {"limit", "5"}, {NULL, NULL}};

	expect_path(&(struct kube_ref){.type = &KUBE_PODS}, query,
	            "/api/v1/pods?labelSelector=a%2Fb%3Dc%2Cd&limit=5");
	expect_path(&(struct kube_ref){.type = &KUBE_LEASES, .ns = "n", .name = "../x"}, NULL,
	            "/apis/coordination.k8s.io/v1/namespaces/n/leases/..%2Fx");
	expect_path(&(struct kube_ref){.type = &KUBE_STOPPABLECONTAINERS,
	                               .ns = "n",
	                               .name = "x",
	                               .subresource = "status"},
	            NULL,
	            "/apis/stoppablecontainer.xtlsoft.top/v1alpha1/namespaces/n/"
	            "stoppablecontainers/x/status");
	expect_path(&(struct kube_ref){.type = &KUBE_NODES, .ns = "n", .name = "x"}, NULL,
	            "/api/v1/nodes/x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_watch_frame_joins_lines_over_any_piece_size),
	        cmocka_unit_test(test_watch_frame_refuses_a_line_over_the_limit),
	        cmocka_unit_test(test_watch_frame_stops_when_told),
	        cmocka_unit_test(test_status_reason_decides_then_the_http_status),
	        cmocka_unit_test(test_status_without_words_names_the_http_status),
	        cmocka_unit_test(test_path_of_objects_and_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
