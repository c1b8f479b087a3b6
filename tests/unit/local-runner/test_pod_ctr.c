/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/local-runner/unit.h"

#include "local/runner/core/pod_ctr.h"

static void test_pod_ctr_backs_off_as_the_kubelet_does(void **state)
{
	static const uint64_t want[] = {0, 10000, 20000, 40000, 80000, 160000, 300000, 300000};
	struct pod_backoff b = {0};

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
		assert_int_equal(pod_backoff_next(&b, 5), want[i]);
	assert_int_equal(pod_backoff_next(&b, POD_BACKOFF_FORGET_MS), 0);
	assert_int_equal(pod_backoff_next(&b, 5), 10000);
}

static void test_pod_ctr_first_restart_is_no_crash_loop(void **state)
{
	struct pod_backoff b = {0};

	(void)state;
	assert_string_equal(pod_backoff_reason(pod_backoff_next(&b, 100)), "ContainerCreating");
	assert_string_equal(pod_backoff_reason(pod_backoff_next(&b, 100)), "CrashLoopBackOff");
}

static void test_pod_ctr_never_leaves_its_end(void **state)
{
	(void)state;
	for (int to = POD_CTR_ST_UNSET; to < POD_CTR_STATES_COUNT; to++)
		assert_false(pod_ctr_may_move(POD_CTR_ST_ENDED, (enum pod_ctr_state)to));
}

static void test_pod_ctr_can_end_from_every_state(void **state)
{
	(void)state;
	for (int from = POD_CTR_ST_UNSET; from < POD_CTR_STATES_COUNT; from++)
		assert_int_equal(pod_ctr_may_move((enum pod_ctr_state)from, POD_CTR_ST_ENDED),
		                 from != POD_CTR_ST_ENDED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pod_ctr_backs_off_as_the_kubelet_does),
	        cmocka_unit_test(test_pod_ctr_first_restart_is_no_crash_loop),
	        cmocka_unit_test(test_pod_ctr_never_leaves_its_end),
	        cmocka_unit_test(test_pod_ctr_can_end_from_every_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
