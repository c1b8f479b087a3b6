/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/client/denial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_denial_may_pass_when_the_server_has_just_started(void **state)
{
	assert_true(denial_may_pass(
	        403, "pods is forbidden: User \"system:serviceaccount:sc:sc-controller\" cannot "
	             "create resource \"pods\" in API group \"\" in the namespace \"default\""));
	assert_false(denial_may_pass(
	        403, "pods \"a\" is forbidden: violates PodSecurity \"restricted\": User \"a\""));
	assert_true(
	        denial_may_pass(403, "pods \"a\" is forbidden: not yet ready to handle request"));
	assert_false(denial_may_pass(422, "Pod \"a\" is forbidden: User \"a\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_denial_may_pass_when_the_server_has_just_started),
	};

	return cmocka_run_group_tests_name("lib-denial", tests, NULL, NULL);
}
