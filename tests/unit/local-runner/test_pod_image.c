/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/local-runner/unit.h"

#include "local/runner/core/pod_image.h"

static void test_pod_image_completes_short_names(void **state)
{
	static const struct {
		const char *image;
		const char *want; /* NULL: not a name */
	} cases[] = {
	        {"busybox", "docker.io/library/busybox:latest"},
	        {"a/b:1", "docker.io/a/b:1"},
	        {"localhost/x:1", "localhost/x:1"},
	        {"host:5000/x", "host:5000/x:latest"},
	        {"r.example/x@sha256:0123", "r.example/x@sha256:0123"},
	        {"UPPER/Case", NULL},
	        {"", NULL},
	        {"a b", NULL},
	        {"a//b", NULL},
	        {"x@md5:1", NULL},
	        {"-x", NULL},
	        {"x?a=b", NULL},
	};
	char buf[POD_IMAGE_NAME_BYTES_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool ok = pod_image_normalize(cases[i].image, buf, sizeof buf);

		assert_int_equal(ok, cases[i].want != NULL);
		if (ok)
			assert_string_equal(buf, cases[i].want);
	}
}

static void test_pod_image_pulls_latest_always(void **state)
{
	static const struct {
		const char *container;
		enum pod_image_pull want;
	} cases[] = {
	        {"{'image': 'x'}", POD_IMAGE_ALWAYS},
	        {"{'image': 'x:latest'}", POD_IMAGE_ALWAYS},
	        {"{'image': 'x:1'}", POD_IMAGE_IF_NOT_PRESENT},
	        {"{'image': 'h:1/x'}", POD_IMAGE_ALWAYS},
	        {"{'image': 'x@sha256:1'}", POD_IMAGE_IF_NOT_PRESENT},
	        {"{'image': 'x', 'imagePullPolicy': 'Never'}", POD_IMAGE_NEVER},
	        {"{'image': 'x', 'imagePullPolicy': 'IfNotPresent'}", POD_IMAGE_IF_NOT_PRESENT},
	        {"{'image': 'x:1', 'imagePullPolicy': 'Always'}", POD_IMAGE_ALWAYS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *container = js(cases[i].container);

		assert_int_equal(pod_image_pull_policy(container), cases[i].want);
		json_decref(container);
	}
}

static void test_pod_image_repository_has_no_tag(void **state)
{
	char buf[64];

	(void)state;
	pod_image_repository("h:1/x:2@sha256:3", buf, sizeof buf);
	assert_string_equal(buf, "h:1/x");
	pod_image_repository("h:1/x", buf, sizeof buf);
	assert_string_equal(buf, "h:1/x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pod_image_completes_short_names),
	        cmocka_unit_test(test_pod_image_pulls_latest_always),
	        cmocka_unit_test(test_pod_image_repository_has_no_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
