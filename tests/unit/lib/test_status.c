/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/cleanup.h"
#include "lib/kube/client/status.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_status_reason_decides_then_the_http_status),
	        cmocka_unit_test(test_status_without_words_names_the_http_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
