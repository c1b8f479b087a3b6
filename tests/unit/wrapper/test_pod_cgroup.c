/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "wrapper/node/core/pod_cgroup.h"

#define UID "0a1b-2c"

static void test_pod_cgroup_knows_both_drivers_folders(void **state)
{
	(void)state;
	assert_true(pod_cgroup_is_folder("pod" UID, UID));
	assert_true(pod_cgroup_is_folder("kubepods-burstable-pod0a1b_2c.slice", UID));
	assert_true(pod_cgroup_is_folder("pod0a1b_2c.slice", UID));
	assert_false(pod_cgroup_is_folder("pod" UID "0", UID));
	assert_false(pod_cgroup_is_folder("xpod" UID, UID));
	assert_false(pod_cgroup_is_folder("kubepods-xpod0a1b_2c.slice", UID));
	assert_false(pod_cgroup_is_folder("kubepods-pod0a1b_2c.scope", UID));
	assert_false(pod_cgroup_is_folder(UID, UID));
	assert_false(pod_cgroup_is_folder("pod", ""));
}

static void test_pod_cgroup_finds_whole_components_in_any_hierarchy(void **state)
{
	(void)state;
	assert_true(pod_cgroup_has("9:memory:/kubepods/pod" UID "/abc\n0::/\n", UID));
	assert_true(
	        pod_cgroup_has("0::/kubepods.slice/kubepods-pod0a1b_2c.slice/cri-1.scope\n", UID));
	assert_true(pod_cgroup_has("9:memory:/\n4:pids:/sc-local/pod" UID "\n", UID));
	assert_false(pod_cgroup_has("9:memory:/kubepods/pod" UID "x/abc\n", UID));
	assert_false(pod_cgroup_has("", UID));
}

static void test_pod_cgroup_knows_a_container_by_its_id(void **state)
{
	(void)state;
	assert_true(pod_cgroup_is_container("c0ffee", "c0ffee"));
	assert_true(pod_cgroup_is_container("libpod-c0ffee", "c0ffee"));
	assert_true(pod_cgroup_is_container("cri-containerd-c0ffee.scope", "c0ffee"));
	assert_true(pod_cgroup_is_container("crio-c0ffee.scope", "c0ffee"));
	assert_true(pod_cgroup_is_container("kubepods-pod1.slice:cri-containerd:c0ffee", "c0ffee"));
	assert_false(pod_cgroup_is_container("ac0ffee", "c0ffee"));
	assert_false(pod_cgroup_is_container("c0ffee0", "c0ffee"));
	assert_false(pod_cgroup_is_container("conmon", "c0ffee"));
	assert_false(pod_cgroup_is_container("c0ffee", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pod_cgroup_knows_both_drivers_folders),
	        cmocka_unit_test(test_pod_cgroup_finds_whole_components_in_any_hierarchy),
	        cmocka_unit_test(test_pod_cgroup_knows_a_container_by_its_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
