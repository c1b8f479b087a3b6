/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdbool.h>

#include "agent/core/image.h"
#include "agent/core/pod_view.h"
#include "lib/api/instance.h"

static void expect_image(const char *config, const char *want)
{
	json_t *in = json_loads(config, 0, NULL);
	json_t *out = image_status(in, NULL);
	json_t *wanted = json_loads(want, 0, NULL);

	assert_non_null(in);
	assert_non_null(wanted);
	image_status_user(out, &(struct passwd_user){5, 6, {7, 8}, 2, "/h"});
	assert_true(json_equal(out, wanted));
	json_decref(in);
	json_decref(out);
	json_decref(wanted);
}

static void test_image_status_of_a_full_and_an_empty_configuration(void **state)
{
	(void)state;
	expect_image(
	        "{\"Entrypoint\":[\"/e\"],\"Cmd\":[\"a\",\"b\"],\"Env\":[\"K=V\"],"
	        "\"WorkingDir\":\"/w\",\"StopSignal\":\"SIGQUIT\",\"ExposedPorts\":{\"8080/"
	        "tcp\":{},\"53/udp\":{},"
	        "\"x/tcp\":{},\"99999/tcp\":{}}}",
	        "{\"entrypoint\":[\"/e\"],\"command\":[\"a\",\"b\"],\"env\":[\"K=V\"],"
	        "\"workingDir\":\"/"
	        "w\",\"uid\":5,\"gid\":6,\"groups\":[7,8],\"home\":\"/h\",\"exposedPorts\":[8080],"
	        "\"stopSignal\":\"SIGQUIT\"}");
	expect_image("{\"Entrypoint\":null,\"StopSignal\":\"\"}",
	             "{\"entrypoint\":[],\"command\":[],\"env\":[],\"workingDir\":\"/\",\"uid\":5,"
	             "\"gid\":6,\"groups\":[7,8],\"home\":\"/h\",\"exposedPorts\":[]}");
}

static void test_image_user_gives_way_to_the_templates(void **state)
{
	static const char *const templates[] = {
	        "{\"spec\":{\"template\":{\"container\":{\"securityContext\":{\"runAsUser\":7}}}}}",
	        "{\"spec\":{\"template\":{\"spec\":{\"securityContext\":{\"runAsUser\":7},"
	        "\"containers\":[{}]}}}}",
	        "{\"spec\":{\"template\":{\"spec\":{\"securityContext\":{\"runAsUser\":8},"
	        "\"containers\":[{\"securityContext\":{\"runAsUser\":7}}]}}}}",
	};
	json_t *config = json_loads("{\"User\":\"app:web\"}", 0, NULL);
	json_t *without = json_loads("{\"spec\":{\"template\":{\"container\":{}}}}", 0, NULL);
	json_t *images = image_status(config, NULL);
	char buf[IMAGE_USER_BYTES];

	(void)state;
	assert_null(instance_run_as(without));
	assert_string_equal(image_user(config, NULL, buf), "app:web");
	assert_string_equal(image_user(NULL, NULL, buf), "");
	assert_true(instance_image_is_of(images, NULL));
	for (size_t i = 0; i < ARRAY_LEN(templates); i++) {
		json_t *instance = json_loads(templates[i], 0, NULL);
		const json_t *run_as = instance_run_as(instance);
		json_t *status = image_status(config, run_as);

		assert_string_equal(image_user(config, run_as, buf), "7");
		assert_int_equal(json_integer_value(json_object_get(status, "runAsUser")), 7);
		assert_true(instance_image_is_of(status, run_as));
		/* an older agent has looked up no home: this one asks again */
		assert_false(image_status_is_whole(status, run_as));
		image_status_user(status, &(struct passwd_user){.home = "/h"});
		assert_true(image_status_is_whole(status, run_as));
		assert_false(image_status_is_whole(status, NULL));
		assert_false(instance_image_is_of(status, NULL));
		assert_false(instance_image_is_of(images, run_as));
		json_decref(status);
		json_decref(instance);
	}
	json_decref(images);
	json_decref(without);
	json_decref(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_image_status_of_a_full_and_an_empty_configuration),
	        cmocka_unit_test(test_image_user_gives_way_to_the_templates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
