/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core/rootfs_plan.h"

static void test_rootfs_plan_claims_before_it_makes(void **state)
{
	struct rootfs_facts f = {.provider_runs = true};

	(void)state;
	assert_int_equal(rootfs_plan(&f), ROOTFS_NONE); /* before the controller's finalizer */
	f.has_finalizer = true;
	assert_int_equal(rootfs_plan(&f), ROOTFS_CLAIM);
	f.is_ours = f.is_claimed = true;
	f.has_finalizer = false; /* claimed by an older version */
	assert_int_equal(rootfs_plan(&f), ROOTFS_NONE);
	f.has_finalizer = true;
	assert_int_equal(rootfs_plan(&f), ROOTFS_MAKE_BY_PROVIDER);
	f.is_busy = true;
	assert_int_equal(rootfs_plan(&f), ROOTFS_NONE);
	f.is_busy = false;
	f.is_mounted = f.provider_is_seen = true;
	assert_int_equal(rootfs_plan(&f), ROOTFS_NONE);
}

static void test_rootfs_plan_leaves_other_nodes_alone(void **state)
{
	struct rootfs_facts f = {.provider_runs = true, .is_claimed = true, .has_finalizer = true};

	(void)state;
	assert_int_equal(rootfs_plan(&f), ROOTFS_NONE);
	f.is_deleting = true;
	assert_int_equal(rootfs_plan(&f), ROOTFS_NONE);
}

static void test_rootfs_plan_mounts_by_the_record_before_a_provider_runs(void **state)
{
	struct rootfs_facts f = {
	        .is_ours = true, .is_claimed = true, .has_finalizer = true, .was_ready = true};

	(void)state;
	assert_int_equal(rootfs_plan(&f), ROOTFS_MAKE_BY_RECORD);
	f.was_ready = false; /* tried, and the layers are gone */
	assert_int_equal(rootfs_plan(&f), ROOTFS_NONE);
	f.provider_runs = f.provider_is_seen = true;
	assert_int_equal(rootfs_plan(&f), ROOTFS_MAKE_BY_PROVIDER);
	f.is_image_gone = true; /* from under that provider: another one pulls it again */
	assert_int_equal(rootfs_plan(&f), ROOTFS_NONE);
	f.provider_is_seen = false;
	f.is_in_use = true; /* a consumer waits */
	assert_int_equal(rootfs_plan(&f), ROOTFS_MAKE_BY_PROVIDER);
	f.is_paused = true;
	assert_int_equal(rootfs_plan(&f), ROOTFS_NONE);
}

static void test_rootfs_plan_looks_at_another_provider_between_two_starts(void **state)
{
	struct rootfs_facts f = {.is_ours = true,
	                         .is_claimed = true,
	                         .has_finalizer = true,
	                         .is_mounted = true,
	                         .is_in_use = true,
	                         .provider_runs = true};

	(void)state;
	assert_int_equal(rootfs_plan(&f), ROOTFS_NONE);
	f.is_in_use = false;
	assert_int_equal(rootfs_plan(&f), ROOTFS_MAKE_BY_PROVIDER);
}

static void test_rootfs_plan_tells_an_order_that_is_carried_out(void **state)
{
	struct rootfs_facts f = {.is_ours = true,
	                         .is_claimed = true,
	                         .has_finalizer = true,
	                         .is_mounted = true,
	                         .provider_runs = true,
	                         .provider_is_seen = true,
	                         .is_order_unreported = true};

	(void)state;
	assert_int_equal(rootfs_plan(&f), ROOTFS_REPORT_ORDER);
	f.provider_is_seen = false; /* another image: it may be meant for that */
	assert_int_equal(rootfs_plan(&f), ROOTFS_MAKE_BY_PROVIDER);
}

static void test_rootfs_plan_removes_when_nobody_uses_it(void **state)
{
	struct rootfs_facts f = {.is_ours = true,
	                         .is_claimed = true,
	                         .has_finalizer = true,
	                         .is_mounted = true,
	                         .is_deleting = true,
	                         .is_in_use = true};

	(void)state;
	assert_int_equal(rootfs_plan(&f), ROOTFS_NONE);
	f.is_in_use = false;
	assert_int_equal(rootfs_plan(&f), ROOTFS_REMOVE);
	f.is_removed = true;
	assert_int_equal(rootfs_plan(&f), ROOTFS_NONE); /* the controller does the rest */
	f.is_removed = f.has_finalizer = false;
	assert_int_equal(rootfs_plan(&f), ROOTFS_NONE);
}

static void test_rootfs_plan_tries_again_what_may_pass(void **state)
{
	(void)state;
	assert_true(rootfs_is_temporary("MountFailed"));
	assert_true(rootfs_is_temporary("NoSpace"));
	assert_true(rootfs_is_temporary(""));
	assert_false(rootfs_is_temporary("ImageGone"));
	assert_false(rootfs_is_temporary("RecordCorrupt"));
	assert_false(rootfs_is_temporary("DigestChanged"));
	assert_false(rootfs_is_temporary("UnsafeMountPoint"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rootfs_plan_claims_before_it_makes),
	        cmocka_unit_test(test_rootfs_plan_leaves_other_nodes_alone),
	        cmocka_unit_test(test_rootfs_plan_mounts_by_the_record_before_a_provider_runs),
	        cmocka_unit_test(test_rootfs_plan_looks_at_another_provider_between_two_starts),
	        cmocka_unit_test(test_rootfs_plan_tells_an_order_that_is_carried_out),
	        cmocka_unit_test(test_rootfs_plan_tries_again_what_may_pass),
	        cmocka_unit_test(test_rootfs_plan_removes_when_nobody_uses_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
