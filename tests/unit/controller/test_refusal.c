/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/controller/fixture.h"

#include <string.h>

#include "controller/core/refusal.h"

static void test_refusal_reason_tells_who_said_no(void **state)
{
	static const struct {
		enum held what;
		int status;
		const char *text, *reason;
	} cases[] = {
	        {HELD_CONSUMER, 403, "pods \"a\" is forbidden: violates PodSecurity \"restricted\"",
	         "PodForbidden"},
	        {HELD_PROVIDER, 403,
	         "pods \"a\" is forbidden: exceeded quota: q, requested: pods=1", "QuotaExceeded"},
	        {HELD_CONSUMER, 403,
	         "pods \"a\" is forbidden: failed quota: q: must specify limits.cpu for: main",
	         "QuotaExceeded"},
	        {HELD_CONSUMER, 422, "Pod \"a\" is invalid: spec.containers[0].image",
	         "ConsumerRejected"},
	        {HELD_PROVIDER, 400, "no", "ProviderRejected"},
	        {HELD_SERVICE, 403, "exceeded quota", "ServiceRejected"},
	        {HELD_CONSUMER, 409, "is in the way", "ConsumerRejected"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_string_equal(refusal_reason(cases[i].what, cases[i].status, cases[i].text),
		                    cases[i].reason);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_refusal_reason_tells_who_said_no),
	};

	return cmocka_run_group_tests_name("controller-refusal", tests, NULL, NULL);
}
