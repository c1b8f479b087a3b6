/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/core/pod_cgroup.h"

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

static void test_pod_cgroup_has_a_container_in_any_hierarchy(void **state)
{
	(void)state;
	assert_true(pod_cgroup_has_container("9:memory:/pod" UID "/c0ffee\n0::/\n", "r://c0ffee"));
	assert_true(pod_cgroup_has_container("0::/a.slice/cri-containerd-c0ffee.scope/init\n",
	                                     "containerd://c0ffee"));
	assert_true(pod_cgroup_has_container("0::/libpod-c0ffee", "c0ffee"));
	assert_false(pod_cgroup_has_container("9:memory:/pod" UID "/c0ffee0\n", "r://c0ffee"));
	assert_false(pod_cgroup_has_container("9:memory:/pod" UID "/c0ffee\n", "r://"));
	assert_false(pod_cgroup_has_container("", "r://c0ffee"));
}

#define KUBE_UID "7f3c9a10-5b2e-4d61-9c08-2a4be1d0f6a7"
#define SLICE_UID "7f3c9a10_5b2e_4d61_9c08_2a4be1d0f6a7"

/* What kubelets and runtimes make of a Pod, in /proc/PID/cgroup. */
static void test_pod_cgroup_knows_what_kubelets_make(void **state)
{
	static const char *const texts[] = {
	        /* cgroupfs driver: the three classes, v1 and v2 */
	        "4:memory:/kubepods/pod" KUBE_UID "/0f1e\n",
	        "4:memory:/kubepods/burstable/pod" KUBE_UID
	        "/0f1e\n3:cpu:/kubepods/burstable/pod" KUBE_UID "/0f1e\n",
	        "0::/kubepods/besteffort/pod" KUBE_UID "/0f1e\n",
	        "0::/kubepods/burstable/pod" KUBE_UID "/crio-0f1e\n",
	        /* systemd driver: containerd, CRI-O (with a folder below), the three classes */
	        "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" SLICE_UID
	        ".slice/cri-containerd-0f1e.scope\n",
	        "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" SLICE_UID
	        ".slice/crio-0f1e.scope/container\n",
	        "0::/kubepods.slice/kubepods-pod" SLICE_UID ".slice/cri-containerd-0f1e.scope\n",
	        "12:pids:/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" SLICE_UID
	        ".slice/cri-containerd-0f1e.scope\n0::/\n",
	        /* v1, containerd given a slice by a kubelet with the cgroupfs driver's neighbour */
	        "9:cpu:/system.slice/containerd.service/kubepods-burstable-pod" SLICE_UID
	        ".slice:cri-containerd:0f1e\n4:memory:/kubepods/burstable/pod" KUBE_UID "/0f1e\n",
	        /* seen from a cgroup namespace beside it; and with a folder of the cluster's own */
	        "0::/../../kubepods-burstable-pod" SLICE_UID ".slice/cri-containerd-0f1e.scope\n",
	        "0::/../pod" KUBE_UID "/0f1e\n",
	        "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
	        "kubelet-kubepods-burstable-pod" SLICE_UID ".slice/cri-containerd-0f1e.scope\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (!pod_cgroup_has(texts[i], KUBE_UID))
			fail_msg("not found: %s", texts[i]);
		assert_false(pod_cgroup_has(texts[i], "7f3c9a10-5b2e-4d61-9c08-2a4be1d0f6a8"));
	}
	/* a container's own name is not its Pod */
	assert_false(pod_cgroup_has("0::/kubepods/pod0/cri-pod" SLICE_UID ".scope\n", KUBE_UID));
	assert_false(pod_cgroup_has("0::/user.slice/xpod" KUBE_UID "\n", KUBE_UID));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pod_cgroup_knows_both_drivers_folders),
	        cmocka_unit_test(test_pod_cgroup_finds_whole_components_in_any_hierarchy),
	        cmocka_unit_test(test_pod_cgroup_knows_a_container_by_its_id),
	        cmocka_unit_test(test_pod_cgroup_has_a_container_in_any_hierarchy),
	        cmocka_unit_test(test_pod_cgroup_knows_what_kubelets_make),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
