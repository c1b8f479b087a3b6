/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/api/kinds.h"
#include "lib/kube/client/path.h"

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
	        cmocka_unit_test(test_path_of_objects_and_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
