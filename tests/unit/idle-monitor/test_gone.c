/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "idle-monitor/core/gone.h"
#include "lib/base/cleanup.h"

static void test_gone_pod_only_when_it_is_sure(void **state)
{
	static const struct {
		const char *pod;
		const char *why; /* NULL: it may live */
	} cases[] = {
	        {"{\"metadata\":{\"uid\":\"u1\"}}", NULL},
	        {"{\"metadata\":{\"uid\":\"u1\"},\"status\":{\"phase\":\"Running\","
	         "\"podIP\":\"10.0.0.1\"}}",
	         NULL},
	        {"{\"metadata\":{\"uid\":\"u1\",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"},"
	         "\"status\":{\"phase\":\"Running\",\"podIP\":\"10.0.0.1\"}}",
	         NULL}, /* it may hold connections to its last moment */
	        {"{\"metadata\":{\"uid\":\"u1\"},\"status\":{\"phase\":\"Unknown\"}}", NULL},
	        {"{\"metadata\":{\"uid\":\"u1\"},\"status\":{\"podIP\":\"fd00::1\",\"podIPs\":"
	         "[{\"ip\":\"fd00::1\"},{\"ip\":\"10.0.0.1\"}]}}",
	         NULL},
	        {"{\"metadata\":{\"uid\":\"u2\"}}", "another"},
	        {"{\"metadata\":{\"uid\":\"u1\"},\"status\":{\"phase\":\"Failed\"}}", "ended"},
	        {"{\"metadata\":{\"uid\":\"u1\"},\"status\":{\"phase\":\"Succeeded\"}}", "ended"},
	        {"{\"metadata\":{\"uid\":\"u1\"},\"status\":{\"phase\":\"Running\","
	         "\"podIP\":\"10.0.0.2\",\"podIPs\":[{\"ip\":\"10.0.0.2\"}]}}",
	         "address"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *pod = json_loads(cases[i].pod, 0, NULL);
		const char *why = gone_pod(pod, "u1", "10.0.0.1");

		if (cases[i].why == NULL)
			assert_null(why);
		else
			assert_non_null(strstr(why != NULL ? why : "lives", cases[i].why));
		json_decref(pod);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_gone_pod_only_when_it_is_sure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
