/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka's own order of headers */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core/pod_view.h"
#include "lib/kube/client/object.h"

static void expect_host_address(const char *pod, const char *want)
{
	json_t *json = json_loads(pod, 0, NULL);
	const char *got = pod_host_address(json);

	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got, want);
	json_decref(json);
}

static void test_pod_view_host_address_is_of_the_nodes_network_only(void **state)
{
	(void)state;
	expect_host_address("{\"spec\":{},\"status\":{\"hostIP\":\"10.0.0.1\"}}", NULL);
	expect_host_address("{\"spec\":{\"hostNetwork\":true}}", "");
	expect_host_address(
	        "{\"spec\":{\"hostNetwork\":true},\"status\":{\"hostIP\":\"10.0.0.1\"}}",
	        "10.0.0.1");
}

static void expect_mount_points(const char *instance, const char *want)
{
	const char *paths[POD_MOUNT_POINTS_MAX + 1];
	json_t *json = json_loads(instance, 0, NULL);
	char got[256] = "";

	assert_non_null(json);
	instance_mount_points(json, paths);
	for (size_t i = 0; paths[i] != NULL; i++)
		(void)snprintf(got + strlen(got), sizeof got - strlen(got), "[%s]", paths[i]);
	assert_string_equal(got, want);
	json_decref(json);
}

static void test_pod_view_mount_points_are_certain_folders(void **state)
{
	(void)state;
	expect_mount_points(
	        "{\"spec\":{\"template\":{\"container\":{\"volumeMounts\":["
	        "{\"name\":\"a\",\"mountPath\":\"/a\"},{\"name\":\"h\",\"mountPath\":\"/h\"},"
	        "{\"name\":\"a\",\"mountPath\":\"/s\",\"subPath\":\"x\"},"
	        "{\"name\":\"none\",\"mountPath\":\"/n\"},{\"name\":\"a\",\"mountPath\":\"rel\"}]},"
	        "\"volumes\":[{\"name\":\"a\",\"emptyDir\":{}},{\"name\":\"h\",\"hostPath\":{}}]}}"
	        "}",
	        "[/a]");
	expect_mount_points("{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"volumeMounts\":["
	                    "{\"name\":\"a\",\"mountPath\":\"/a\"}]}],"
	                    "\"volumes\":[{\"name\":\"a\",\"configMap\":{}}]}}}}",
	                    "[/a]");
	expect_mount_points("{}", "");
}

static void test_pod_view_paths_to_clear_are_absolute_and_few(void **state)
{
	const char *paths[POD_CLEAR_MAX + 1];
	json_t *json =
	        json_loads("{\"spec\":{\"clearAtStart\":[\"/run\",\"tmp\",7,\"/tmp\"]}}", 0, NULL);
	json_t *list = json_at(json, "spec", "clearAtStart", NULL);

	(void)state;
	instance_clear_paths(json, paths);
	assert_string_equal(paths[0], "/run");
	assert_string_equal(paths[1], "/tmp");
	assert_null(paths[2]);
	for (unsigned i = 0; i < 2 * POD_CLEAR_MAX; i++)
		json_array_append_new(list, json_string("/x"));
	instance_clear_paths(json, paths);
	assert_non_null(paths[POD_CLEAR_MAX - 1]);
	assert_null(paths[POD_CLEAR_MAX]);
	instance_clear_paths(NULL, paths);
	assert_null(paths[0]);
	json_decref(json);
}

static json_t *skimmed(const struct skim *of, const json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);
	char *kept = malloc(strlen(text));
	size_t bytes = skim_object(of, text, strlen(text), kept);
	json_t *value = json_loadb(kept, bytes, 0, NULL);

	free(text);
	free(kept);
	assert_non_null(value);
	return value;
}

static void test_pod_view_finds_the_main_container_by_its_name(void **state)
{
	json_t *pod = json_loads(
	        "{\"spec\":{\"containers\":[{\"name\":\"web\"},{\"name\":\"aside\"}]},"
	        "\"status\":{\"containerStatuses\":[{\"name\":\"aside\",\"containerID\":\"r://1\","
	        "\"state\":{\"running\":{}}},{\"name\":\"web\",\"containerID\":\"r://2\","
	        "\"state\":{\"terminated\":{\"containerID\":\"r://2\",\"exitCode\":137}},"
	        "\"lastState\":{\"terminated\":{\"containerID\":\"r://0\",\"exitCode\":1}}}]}}",
	        0, NULL);
	const char *ended;
	int code;

	(void)state;
	assert_string_equal(pod_main_container_id(pod), "");
	assert_true(pod_main_end(pod, &ended, &code));
	assert_string_equal(ended, "r://2");
	assert_int_equal(code, 137);
	assert_false(pod_main_end(NULL, &ended, &code));
	assert_string_equal(pod_main_container_id(NULL), "");
	json_decref(pod);
}

static bool is_that_container(const void *arg, const char *id)
{
	return strcmp(id, arg) == 0;
}

static void test_pod_view_tells_the_main_container_from_others_and_its_addresses(void **state)
{
	json_t *whole = json_loads(
	        "{\"spec\":{\"containers\":[{\"name\":\"web\"},{\"name\":\"aside\"}]},\"status\":{"
	        "\"podIPs\":[{\"ip\":\"10.0.0.9\"},{\"ip\":\"fd00::9\"}],"
	        "\"containerStatuses\":[{\"name\":\"aside\",\"containerID\":\"r://1\"},"
	        "{\"name\":\"web\",\"containerID\":\"r://2\"}],"
	        "\"initContainerStatuses\":[{\"name\":\"a\",\"containerID\":\"r://3\"}],"
	        "\"ephemeralContainerStatuses\":[{\"name\":\"b\",\"containerID\":\"r://4\"},"
	        "{\"name\":\"c\",\"containerID\":\"\"}]}}",
	        0, NULL);
	json_t *pod = skimmed(&POD_VIEW, whole);

	(void)state;
	assert_true(pod_any_other_container(pod, is_that_container, "r://1"));
	assert_true(pod_any_other_container(pod, is_that_container, "r://3"));
	assert_true(pod_any_other_container(pod, is_that_container, "r://4"));
	assert_false(pod_any_other_container(pod, is_that_container, "r://2"));
	assert_false(pod_any_other_container(pod, is_that_container, "r://5"));
	assert_false(pod_any_other_container(pod, is_that_container, ""));
	assert_false(pod_any_other_container(NULL, is_that_container, "r://1"));
	assert_true(pod_may_have_address(pod, "10.0.0.9"));
	assert_true(pod_may_have_address(pod, "fd00::9"));
	assert_false(pod_may_have_address(pod, "169.254.169.254"));
	assert_true(pod_may_have_address(NULL, "10.0.0.9"));
	json_decref(pod);
	json_decref(whole);
}

static void test_pod_view_keeps_all_that_is_read(void **state)
{
	json_t *whole = json_loads(
	        "{\"metadata\":{\"name\":\"web\",\"namespace\":\"d\",\"uid\":\"p\","
	        "\"resourceVersion\":\"5\",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\","
	        "\"labels\":{\"stoppablecontainer.xtlsoft.top/role\":\"consumer\"},"
	        "\"annotations\":{\"stoppablecontainer.xtlsoft.top/start\":\"3\","
	        "\"stoppablecontainer.xtlsoft.top/container-generation\":\"7\"},"
	        "\"ownerReferences\":[{\"uid\":\"i\",\"name\":\"web\",\"controller\":true,"
	        "\"apiVersion\":\"stoppablecontainer.xtlsoft.top/v1alpha1\","
	        "\"kind\":\"StoppableContainerInstance\"}]},"
	        "\"spec\":{\"hostNetwork\":true,\"containers\":[{\"name\":\"web\","
	        "\"workingDir\":\"/w\"}]},"
	        "\"status\":{\"hostIP\":\"10.0.0.1\","
	        "\"containerStatuses\":[{\"containerID\":\"containerd://c\",\"name\":\"web\","
	        "\"state\":{\"running\":{}},\"lastState\":{\"terminated\":{"
	        "\"containerID\":\"containerd://b\",\"exitCode\":7}}}]}}",
	        0, NULL);
	json_t *pod = skimmed(&POD_VIEW, whole);
	json_t *instance = json_pack("{s:{s:s,s:s,s:s}}", "metadata", "name", "web", "namespace",
	                             "d", "uid", "i");
	const char *ended;
	int code;

	(void)state;
	assert_true(pod_is_of(pod, instance, "consumer"));
	assert_string_equal(pod_container_id(pod), "containerd://c");
	assert_string_equal(pod_main_container_id(pod), "containerd://c");
	assert_string_equal(pod_working_dir(pod), "/w");
	assert_true(pod_main_end(pod, &ended, &code));
	assert_string_equal(ended, "containerd://b");
	assert_int_equal(code, 7);
	assert_string_equal(pod_host_address(pod), "10.0.0.1");
	assert_int_equal(pod_start(pod), 3);
	assert_int_equal(pod_generation(pod), 7);
	assert_true(kube_is_deleting(pod));
	assert_string_equal(kube_uid(pod), "p");
	json_decref(instance);
	json_decref(pod);
	json_decref(whole);
}

static void set_at(json_t *object, const char *key, const char *value)
{
	assert_int_equal(json_object_set_new(object, key, json_string(value)), 0);
}

static void test_pod_is_of_its_very_instance_alone(void **state)
{
	static const char *const keys[] = {"apiVersion", "kind", "name", "uid"};
	json_t *instance = json_pack("{s:{s:s,s:s,s:s}}", "metadata", "name", "web", "namespace",
	                             "b", "uid", "i");
	json_t *pod = json_pack(
	        "{s:{s:s,s:{s:s},s:[{s:s,s:s,s:s,s:s,s:b}]}}", "metadata", "namespace", "b",
	        "labels", "stoppablecontainer.xtlsoft.top/role", "consumer", "ownerReferences",
	        "apiVersion", "stoppablecontainer.xtlsoft.top/v1alpha1", "kind",
	        "StoppableContainerInstance", "name", "web", "uid", "i", "controller", 1);
	json_t *meta = json_object_get(pod, "metadata");
	json_t *owner = json_array_get(json_object_get(meta, "ownerReferences"), 0);

	(void)state;
	assert_true(pod_is_of(pod, instance, "consumer"));
	assert_false(pod_is_of(pod, instance, "provider"));
	set_at(meta, "namespace", "a");
	assert_false(pod_is_of(pod, instance, "consumer"));
	set_at(meta, "namespace", "b");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		json_t *is = json_incref(json_object_get(owner, keys[i]));

		set_at(owner, keys[i], "another");
		assert_false(pod_is_of(pod, instance, "consumer"));
		assert_int_equal(json_object_set_new(owner, keys[i], is), 0);
	}
	assert_true(pod_is_of(pod, instance, "consumer"));
	json_decref(pod);
	json_decref(instance);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pod_is_of_its_very_instance_alone),
	        cmocka_unit_test(test_pod_view_host_address_is_of_the_nodes_network_only),
	        cmocka_unit_test(test_pod_view_mount_points_are_certain_folders),
	        cmocka_unit_test(test_pod_view_paths_to_clear_are_absolute_and_few),
	        cmocka_unit_test(test_pod_view_finds_the_main_container_by_its_name),
	        cmocka_unit_test(
	                test_pod_view_tells_the_main_container_from_others_and_its_addresses),
	        cmocka_unit_test(test_pod_view_keeps_all_that_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
