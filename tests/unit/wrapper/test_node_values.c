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

#include "agent/core/image.h"
#include "agent/core/passwd.h"
#include "agent/core/pod_view.h"
#include "agent/core/ports.h"
#include "agent/core/record.h"
#include "lib/api/instance.h"
#include "lib/kube/client/object.h"

static void test_passwd_users_by_name_and_number(void **state)
{
	static const char passwd[] = "root:x:0:0::/root:/bin/sh\napp:x:1000:50:App:/home:/bin/sh\n"
	                             "broken\nodd:x:y:1\nlast:x:7:8";
	static const char group[] = "root:x:0:\nweb:x:33:app\n";
	static const struct {
		const char *user;
		uint32_t uid, gid;
	} cases[] = {
	        {"", 0, 0},           {"0", 0, 0},
	        {"app", 1000, 50},    {"1000", 1000, 50},
	        {"1234", 1234, 0},    {"app:web", 1000, 33},
	        {"app:99", 1000, 99}, {"1234:web", 1234, 33},
	        {"last", 7, 8},       {":web", 0, 33},
	};
	struct passwd_user u;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(passwd_resolve(cases[i].user, passwd, group, &u, &err), 0);
		assert_int_equal(u.uid, cases[i].uid);
		assert_int_equal(u.gid, cases[i].gid);
	}
	assert_int_equal(passwd_resolve("nobody", passwd, group, &u, &err), -1);
	assert_non_null(strstr(err.text, "\"nobody\""));
	assert_int_equal(passwd_resolve("nobody:web", passwd, group, &u, &err), -1);
	assert_non_null(strstr(err.text, "\"nobody\""));
	assert_int_equal(passwd_resolve("app:none", passwd, group, &u, &err), -1);
	assert_int_equal(passwd_resolve("odd", passwd, group, &u, &err), -1);
	assert_int_equal(passwd_resolve("app", "", "", &u, &err), -1);
}

static void test_passwd_home_is_that_of_the_user(void **state)
{
	static const char passwd[] =
	        "root:x:0:0::/root:/bin/sh\napp:x:1000:50:App:/srv/app:/bin/sh\n"
	        "short:x:7:8\nnone:x:8:8:::/bin/sh\ntoor:x:0:0::/toor\n";
	static const struct {
		const char *user, *home;
	} cases[] = {
	        {"", "/root"},        {"0", "/root"},      {"root", "/root"},
	        {"1000", "/srv/app"}, {"app", "/srv/app"}, {"app:web", "/srv/app"},
	        {"1234", "/"},        {"short", "/"},      {"none", "/"},
	        {"toor", "/toor"},
	};
	char longest[PASSWD_HOME_BYTES + 32] = "app:x:1:1::/";
	struct passwd_user u;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(passwd_resolve(cases[i].user, passwd, "web:x:33:\n", &u, &err), 0);
		assert_string_equal(u.home, cases[i].home);
	}
	memset(longest + strlen(longest), 'a', PASSWD_HOME_BYTES);
	assert_int_equal(passwd_resolve("app", longest, "", &u, &err), 0);
	assert_string_equal(u.home, "/");
}

static void expect_groups(const char *user, const char *group, const char *want)
{
	static const char passwd[] = "root:x:0:0::/root:/bin/sh\napp:x:1000:50:App:/home:/bin/sh\n";
	struct passwd_user u;
	char got[1024] = "";
	struct err err;

	assert_int_equal(passwd_resolve(user, passwd, group, &u, &err), 0);
	for (size_t i = 0; i < u.groups_count; i++)
		(void)snprintf(got + strlen(got), sizeof got - strlen(got), "[%u]", u.groups[i]);
	assert_string_equal(got, want);
}

static void test_passwd_groups_are_those_that_name_the_user(void **state)
{
	static const char group[] = "root:x:0:root\nbin:x:1:root,daemon\nweb:x:33:www,app\n"
	                            "app:x:50:app\nhuge:x:2147483648:app\nodd:x:y:app\n"
	                            "none:x:9\napple:x:10:apple,ap\nvideo:x:27:app,root";
	char many[4096] = "";
	struct passwd_user u;

	(void)state;
	expect_groups("", group, "[1][27]");
	expect_groups("app", group, "[33][27]");
	expect_groups("1000:99", group, "[33][27]");
	expect_groups("1234", group, "");
	expect_groups("app", "", "");
	for (unsigned i = 0; i < 2 * PASSWD_GROUPS_MAX; i++)
		(void)snprintf(many + strlen(many), sizeof many - strlen(many), "g%u:x:%u:app\n", i,
		               i);
	assert_int_equal(passwd_resolve("app", "app:x:1:1", many, &u, NULL), 0);
	assert_int_equal(u.groups_count, PASSWD_GROUPS_MAX);
}

static void test_record_reads_as_it_was_written(void **state)
{
	static const char *const layers[] = {"/a", "/b c", NULL};
	static const char *const fewer[] = {"/a", NULL};
	const struct record_parts parts = {"uid-1", "sha256:1", layers, {7, 0x1f}, false};
	struct record_parts other = parts;
	char *text = record_format(&parts);
	struct record r;
	struct err err;

	(void)state;
	assert_non_null(text);
	assert_int_equal(record_parse(text, &r, &err), 0);
	assert_string_equal(r.instance_uid, "uid-1");
	assert_string_equal(r.image_digest, "sha256:1");
	assert_true(files_id_is(r.files, parts.files));
	assert_true(record_is(&r, &parts));
	other.layers = fewer;
	assert_false(record_is(&r, &other));
	other = parts;
	other.image_digest = "sha256:2";
	assert_false(record_is(&r, &other));
	other = parts;
	other.files.number = 8;
	assert_false(record_is(&r, &other));
	other = parts;
	other.is_dropping = true;
	assert_false(record_is(&r, &other));
	record_done(&r);
	free(text);
}

static void test_record_of_an_earlier_version_has_no_generation(void **state)
{
	struct record r;

	(void)state;
	assert_int_equal(record_parse("{\"version\":1,\"instanceUID\":\"u\",\"imageDigest\":"
	                              "\"d\",\"layers\":[\"/a\"]}",
	                              &r, NULL),
	                 0);
	assert_int_equal(r.files.number, 0);
	assert_false(r.is_dropping);
	record_done(&r);
}

static void test_record_anything_else_is_refused(void **state)
{
	static const char *const texts[] = {
	        "",
	        "{",
	        "[]",
	        "{}",
	        "{\"version\":2,\"instanceUID\":\"u\",\"imageDigest\":\"d\",\"layers\":[\"/a\"]}",
	        "{\"version\":1,\"instanceUID\":\"u\",\"imageDigest\":\"d\",\"layers\":[]}",
	        "{\"version\":1,\"instanceUID\":\"u\",\"imageDigest\":\"d\",\"layers\":[\"a\"]}",
	        "{\"version\":1,\"instanceUID\":\"u\",\"imageDigest\":\"d\",\"layers\":[1]}",
	        "{\"version\":1,\"instanceUID\":\"u\",\"imageDigest\":3,\"layers\":[\"/a\"]}",
	        "{\"version\":1,\"instanceUID\":\"u\",\"imageDigest\":\"d\",\"layers\":[\"/a\"],"
	        "\"filesGeneration\":\"7\"}",
	};
	struct record r;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		assert_int_equal(record_parse(texts[i], &r, &err), -1);
		assert_int_equal(err.code, ERR_PARSE);
	}
}

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

static void test_ports_tell_what_is_wrong(void **state)
{
	struct ports p = {.wanted = 8080};
	char buf[128];

	(void)state;
	assert_string_equal(ports_message(&p, buf, sizeof buf),
	                    "nothing listens on port 8080; listening: none");
	ports_add(&p, 80, false, 1);
	ports_add(&p, 80, false, 2);
	ports_add(&p, 443, true, 3);
	assert_string_equal(ports_message(&p, buf, sizeof buf),
	                    "nothing listens on port 8080; listening: 80, 443");
	ports_add(&p, 8080, true, 4);
	assert_false(p.is_wanted_open);
	assert_non_null(strstr(ports_message(&p, buf, sizeof buf), "loopback only"));
	ports_add(&p, 8080, false, 5);
	assert_true(p.is_wanted_open);
}

static bool is_seven(void *arg, uint32_t inode)
{
	++*(unsigned *)arg;
	return inode == 7;
}

static void test_ports_of_others_in_the_nodes_network_do_not_count(void **state)
{
	unsigned asked = 0;
	struct ports p = {.wanted = 8080, .is_own = is_seven, .own_arg = &asked};
	char buf[128];

	(void)state;
	ports_add(&p, 80, false, 7);
	assert_int_equal(asked, 0);
	ports_add(&p, 8080, false, 6);
	assert_false(p.is_wanted_open);
	assert_string_equal(ports_message(&p, buf, sizeof buf),
	                    "no process of the Pod listens on port 8080 of the node");
	ports_add(&p, 8080, true, 7);
	assert_non_null(strstr(ports_message(&p, buf, sizeof buf), "loopback only"));
	ports_add(&p, 8080, false, 7);
	assert_true(p.is_wanted_open);
}

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

static void test_pod_view_host_address_is_of_the_nodes_network_only(void **state)
{
	(void)state;
	expect_host_address("{\"spec\":{},\"status\":{\"hostIP\":\"10.0.0.1\"}}", NULL);
	expect_host_address("{\"spec\":{\"hostNetwork\":true}}", "");
	expect_host_address(
	        "{\"spec\":{\"hostNetwork\":true},\"status\":{\"hostIP\":\"10.0.0.1\"}}",
	        "10.0.0.1");
}

static void test_ports_are_asked_for_less_often_as_time_goes_by(void **state)
{
	(void)state;
	assert_int_equal(ports_delay_ms(0, 0), 2);
	assert_int_equal(ports_delay_ms(999, 200), 2);
	assert_int_equal(ports_delay_ms(1000, 0), 10);
	assert_int_equal(ports_delay_ms(10000, 0), 100);
	/* a look of 10 ms, where a Pod has made it expensive */
	assert_int_equal(ports_delay_ms(0, 10000), 90);
	assert_int_equal(ports_delay_ms(10000, 10000), 100);
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
	        cmocka_unit_test(test_passwd_users_by_name_and_number),
	        cmocka_unit_test(test_passwd_home_is_that_of_the_user),
	        cmocka_unit_test(test_passwd_groups_are_those_that_name_the_user),
	        cmocka_unit_test(test_record_reads_as_it_was_written),
	        cmocka_unit_test(test_record_of_an_earlier_version_has_no_generation),
	        cmocka_unit_test(test_record_anything_else_is_refused),
	        cmocka_unit_test(test_image_status_of_a_full_and_an_empty_configuration),
	        cmocka_unit_test(test_ports_tell_what_is_wrong),
	        cmocka_unit_test(test_ports_of_others_in_the_nodes_network_do_not_count),
	        cmocka_unit_test(test_image_user_gives_way_to_the_templates),
	        cmocka_unit_test(test_pod_view_host_address_is_of_the_nodes_network_only),
	        cmocka_unit_test(test_ports_are_asked_for_less_often_as_time_goes_by),
	        cmocka_unit_test(test_pod_view_mount_points_are_certain_folders),
	        cmocka_unit_test(test_pod_view_paths_to_clear_are_absolute_and_few),
	        cmocka_unit_test(test_pod_view_finds_the_main_container_by_its_name),
	        cmocka_unit_test(
	                test_pod_view_tells_the_main_container_from_others_and_its_addresses),
	        cmocka_unit_test(test_pod_view_keeps_all_that_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
